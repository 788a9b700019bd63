"""Whatever is malformed: a 4xx that names what is wrong, in one form, and nothing in the log."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from tests.api.conftest import Server


@pytest.fixture(autouse=True)
def _nothing_is_logged(server: Server) -> Iterator[None]:
    before = server.log.stat().st_size
    yield
    assert server.log.read_bytes()[before:] == b""


def error(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"code", "description"}
    assert body["code"]
    assert "Traceback" not in body["description"]
    assert "asyncpg" not in body["description"]
    return str(body["description"])


def nested(op: str, depth: int) -> Any:
    node: Any = {"op": "=", "args": [{"property": "platform"}, "x"]}
    for _ in range(depth):
        node = {"op": op, "args": [node] if op == "not" else [node, True]}
    return node


QUERIES = [
    ("bbox", "1,2,3"),
    ("bbox", "1,2,3,4,5"),
    ("bbox", "1,2,3,nan"),
    ("bbox", "1,2,3,inf"),
    ("bbox", "1,2,3,1e999"),
    ("bbox", "1,2,3,"),
    ("bbox", "a,b,c,d"),
    ("bbox", "1_0,2,3,4"),
    ("bbox", "1,50,3,40"),
    ("bbox", "1,-91,3,40"),
    ("bbox", "1,0,3,90.1"),
    ("bbox", "1,0,10,3,4,5"),
    ("bbox", "-1000,0,1000,4"),
    ("bbox", "1 2 3 4"),
    ("bbox", ""),
    ("datetime", ""),
    ("datetime", "yesterday"),
    ("datetime", "2023-01-01"),
    ("datetime", "2023-13-01T00:00:00Z"),
    ("datetime", "2023-02-30T00:00:00Z"),
    ("datetime", "2023-01-01T00:00:00"),
    ("datetime", "2023-01-01T00:00:00+25:00"),
    ("datetime", "2023-01-02T00:00:00Z/2023-01-01T00:00:00Z"),
    ("datetime", "a/b/c"),
    ("datetime", "../.."),
    ("datetime", "/"),
    ("datetime", "0000-01-01T00:00:00Z"),
    ("datetime", "0001-01-01T00:00:00+10:00"),
    ("datetime", "9999-12-31T23:59:60Z"),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "abc"),
    ("limit", "1.5"),
    ("limit", ""),
    ("limit", "9" * 5000),
    ("intersects", "{"),
    ("intersects", "[]"),
    ("intersects", '{"type":"Point"}'),
    ("intersects", '{"type":"Point","coordinates":[200,0]}'),
    ("intersects", '{"type":"Point","coordinates":["1",0]}'),
    ("intersects", '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}'),
    ("intersects", '{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}'),
    ("intersects", '{"type":"Polygon","coordinates":[]}'),
    ("intersects", '{"type":"Feature","geometry":null,"properties":{}}'),
    (
        "intersects",
        '{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection","geometries":[]}]}',
    ),
    ("intersects", '{"type":"GeometryCollection","geometries":[' * 30 + "]}" * 30),
    ("sortby", "no-such-property"),
    ("sortby", "geometry"),
    ("sortby", "-"),
    ("sortby", ",".join(f"+p{n}" for n in range(20))),
    ("token", ""),
    ("token", "x"),
    ("token", "next:sentinel-2:abc"),
    ("token", "å"),
    ("token", "A" * 10_000),
    ("filter", "eo:cloud_cover <"),
    ("filter", "eo:cloud_cover < 'abc'"),
    ("filter", "datetime > 'yesterday'"),
    ("filter", "datetime IN ('now')"),
    ("filter", "end_datetime BETWEEN 'infinity' AND '2024-01-01'"),
    ("filter", "my_function(platform) = 1"),
    ("filter", "platform"),
    ("filter", "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1)))"),
    ("filter", "S_INTERSECTS(platform, POINT(0 0))"),
    ("filter", "T_BEFORE(datetime, TIMESTAMP('2023-99-01T00:00:00Z'))"),
    ("filter", "platform LIKE 'a\\'"),
    ("filter", "(" * 5000 + "platform='a'" + ")" * 5000),
    ("filter", "NOT " * 5000 + "platform='a'"),
    ("filter", "platform=" + "-" * 6000 + "1"),
    ("filter", "sat:absolute_orbit=1" + "+1" * 9000),
    ("filter", "f(" * 5000 + "1" + ")" * 5000),
    ("filter", '{"op":"="}'),
    ("filter", "{not json"),
    ("filter-lang", "sql"),
    ("filter-crs", "EPSG:3857"),
    ("query", "{"),
    ("query", "[]"),
    ("query", '{"eo:cloud_cover": 3}'),
    ("query", '{"eo:cloud_cover": {"about": 3}}'),
    ("query", '{"eo:cloud_cover": {"lt": "x"}}'),
    ("query", '{"platform": {"startsWith": 3}}'),
    ("query", '{"platform": {"in": "x"}}'),
]


@pytest.mark.parametrize(("name", "value"), QUERIES, ids=lambda value: value[:40])
def test_malformed_parameter(http: httpx.Client, name: str, value: str) -> None:
    params = {name: value} | ({"filter": "platform = 'x'"} if name.startswith("filter-") else {})
    answer = http.get("/search", params=params)
    assert name in error(answer)
    if name in ("bbox", "datetime", "limit", "sortby", "token", "filter", "filter-lang", "query"):
        assert name in error(http.get("/collections/gcom-c/items", params=params))


BODIES: list[tuple[str, Any]] = [
    ("bbox", "1,2,3,4"),
    ("bbox", [1, 2, 3]),
    ("bbox", [1, 2, 3, True]),
    ("bbox", [1, 2, 3, None]),
    ("bbox", [1, 2, 3, "4"]),
    ("bbox", [1, 2, 3, 10**300]),
    ("bbox", {}),
    ("datetime", 2023),
    ("datetime", ["2023-01-01T00:00:00Z", None]),
    ("filter-crs", {}),
    ("filter-crs", ["CRS84"]),
    ("limit", 0),
    ("limit", "10"),
    ("limit", 1.5),
    ("limit", True),
    ("ids", "a"),
    ("ids", [1]),
    ("collections", {"a": 1}),
    ("intersects", "POINT(1 2)"),
    ("intersects", {"type": ["Point"], "coordinates": [1, 2]}),
    ("sortby", "-datetime"),
    ("sortby", [{"direction": "asc"}]),
    ("sortby", [{"field": "datetime", "direction": "sideways"}]),
    ("sortby", [{"field": 1}]),
    ("fields", "id"),
    ("fields", {"include": "id"}),
    ("fields", {"exclude": [1]}),
    ("token", 1),
    ("query", []),
    ("filter", 1),
    ("filter", []),
    ("filter", {}),
    ("filter", {"op": "="}),
    ("filter", "S_INTERSECTS(geometry, POINT EMPTY)"),
    ("filter", "S_INTERSECTS(geometry, POLYGON EMPTY)"),
    ("filter", {"op": "=", "args": {}}),
    ("filter", {"op": "=", "args": [1]}),
    ("filter", {"op": "=", "args": [{"property": ""}, 1]}),
    ("filter", {"op": "=", "args": [{"property": None}, 1]}),
    ("filter", {"op": "=", "args": [{"property": "properties"}, 1]}),
    ("filter", {"op": "=", "args": [{"property": "platform"}, None]}),
    ("filter", {"op": "=", "args": [{"property": "platform"}, {"x": 1}]}),
    ("filter", {"op": "and", "args": []}),
    ("filter", {"op": "in", "args": [{"property": "platform"}, "x"]}),
    ("filter", {"op": "between", "args": [{"property": "eo:cloud_cover"}, 1]}),
    (
        "filter",
        {"op": "t_during", "args": [{"property": "datetime"}, {"interval": ["2023-01-01T00:00:00Z"]}]},
    ),
    ("filter", {"op": "t_during", "args": [{"property": "datetime"}, {"interval": ["P1D", ".."]}]}),
    ("filter", {"op": "a_contains", "args": [{"property": "instruments"}, "msi"]}),
    ("filter", {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, 3]}]}),
    ("filter", {"op": "1; DROP TABLE", "args": [1, 2]}),
    ("filter", nested("not", 110)),
    ("filter", nested("and", 110)),
    ("filter", nested("not", 140)),
    ("filter", " AND ".join(["platform='a'"] * 4500)),
    ("filter", "sat:absolute_orbit=1" + "+1" * 9000),
    ("filter", "platform='" + "x" * 200_000 + "'"),
    ("filter", {"op": "or", "args": [nested("not", 1)] * 6000}),
]


@pytest.mark.parametrize(("name", "value"), BODIES, ids=lambda value: str(value)[:40])
def test_malformed_member(http: httpx.Client, name: str, value: Any) -> None:
    assert name in error(http.post("/search", json={name: value}))


def test_box_and_geometry_exclude_each_other(http: httpx.Client) -> None:
    body = {"bbox": [1, 2, 3, 4], "intersects": {"type": "Point", "coordinates": [1, 2]}}
    assert "intersects" in error(http.post("/search", json=body))


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{",
        b"NaN",
        b'{"limit": NaN}',
        b"\xff\xfe",
        b'{"a":"\\ud800"}',
        b"[" * 5000,
        b'{"a":' * 3000,
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_body_that_is_no_object(http: httpx.Client, raw: bytes) -> None:
    text = error(http.post("/search", content=raw, headers={"Content-Type": "application/json"}))
    assert "body" in text


def test_body_nested_deeper_than_anything_means(http: httpx.Client) -> None:
    raw = b'{"extra":' + b"[" * 300 + b"]" * 300 + b"}"
    assert "extra" in error(http.post("/search", content=raw, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("name", ["ids", "collections", "token", "filter", "datetime", "something"])
def test_nul_in_a_body(http: httpx.Client, name: str) -> None:
    value: Any = ["a\0b"] if name in ("ids", "collections") else "a\0b"
    assert name in error(http.post("/search", json={name: value}))
    assert error(http.post("/search", json={"filter": {"op": "=", "args": [{"property": "p"}, "a\0b"]}}))


@pytest.mark.parametrize(
    "path",
    [
        "/search?ids=a%00b",
        "/search?ids=%ED%A0%80",
        "/search?ids=%FF",
        "/collections/a%00b",
        "/collections/%FF",
        "/collections/gcom-c/items/%00",
        "/collections/gcom-c/items/%ED%BF%BF",
        "/collections?token=%00",
        "/queryables?x=%00",
        "/search?intersects=" + quote('{"type":"\\ud800"}'),
        "/search?query=" + quote('{"platform":{"eq":"a\\u0000"}}'),
    ],
)
def test_text_that_no_database_can_hold(http: httpx.Client, path: str) -> None:
    error(http.get(path))


def test_parameters_given_twice(http: httpx.Client) -> None:
    for path in (
        "/search?limit=1&limit=2",
        "/collections/gcom-c/items?limit=1&limit=2",
        "/collections?limit=1&limit=2",
        "/children?limit=1&limit=2",
    ):
        assert "limit" in error(http.get(path))


@pytest.mark.parametrize(
    "number", ["1_0", "1.0", "10.0", " 5", "5 ", "+5", "٣", "\uff15", "1e1", "0x1", "1,", ""]
)
def test_whole_numbers_are_decimal_digits(http: httpx.Client, number: str) -> None:
    """`int("1_0")` is ten in Python, and nothing in a query."""
    for path, name in (
        ("/search", "limit"),
        ("/collections", "limit"),
        ("/collections/gcom-c/items", "limit"),
        ("/children", "limit"),
        ("/aggregate", "centroid_geohash_grid_frequency_precision"),
        ("/collections/gcom-c/aggregate", "centroid_geotile_grid_frequency_precision"),
    ):
        assert name in error(http.get(path, params={name: number}))
        assert http.get(path, params={name: "5"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"limit":1,"limit":2}', "limit"),
        ('{"filter":{"op":"=","op":"<>","args":[1,1]}}', "op"),
        ('{"query":{"eo:cloud_cover":{"gte":10,"lt":20,"lt":30}}}', "lt"),
        ('{"ids":[[{"\\u0061":1,"a":2}]]}', "a"),
    ],
)
def test_members_given_twice(http: httpx.Client, body: str, name: str) -> None:
    """All but the last were dropped silently, and so half of a filter."""
    for path in ("/search", "/aggregate", "/collections"):
        answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert error(answer) == f"{name}: is given more than once"


def test_members_given_twice_in_a_query_string(http: httpx.Client) -> None:
    assert "lt: is given" in error(http.get("/search", params={"query": '{"gsd":{"lt":1,"lt":2}}'}))
    text = '{"op":"=","op":"<>","args":[{"property":"gsd"},1]}'
    assert "op: is given" in error(http.get("/search", params={"filter": text}))


def test_nothing_there(http: httpx.Client) -> None:
    assert "no collection none" in error(http.get("/collections/none"), 404)
    assert "no collection none" in error(http.get("/collections/none/items/x"), 404)
    assert "has no item x" in error(http.get("/collections/gcom-c/items/x"), 404)
    error(http.get("/nowhere"), 404)
    error(http.get("/collections/gcom-c/nothing"), 404)


def test_method_not_allowed(http: httpx.Client) -> None:
    for method, path in (
        ("PUT", "/search"),
        ("DELETE", "/"),
        ("POST", "/queryables"),
        ("PATCH", "/conformance"),
    ):
        answer = http.request(method, path)
        error(answer, 405)
        assert "GET" in answer.headers["allow"]


def test_content_type(http: httpx.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        error(http.post("/search", content=b"{}", headers={"Content-Type": kind}), 415)
    for kind in ("application/json", "application/json; charset=utf-8", "application/geo+json"):
        assert http.post("/search", content=b"{}", headers={"Content-Type": kind}).status_code == 200


def test_a_compressed_body(http: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert "Content-Encoding" in error(http.post("/search", content=b"{}", headers=headers), 415)


def test_body_too_large(http: httpx.Client) -> None:
    big = orjson.dumps({"ids": ["x" * 1000] * 1100})
    error(http.post("/search", content=big, headers={"Content-Type": "application/json"}), 413)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    error(http.post("/search", content=chunks(), headers={"Content-Type": "application/json"}), 413)


def test_tokens_of_others(http: httpx.Client) -> None:
    page = http.post("/search", json={"limit": 3}).json()
    token = next(link["body"]["token"] for link in page["links"] if link["rel"] == "next")
    assert http.post("/search", json={"limit": 9, "token": token}).status_code == 200
    for other in ({"collections": ["gcom-c"]}, {"sortby": [{"field": "id"}]}, {"filter": "platform = 'x'"}):
        assert "another search" in error(http.post("/search", json={"token": token, **other}))
    for place in (0, 10, len(token) // 2, len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert "token" in error(http.post("/search", json={"token": changed}))
    assert "token" in error(http.get("/collections", params={"limit": 1, "token": token}))


def test_what_is_not_malformed(http: httpx.Client) -> None:
    """The other side of the caps: large but sensible requests go through."""
    ring = [[x / 100, 10 - x / 1000] for x in range(3000)]
    polygon = {"type": "Polygon", "coordinates": [[*ring, [0, 0], ring[0]]]}
    assert http.post("/search", json={"intersects": polygon}).status_code == 200
    assert http.post("/search", json={"filter": nested("not", 45)}).status_code == 200
    assert http.post("/search", json={"filter": nested("and", 45)}).status_code == 200
    wkt = ", ".join(f"{-x / 100} {-10 - x / 1000}" for x in range(1500))
    text = f"S_INTERSECTS(geometry, LINESTRING({wkt}))"
    assert http.post("/search", json={"filter": text}).status_code == 200
    many = {"op": "in", "args": [{"property": "id"}, [f"x{n}" for n in range(4000)]]}
    assert http.post("/search", json={"filter": many}).status_code == 200
    assert http.post("/search", json={"ids": [f"x{n}" for n in range(9000)]}).status_code == 200
    assert http.get("/search?unknown=1").status_code == 200
    assert http.post("/search", json={"unknown": 1, "bbox": None, "filter": None}).status_code == 200


def test_an_answer_that_the_client_cannot_read(http: httpx.Client) -> None:
    for path in ("/search?limit=1", "/collections", "/queryables", "/conformance"):
        error(http.get(path, headers={"Accept": "application/xml"}), 406)
        for accept in ("*/*", "application/json", "application/geo+json", "text/html, */*;q=0.1", "nonsense"):
            assert http.get(path, headers={"Accept": accept}).status_code == 200
    assert "no collection none" in error(http.get("/collections/none", headers={"Accept": "text/xml"}), 404)


def test_gdal_gets_its_queryables(http: httpx.Client) -> None:
    """GDAL asks for plain JSON, refuses what is not called so, and reads a list that only drafts had."""
    asked = http.get("/queryables", headers={"Accept": "application/geo+json, application/json"})
    assert asked.headers["content-type"] == "application/json"
    assert "accept" in asked.headers["vary"].lower()
    schema = http.get("/queryables", headers={"Accept": "application/schema+json"})
    assert schema.headers["content-type"] == "application/schema+json"
    assert [entry["id"] for entry in asked.json()["queryables"]] == list(schema.json()["properties"])
    assert schema.json() == {key: value for key, value in asked.json().items() if key != "queryables"}
