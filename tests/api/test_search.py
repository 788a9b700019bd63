"""Searches against the brute-force oracle of `data`."""

from typing import Any

import cql2
import httpx
import orjson
import pytest

from tests.api.data import ITEMS, box, ordered, sort_value, span, touches

Keys = list[tuple[str, str]]


def keys(page: dict[str, Any]) -> Keys:
    return [(item["collection"], item["id"]) for item in page["features"]]


def search(http: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = http.post("/search", json={"limit": 1000, **body})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    page: dict[str, Any] = answer.json()
    assert page["numberReturned"] == len(page["features"])
    return page


def expect(http: httpx.Client, wanted: list[dict[str, Any]], **body: Any) -> None:
    page = search(http, **body)
    assert sorted(keys(page)) == sorted((item["collection"], item["id"]) for item in wanted)
    assert page["numberMatched"] == len(wanted)


BOXES = [
    (-180, -90, 180, 90),
    (139, 35, 140, 36),
    (170, -30, -170, 0),
    (179.9, -18, -179.9, -16),
    (-170, -30, 170, 0),
    (100, -90, -100, 90),
    (-10, 80, 10, 90),
    (-180, -90, 180, -88),
    (139.45, 35.45, 139.45, 35.45),
    (139.45, 35, 139.45, 36),
    (174, 0, 180, 70),
    (-180, -20, -179.5, -10),
]


@pytest.mark.parametrize("bbox", BOXES)
@pytest.mark.parametrize("heights", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_bbox_returns_what_touches_it_and_nothing_else(
    http: httpx.Client, bbox: tuple[float, ...], heights: bool, method: str
) -> None:
    wanted = [item for item in ITEMS if touches(item, *bbox)]
    assert wanted or bbox[0] == 174
    asked = [*bbox[:2], -10, *bbox[2:], 10] if heights else list(bbox)
    if method == "POST":
        expect(http, wanted, bbox=asked)
        return
    answer = http.get("/search", params={"bbox": ",".join(map(str, asked)), "limit": 1000})
    assert sorted(keys(answer.json())) == sorted((item["collection"], item["id"]) for item in wanted)


def test_bboxes_of_the_tests_tell_items_apart() -> None:
    counts = {bbox: sum(touches(item, *bbox) for item in ITEMS) for bbox in BOXES}
    assert counts[170, -30, -170, 0] + counts[-170, -30, 170, 0] < len(ITEMS)
    assert 0 < counts[170, -30, -170, 0] < counts[-180, -90, 180, 90] == len(ITEMS)


def test_a_box_panned_around_the_globe_is_the_same_box(http: httpx.Client) -> None:
    wanted = [item for item in ITEMS if touches(item, 170, -30, -170, 0)]
    for bbox in ([170, -30, 190, 0], [-190, -30, -170, 0]):
        expect(http, wanted, bbox=bbox)


@pytest.mark.parametrize(
    ("geometry", "bbox"),
    [
        (box(139, 35, 140, 36), (139, 35, 140, 36)),
        ({"type": "Point", "coordinates": [139.7, 35.7]}, (139.7, 35.7, 139.7, 35.7)),
        ({"type": "MultiPoint", "coordinates": [[139.7, 35.7], [139.7, 35.6]]}, (139.7, 35.6, 139.7, 35.7)),
        ({"type": "LineString", "coordinates": [[139.7, 35], [139.7, 36]]}, (139.7, 35, 139.7, 36)),
        ({"type": "MultiLineString", "coordinates": [[[-0.1, 51], [-0.1, 52]]]}, (-0.1, 51, -0.1, 52)),
        (
            {"type": "MultiPolygon", "coordinates": [box(-1, 51, 1, 52)["coordinates"]]},
            (-1, 51, 1, 52),
        ),
        (
            {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [-0.1, 51.5]}]},
            (-0.1, 51.5, -0.1, 51.5),
        ),
        (
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [-30, -30]},
                    {
                        "type": "GeometryCollection",
                        "geometries": [{"type": "Point", "coordinates": [-0.1, 51.5]}],
                    },
                ],
            },
            (-0.1, 51.5, -0.1, 51.5),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_intersects_takes_every_type_of_geometry(
    http: httpx.Client, geometry: dict[str, Any], bbox: tuple[float, ...]
) -> None:
    wanted = [item for item in ITEMS if touches(item, *bbox)]
    assert wanted
    expect(http, wanted, intersects=geometry)
    if geometry["type"] != "GeometryCollection":
        expect(http, wanted, filter={"op": "s_intersects", "args": [{"property": "geometry"}, geometry]})
        expect(http, wanted, filter={"op": "s_intersects", "args": [geometry, {"property": "geometry"}]})


@pytest.mark.parametrize(
    "condition",
    [
        "CASEI('STRAẞE') = CASEI('straße')",
        "CASEI('STRASSE') = CASEI('straße')",
        "CASEI('ΟΔΟΣ') = CASEI('οδος')",
        "CASEI('ΟΔΟΣ') = CASEI('οδοσ')",
        "CASEI('ΜΕΣΟΣ') LIKE CASEI('%μες%')",
        "CASEI('ΜΕΣΟΣ') LIKE CASEI('ΜΕΣ%')",
        "CASEI('ＳＥＡ') = CASEI('ｓｅａ')",
        "NOT CASEI('だいち') = CASEI('ダイチ')",
    ],
)
def test_case_of_any_script(http: httpx.Client, condition: str) -> None:
    expect(http, ITEMS, filter=condition)
    found = http.get("/collections", params={"filter": condition}).json()["numberMatched"]
    assert found == http.get("/collections").json()["numberMatched"]


def test_lists_of_nothing_in_text(http: httpx.Client) -> None:
    listed = [item for item in ITEMS if "instruments" in item["properties"]]
    assert 0 < len(listed) < len(ITEMS)
    expect(http, listed, filter="A_CONTAINS(instruments, ())")
    expect(http, [], filter="A_EQUALS(instruments, ())")


def test_a_bow_tie_is_no_server_error(http: httpx.Client) -> None:
    ring = [[139, 35], [140, 36], [140, 35], [139, 36], [139, 35]]
    assert search(http, intersects={"type": "Polygon", "coordinates": [ring]})["numberReturned"] > 0


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023-02-02T01:00:00Z", "2023-02-02T01:00:00.000000", "2023-02-02T01:00:00.000000"),
        ("2023-02-02T10:00:00+09:00", "2023-02-02T01:00:00.000000", "2023-02-02T01:00:00.000000"),
        ("2023-02-01T20:30:00-04:30", "2023-02-02T01:00:00.000000", "2023-02-02T01:00:00.000000"),
        (
            "2023-02-01t00:00:00z/2023-02-20T00:00:00.5Z",
            "2023-02-01T00:00:00.000000",
            "2023-02-20T00:00:00.500000",
        ),
        ("2023-03-01T00:00:00Z/..", "2023-03-01T00:00:00.000000", "9999"),
        ("2023-03-01T00:00:00Z/", "2023-03-01T00:00:00.000000", "9999"),
        ("../2023-02-03T00:00:00Z", "0", "2023-02-03T00:00:00.000000"),
        ("/2023-02-03T00:00:00Z", "0", "2023-02-03T00:00:00.000000"),
        (
            "2023-04-04T12:30:00.123456Z/2023-04-04T23:00:00Z",
            "2023-04-04T12:30:00.123456",
            "2023-04-04T23:00:00.000000",
        ),
        (
            "2023-04-04T12:30:00.123457Z/2023-04-04T23:00:00Z",
            "2023-04-04T12:30:00.123457",
            "2023-04-04T23:00:00.000000",
        ),
        (
            "2023-01-31T23:59:60Z/2023-02-03T00:00:00Z",
            "2023-02-01T00:00:00.000000",
            "2023-02-03T00:00:00.000000",
        ),
    ],
)
def test_datetime(http: httpx.Client, text: str, start: str, end: str) -> None:
    wanted = [item for item in ITEMS if span(item)[0] <= end and span(item)[1] >= start]
    expect(http, wanted, datetime=text)
    answer = http.get("/search", params={"datetime": text, "limit": 1000})
    assert len(answer.json()["features"]) == len(wanted)


@pytest.mark.parametrize("path", ["/search", "/collections/gcom-c/items"])
def test_an_offset_whose_plus_was_not_escaped(http: httpx.Client, path: str) -> None:
    """A + in a query string is a space; there is none in a time, so that it can be told what was meant."""
    for time in ("2023-02-01T09:00:00{0}09:00/..", "../2023-02-01T09:00:00.5{0}09:00"):
        typed = http.get(f"{path}?limit=1000&datetime={time.format('+')}")
        escaped = http.get(f"{path}?limit=1000&datetime={time.format('%2B')}")
        assert typed.status_code == escaped.status_code == 200
        assert 0 < typed.json()["numberMatched"] == escaped.json()["numberMatched"]
        assert typed.json()["features"] == escaped.json()["features"]
    assert http.get(f"{path}?datetime=2023-02-01+09:00:00Z").status_code == 400


def test_ids_and_collections(http: httpx.Client) -> None:
    some = [item["id"] for item in ITEMS[::9]]
    expect(http, ITEMS[::9], ids=[*some, "no-such-item", some[0]])
    expect(
        http, [item for item in ITEMS if item["collection"] == "gcom-c"], collections=["gcom-c", "nothing"]
    )
    expect(http, [], collections=["nothing"])
    two = [item for item in ITEMS[::9] if item["collection"] in ("gcom-c", "alos-2")]
    expect(http, two, ids=some, collections=["gcom-c", "alos-2"])
    answer = http.get(
        "/search", params={"ids": ",".join(some), "collections": "gcom-c, alos-2", "limit": 1000}
    )
    assert answer.json()["numberMatched"] == len(two)


def _is(name: str, test: Any) -> Any:
    return lambda item: (value := sort_value(item, name)) is not None and test(value)


P = {"property": "eo:cloud_cover"}
FILTERS: list[tuple[Any, Any]] = [
    ("datetime >= '2023-03-01'", lambda i: span(i)[0] >= "2023-03-01"),
    ("datetime <= '2023-03-01'", lambda i: span(i)[0] < "2023-03-02"),
    (
        "end_datetime = '2023-04-04T21:30:00.123456+09:00'",
        lambda i: span(i)[1] == "2023-04-04T12:30:00.123456",
    ),
    ("eo:cloud_cover < 10", _is("eo:cloud_cover", lambda v: v < 10)),
    (
        "\"eo:cloud_cover\" >= 9.7 AND platform = 'sentinel-2a'",
        lambda i: (
            _is("eo:cloud_cover", lambda v: v >= 9.7)(i) and i["properties"].get("platform") == "sentinel-2a"
        ),
    ),
    ("properties.eo:cloud_cover > 10", _is("eo:cloud_cover", lambda v: v > 10)),
    ("platform = 'だいち'", _is("platform", lambda v: v == "だいち")),
    ("platform LIKE 'sent%'", _is("platform", lambda v: v.startswith("sent"))),
    ("CASEI(platform) = CASEI('gcom-C')", _is("platform", lambda v: v == "GCOM-C")),
    ("platform IS NULL", lambda i: "platform" not in i["properties"]),
    ("NOT platform IS NULL", lambda i: "platform" in i["properties"]),
    ("platform IN ('alos-2', 'GCOM-C')", _is("platform", lambda v: v in ("alos-2", "GCOM-C"))),
    ("eo:cloud_cover BETWEEN 9 AND 10", _is("eo:cloud_cover", lambda v: 9 <= v <= 10)),
    (
        "eo:cloud_cover = 10 OR sat:absolute_orbit = 3",
        lambda i: i["properties"].get("eo:cloud_cover") == 10 or i["properties"]["sat:absolute_orbit"] == 3,
    ),
    ("A_CONTAINS(instruments, ('msi'))", _is("instruments", lambda v: "msi" in v)),
    ("A_CONTAINEDBY(instruments, ('msi', 'x'))", _is("instruments", lambda v: set(v) <= {"msi", "x"})),
    ("A_EQUALS(instruments, ('msi', 'sgli'))", _is("instruments", lambda v: set(v) == {"msi", "sgli"})),
    ("A_OVERLAPS(instruments, ('sgli'))", _is("instruments", lambda v: "sgli" in v)),
    ("created > DATE('2024-01-05')", _is("created", lambda v: v >= "2024-01-06")),
    ("created = DATE('2024-01-05')", _is("created", lambda v: v.startswith("2024-01-05"))),
    ("created <= DATE('2024-01-05')", _is("created", lambda v: v < "2024-01-06")),
    ("DATE('2024-01-05') < created", _is("created", lambda v: v >= "2024-01-06")),
    (
        "created BETWEEN DATE('2024-01-02') AND DATE('2024-01-03')",
        _is("created", lambda v: "2024-01-02" <= v < "2024-01-04"),
    ),
    ("datetime >= TIMESTAMP('2023-03-01T09:00:00+09:00')", lambda i: span(i)[0] >= "2023-03-01"),
    ("T_INTERSECTS(datetime, INTERVAL('2023-02-01T00:00:00Z', '..'))", lambda i: span(i)[0] >= "2023-02-01"),
    ("T_BEFORE(datetime, TIMESTAMP('2023-02-01T00:00:00Z'))", lambda i: span(i)[0] < "2023-02-01"),
    (
        "S_INTERSECTS(geometry, POLYGON((139 35, 140 35, 140 36, 139 36, 139 35)))",
        lambda i: touches(i, 139, 35, 140, 36),
    ),
    ("S_INTERSECTS(geometry, BBOX(139, 35, 140, 36))", lambda i: touches(i, 139, 35, 140, 36)),
    ("S_INTERSECTS(geometry, BBOX(170, -30, -170, 0))", lambda i: touches(i, 170, -30, -170, 0)),
    ("S_DISJOINT(geometry, BBOX(139, 35, 140, 36))", lambda i: not touches(i, 139, 35, 140, 36)),
    (
        "collection = 'gcom-c' AND id <> 'gcom-c_001'",
        lambda i: i["collection"] == "gcom-c" and i["id"] != "gcom-c_001",
    ),
    (
        {"op": "and", "args": [True, {"op": "not", "args": [{"op": "<", "args": [P, 10]}]}]},
        _is("eo:cloud_cover", lambda v: v >= 10),
    ),
    (
        {"op": "s_within", "args": [{"property": "geometry"}, box(138, 34, 141, 37)]},
        lambda i: touches(i, 139, 35, 140, 36),
    ),
    (
        {"op": "s_contains", "args": [box(138, 34, 141, 37), {"property": "geometry"}]},
        lambda i: touches(i, 139, 35, 140, 36),
    ),
]


@pytest.mark.parametrize(
    ("condition", "test"), FILTERS, ids=lambda value: str(value)[:40] if not callable(value) else ""
)
def test_filter_in_both_encodings_by_both_methods(http: httpx.Client, condition: Any, test: Any) -> None:
    wanted = [item for item in ITEMS if test(item)]
    assert 0 < len(wanted) < len(ITEMS)
    expect(http, wanted, filter=condition)
    if isinstance(condition, str):
        as_json = cql2.parse_text(condition).to_json()
        expect(http, wanted, filter=condition, **{"filter-lang": "cql2-text"})
        expect(http, wanted, filter=as_json, **{"filter-lang": "cql2-json"})
        answer = http.get("/search", params={"filter": condition, "limit": 1000})
    else:
        text = orjson.dumps(condition).decode()
        answer = http.get("/search", params={"filter": text, "filter-lang": "cql2-json", "limit": 1000})
    assert answer.json()["numberMatched"] == len(wanted), answer.text[:300]


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ({"eo:cloud_cover": {"gte": 9.7, "lt": 89}}, _is("eo:cloud_cover", lambda v: 9.7 <= v < 89)),
        ({"platform": {"eq": "だいち"}}, _is("platform", lambda v: v == "だいち")),
        ({"platform": {"neq": "だいち"}}, _is("platform", lambda v: v != "だいち")),
        ({"platform": {"startsWith": "sent"}}, _is("platform", lambda v: v.startswith("sent"))),
        ({"platform": {"endsWith": "-2"}}, _is("platform", lambda v: v.endswith("-2"))),
        ({"title": {"contains": "100%"}}, lambda i: True),
        ({"title": {"contains": "1_0"}}, lambda i: False),
        (
            {"platform": {"in": ["alos-2"]}, "sat:absolute_orbit": {"eq": 1}},
            lambda i: (
                i["properties"].get("platform") == "alos-2" and i["properties"]["sat:absolute_orbit"] == 1
            ),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "oracle",
)
def test_query_extension(http: httpx.Client, query: Any, test: Any) -> None:
    wanted = [item for item in ITEMS if test(item)]
    expect(http, wanted, query=query)
    answer = http.get("/search", params={"query": orjson.dumps(query).decode(), "limit": 1000})
    assert answer.json()["numberMatched"] == len(wanted)
    both = [item for item in wanted if item["collection"] == "gcom-c"]
    within = http.get("/collections/gcom-c/items", params={"query": orjson.dumps(query).decode()})
    assert within.json()["numberMatched"] == len(both)
    expect(http, both, query=query, filter="collection = 'gcom-c'")


SORTS = [
    [("datetime", True)],
    [("datetime", False)],
    [("eo:cloud_cover", False)],
    [("eo:cloud_cover", True), ("datetime", False)],
    [("platform", False), ("eo:cloud_cover", True)],
    [("sat:absolute_orbit", False), ("platform", True), ("id", False)],
    [("collection", True)],
    [("id", True)],
    [("end_datetime", False), ("collection", True)],
]


def _sortby(keys: list[tuple[str, bool]]) -> list[dict[str, str]]:
    return [{"field": name, "direction": "desc" if descending else "asc"} for name, descending in keys]


def _as_oracle(sort: list[tuple[str, bool]]) -> Keys:
    return ordered(ITEMS, sort)


WALKS = [(sort, size) for sort in SORTS for size in (7, 1000)] + [(SORTS[0], 1), (SORTS[3], 1)]


@pytest.mark.parametrize(("sort", "size"), WALKS, ids=str)
def test_walk_forth_and_back(http: httpx.Client, sort: list[tuple[str, bool]], size: int) -> None:
    wanted = _as_oracle(sort)
    found: Keys = []
    pages: list[Keys] = []
    body = {"sortby": _sortby(sort), "limit": size}
    while True:
        page = search(http, **body)
        pages.append(keys(page))
        found += keys(page)
        assert page["numberMatched"] == len(ITEMS)
        links = {link["rel"]: link for link in page["links"]}
        assert ("prev" in links) == (len(pages) > 1)
        if "next" not in links:
            break
        body = links["next"]["body"]
    assert found == wanted
    for earlier in reversed(pages[:-1]):
        page = search(http, **links["prev"]["body"])
        assert keys(page) == earlier
        links = {link["rel"]: link for link in page["links"]}
        assert "next" in links
    assert "prev" not in links


def test_walk_by_get_keeps_every_parameter(http: httpx.Client) -> None:
    params = {
        "sortby": "+eo:cloud_cover,-datetime",
        "limit": 10,
        "filter": "collection <> 'gcom-c'",
        "fields": "id",
    }
    wanted = [
        key for key in _as_oracle([("eo:cloud_cover", False), ("datetime", True)]) if key[0] != "gcom-c"
    ]
    found: Keys = []
    answer = http.get("/search", params=params)
    while True:
        page = answer.json()
        found += keys(page)
        assert all(item.keys() == {"type", "id", "collection"} for item in page["features"])
        links = [link for link in page["links"] if link["rel"] == "next"]
        if not links:
            break
        assert links[0]["method"] == "GET"
        answer = http.get(links[0]["href"])
        assert answer.status_code == 200, answer.text
    assert found == wanted


def test_items_of_a_collection(http: httpx.Client) -> None:
    wanted = [key for key in _as_oracle([("datetime", True)]) if key[0] == "sentinel-2"]
    found: Keys = []
    url = "/collections/sentinel-2/items?limit=5&datetime=2023-01-01T00:00:00Z/.."
    while url:
        page = http.get(url).json()
        found += keys(page)
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert found == wanted
    assert http.get("/collections/empty/items").json()["features"] == []
    assert http.get("/collections/none/items").status_code == 404


def test_a_limit_above_the_maximum_is_cut(http: httpx.Client) -> None:
    assert http.get("/search?limit=99999999").json()["numberReturned"] == len(ITEMS)
    assert http.get("/search").json()["numberReturned"] == 10


def test_between_as_drafts_had_it(http: httpx.Client) -> None:
    """STAC API's filter extension shows it so to this day."""
    named = {"property": "eo:cloud_cover"}
    draft = search(http, filter={"op": "between", "args": [named, [10, 60]]}, limit=100)
    assert keys(draft)
    assert keys(draft) == keys(search(http, filter={"op": "between", "args": [named, 10, 60]}, limit=100))
