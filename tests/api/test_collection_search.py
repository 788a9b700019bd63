"""`/collections` searched: against plain Python over the same collections, and by a client of strangers."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pystac_client
import pytest

from tests.api.texts import COLLECTIONS

BY_ID = {collection["id"]: collection for collection in COLLECTIONS}
EVERY = sorted(BY_ID)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberReturned"] == len(page["collections"])
    return [collection["id"] for collection in page["collections"]]


def both_ways(http: httpx.Client, body: dict[str, Any], **params: str) -> list[str]:
    posted, got = http.post("/collections", json=body), http.get("/collections", params=params)
    assert ids(posted) == ids(got)
    assert posted.json()["numberMatched"] == got.json()["numberMatched"] == len(ids(got))
    return ids(got)


def _spans(west: float, east: float) -> list[tuple[float, float]]:
    return [(west, east)] if west <= east else [(west, 180), (-180, east)]


def touches(collection: dict[str, Any], west: float, south: float, east: float, north: float) -> bool:
    return any(
        left <= e and w <= right and s <= north and south <= n
        for w1, s, e1, n in collection["extent"]["spatial"]["bbox"]
        for w, e in _spans(w1, e1)
        for left, right in _spans(west, east)
    )


@pytest.mark.parametrize(
    "bbox",
    [(-180, -90, 180, 90), (139, 35, 140, 36), (179, -18, -179, -16), (-179, -18, -178.5, -16), (0, -20, 1, -10),
     (-20, 70, -15, 75), (5, 31, 6, 32), (150, 50, 150, 50), (170, -30, -170, 10), (61, 0, 62, 1), (-119, 0, 59, 1)],
)  # fmt: skip
def test_bbox(texts_http: httpx.Client, bbox: tuple[float, ...]) -> None:
    wanted = [name for name in EVERY if touches(BY_ID[name], *bbox)]
    assert both_ways(texts_http, {"bbox": list(bbox)}, bbox=",".join(map(str, bbox))) == wanted


def test_a_limit_beyond_the_maximum_is_cut_to_it(texts_http: httpx.Client) -> None:
    everything = texts_http.get("/collections").json()
    assert texts_http.get("/collections?limit=10001").json()["collections"] == everything["collections"]


@pytest.mark.parametrize(
    ("datetime", "start", "end"),
    [
        ("2016-06-01T00:00:00Z", "2016-06-01T00:00:00Z", "2016-06-01T00:00:00Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
        ("2011-04-22T23:59:59Z/2015-01-01T00:00:00Z", "2011-04-22T23:59:59Z", "2015-01-01T00:00:00Z"),
        ("../1970-01-01T00:00:00Z", "0", "1970-01-01T00:00:00Z"),
        ("2030-01-01T09:00:00+09:00/..", "2030-01-01T00:00:00Z", "9"),
    ],
)
def test_datetime(texts_http: httpx.Client, datetime: str, start: str, end: str) -> None:
    def meets(collection: dict[str, Any]) -> bool:
        spans = collection["extent"]["temporal"]["interval"]
        return any((first or "0") <= end and start <= (last or "9") for first, last in spans)

    wanted = [name for name in EVERY if meets(BY_ID[name])]
    assert 0 < len(wanted) < len(EVERY)
    assert both_ways(texts_http, {"datetime": datetime}, datetime=datetime) == wanted


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("だいち", ["alos-palsar"]),
        ("ダイチ", ["alos-palsar"]),
        ("ALOS", ["alos-palsar"]),
        ("alos/palsar", ["alos-palsar"]),
        ("海面水温", ["gcom-c-sst"]),
        ("水温", ["gcom-c-sst"]),
        ("水面", []),
        ("センサー", ["gcom-c-sst"]),
        ("ｾﾝｻ", ["gcom-c-sst"]),
        ("GCOM-C", ["gcom-c-sst"]),
        ('"sea surface temperature"', ["gcom-c-sst"]),
        ("sea,surface temperature", ["gcom-c-sst"]),
        ("image", ["himawari", "alos-palsar"]),
        ("雲", ["himawari"]),
        ("衛星", ["alos-palsar", "gcom-c-sst", "himawari"]),
        ("cafe", ["two-places"]),
        ("ＪＡＸＡ", ["alos-palsar", "gcom-c-sst"]),
        ("temperature AND JAXA", ["gcom-c-sst"]),
        ("temperature -JAXA", ["two-places"]),
        ("(雲 OR 海面水温) AND NOT himawari", ["gcom-c-sst"]),
        ("fiji", ["fiji-map"]),
        ("gibberish", []),
    ],
)
def test_free_text(texts_http: httpx.Client, text: str, first: list[str]) -> None:
    found = both_ways(texts_http, {"q": text}, q=text)
    assert set(found) == set(first)
    if text == "image":
        assert found == first  # a title tells more than a description


def test_the_most_telling_collection_comes_first(texts_http: httpx.Client) -> None:
    assert (
        both_ways(texts_http, {"q": "sea surface temperature"}, q="sea surface temperature")[0]
        == "gcom-c-sst"
    )
    by_title = {"q": "image", "sortby": [{"field": "title", "direction": "asc"}]}
    assert both_ways(texts_http, by_title, q="image", sortby="title") == ["alos-palsar", "himawari"]


def test_a_list_of_phrases(texts_http: httpx.Client) -> None:
    assert ids(texts_http.post("/collections", json={"q": ["fine beam", "air temperature"]})) == [
        "alos-palsar",
        "two-places",
    ]


@pytest.mark.parametrize(
    ("sortby", "expected"),
    [
        ("-id", sorted(EVERY, reverse=True)),
        ("title", [*sorted((n for n in EVERY if "title" in BY_ID[n]), key=lambda n: BY_ID[n]["title"]), "untitled"]),
        (
            "-title",
            [*sorted((n for n in EVERY if "title" in BY_ID[n]), key=lambda n: BY_ID[n]["title"], reverse=True), "untitled"],
        ),
        ("license,-id", ["gcom-c-sst", *sorted(set(EVERY) - {"gcom-c-sst"}, reverse=True)]),
    ],
)  # fmt: skip
def test_sorted_in_pages_forth_and_back(texts_http: httpx.Client, sortby: str, expected: list[str]) -> None:
    assert ids(texts_http.get("/collections", params={"sortby": sortby})) == expected
    keys = [
        {"field": part.lstrip("-"), "direction": "desc" if part.startswith("-") else "asc"}
        for part in sortby.split(",")
    ]
    answers = [texts_http.post("/collections", json={"sortby": keys, "limit": 2})]
    while following := [link for link in answers[-1].json()["links"] if link["rel"] == "next"]:
        assert following[0]["method"] == "POST"
        answers.append(texts_http.post(following[0]["href"], json=following[0]["body"]))
    pages = [ids(answer) for answer in answers]
    assert [name for page in pages for name in page] == expected
    assert all(len(page) == 2 for page in pages)
    for earlier, answer in zip(pages, answers[1:], strict=False):
        (back,) = [link for link in answer.json()["links"] if link["rel"] == "prev"]
        assert ids(texts_http.post(back["href"], json=back["body"])) == earlier
    assert not [link for link in answers[0].json()["links"] if link["rel"] == "prev"]


def test_pages_by_relevance_are_complete(texts_http: httpx.Client) -> None:
    whole = ids(texts_http.get("/collections", params={"q": "衛星 temperature"}))
    url, found = "/collections?q=衛星 temperature&limit=1", []
    while url:
        answer = texts_http.get(url)
        found += ids(answer)
        url = next((link["href"] for link in answer.json()["links"] if link["rel"] == "next"), "")
    assert found == whole
    assert len(whole) == 4


def test_filters_in_text_and_json_and_query(texts_http: httpx.Client) -> None:
    node = {"op": "and", "args": [{"op": "=", "args": [{"property": "providers.name"}, "JAXA"]},
                                  {"op": "<", "args": [{"property": "gsd"}, 100]}]}  # fmt: skip
    text = "providers.name = 'JAXA' AND gsd < 100"
    assert both_ways(texts_http, {"filter": node}, filter=text) == ["alos-palsar"]
    asked = {"query": {"license": {"eq": "CC-BY-4.0"}}}
    assert both_ways(texts_http, asked, query='{"license":{"eq":"CC-BY-4.0"}}') == ["gcom-c-sst"]


def test_fields(texts_http: httpx.Client) -> None:
    page = texts_http.get("/collections", params={"fields": "title,extent.temporal", "q": "だいち"}).json()
    (found,) = page["collections"]
    assert found.keys() == {"id", "type", "title", "extent"}
    assert found["extent"].keys() == {"temporal"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("bbox", "1,2,3"), ("datetime", "yesterday"), ("q", '"open'), ("q", ""), ("limit", "0"), ("sortby", "no-such"), ("sortby", "geometry"),
     ("filter", "title ="), ("filter", "f(title) = 1"), ("query", "{"), ("token", "x"), ("language", "ü"),
     ("filter-lang", "sql"), ("fields", "-")],
)  # fmt: skip
def test_what_is_malformed_is_named(texts_http: httpx.Client, name: str, value: str) -> None:
    params = {name: value} | ({"filter": "title = 'x'"} if name == "filter-lang" else {})
    answer = texts_http.get("/collections", params=params)
    if name == "fields":
        assert answer.status_code in (200, 400)
        return
    assert answer.status_code == 400, answer.text
    assert name in answer.json()["description"]


@pytest.mark.parametrize(
    "body", [{"q": 3}, {"bbox": "1,2,3,4"}, {"sortby": "id"}, {"limit": "x"}, {"filter": 1}]
)
def test_what_is_malformed_in_a_body_is_named(texts_http: httpx.Client, body: dict[str, Any]) -> None:
    answer = texts_http.post("/collections", json=body)
    assert answer.status_code == 400
    assert next(iter(body)) in answer.json()["description"]


def test_a_token_of_another_search_is_refused(texts_http: httpx.Client) -> None:
    page = texts_http.get("/collections?limit=1&sortby=id").json()
    (following,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    assert texts_http.get(following).status_code == 200
    assert texts_http.get(following.replace("sortby=id", "sortby=title")).status_code == 400


def test_pystac_client_searches_on_the_server(texts_server: Any) -> None:
    client = pystac_client.Client.open(texts_server.url)
    search = client.collection_search(
        q="海面水温", bbox=[130, 30, 140, 40], datetime="2020-01-01/..", limit=1
    )
    assert search.matched() == 1
    assert [collection.id for collection in search.collections()] == ["gcom-c-sst"]
    everything = client.collection_search(limit=2, sortby="-id")
    assert [collection.id for collection in everything.collections()] == sorted(EVERY, reverse=True)
    filtered = client.collection_search(filter="platform = 'alos'", filter_lang="cql2-text")
    assert [collection.id for collection in filtered.collections()] == ["alos-palsar"]


def test_collection_search_is_promised(texts_http: httpx.Client) -> None:
    promised = texts_http.get("/conformance").json()["conformsTo"]
    for version in ("v1.0.0-rc.1", "v1.0.0"):
        for part in ("", "#free-text", "#advanced-free-text", "#filter", "#query", "#sort", "#fields"):
            assert f"https://api.stacspec.org/{version}/collection-search{part}" in promised
    assert "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query" in promised


def test_what_a_filter_of_collections_may_name(texts_http: httpx.Client) -> None:
    links = texts_http.get("/collections").json()["links"]
    (link,) = [link for link in links if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/queryables"]
    assert urlsplit(link["href"]).path != "/queryables"
    schema = texts_http.get(link["href"]).json()
    assert schema["$id"] == link["href"]
    assert schema["properties"]["platform"]["items"]["enum"] == ["alos", "gcom-c", "himawari-8", "himawari-9"]
    assert schema["properties"]["gsd"]["items"]["type"] == "number"
    assert schema["properties"]["title"]["type"] == "string"
