"""What was loaded comes back, with links that lead where they say."""

from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from catalog.store.writer import upsert_collections, upsert_items
from tests.api.conftest import running_server
from tests.api.data import BY_KEY, COLLECTIONS, ITEMS, WORLD, is_same

OWN = {"self", "root", "parent", "collection"}


def _without_own_links(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "links": [link for link in document["links"] if link["rel"] not in OWN]}


def test_every_item_comes_back_as_it_was_loaded(http: httpx.Client) -> None:
    page = http.get("/search?limit=1000").json()
    assert len(page["features"]) == len(ITEMS)
    for found in page["features"]:
        loaded = BY_KEY[found["collection"], found["id"]]
        assert is_same(_without_own_links(found), loaded), (found, loaded)


@pytest.mark.parametrize(
    "key", [("alos-2", "alos-2_003"), ("with-assets", "shared_0"), ("with-assets", "shared_1")]
)
def test_one_item(http: httpx.Client, key: tuple[str, str]) -> None:
    answer = http.get(f"/collections/{key[0]}/items/{key[1]}")
    assert answer.headers["content-type"] == "application/geo+json"
    item = answer.json()
    assert is_same(_without_own_links(item), BY_KEY[key])
    links = {link["rel"]: link["href"] for link in item["links"]}
    assert links["self"] == str(answer.url)
    assert http.get(links["collection"]).json()["id"] == key[0]
    assert http.get(links["parent"]).json()["id"] == key[0]
    assert http.get(links["root"]).json()["type"] == "Catalog"


def test_an_interval_item_keeps_its_null_datetime(http: httpx.Client) -> None:
    item = http.get("/collections/alos-2/items/alos-2_003").json()
    assert "datetime" in item["properties"]
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"]


async def test_items_written_by_other_tools_and_older_base_items(
    fresh_database_url: str, tmp_path: Any
) -> None:
    """pypgstac keeps nulls that pgstac's own loader drops; a collection may change under its items."""
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "changing",
        "description": "x",
        "license": "other",
        "extent": WORLD,
        "links": [],
        "item_assets": {"a": {"type": "image/png", "title": "before", "extra": {"deep": 1}}},
    }
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "日本 語/ü%",
        "collection": "changing",
        "geometry": {"type": "Point", "coordinates": [139.123456789012, -35.00000000000001]},
        "bbox": [139, -36, 140, -35],
        "properties": {
            "datetime": "2024-01-01T00:00:00Z",
            "small": 1e-7,
            "long": 12345678901234567890123,
            "one": 1.0,
        },
        "links": [],
        "assets": {"a": {"href": "https://example.org/a", "type": "image/png", "title": "before"}},
    }
    try:
        await upsert_collections(connection, [collection])
        text = orjson.dumps(item | {"properties": {**item["properties"], "long": 0}}).decode()
        text = text.replace('"long":0', '"long":12345678901234567890123')
        await connection.execute("SELECT pgstac.create_item($1::jsonb)", text)
        later = {
            **collection,
            "item_assets": {"a": {"type": "image/png", "title": "after"}, "b": {"type": "x/y"}},
        }
        await upsert_collections(connection, [later])
        newer = {**item, "id": "new", "properties": {"datetime": "2024-01-02T00:00:00Z"}}
        newer["assets"] = {"a": {"href": "https://example.org/a", "type": "image/png", "title": "after"}}
        await upsert_items(connection, [newer])
        # As pypgstac loads it: an explicit null stays in the content.
        await connection.execute(
            "UPDATE pgstac.items SET content = jsonb_set(content, '{properties,eo:cloud_cover}', 'null') WHERE id = 'new'"
        )
    finally:
        await connection.close()
    with running_server(tmp_path / "log", {"KAKEHASHI_DATABASE_URL": fresh_database_url}) as server:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{server.url}/collections/changing/items")
        assert '"long": 12345678901234567890123' in answer.text or '"long":1.2345678901234568e' in answer.text
        assert '"one": 1.0' in answer.text or '"one":1.0' in answer.text
        found = {feature["id"]: feature for feature in answer.json()["features"]}
    first = _without_own_links(found[item["id"]])
    assert first.keys() == item.keys()
    for key in ("geometry", "assets", "stac_version", "bbox"):
        assert is_same(first[key], item[key])
    assert found["new"]["properties"]["eo:cloud_cover"] is None
    assert is_same(found["new"]["assets"], newer["assets"])


def test_collections(http: httpx.Client) -> None:
    answer = http.get("/collections")
    page = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert page["numberMatched"] == page["numberReturned"] == len(COLLECTIONS)
    assert {link["rel"] for link in page["links"]} >= {"self", "root"}
    loaded = {collection["id"]: collection for collection in COLLECTIONS}
    for found in page["collections"]:
        wanted = {
            key: value for key, value in loaded[found["id"]].items() if not key.startswith("kakehashi:")
        }
        assert is_same({**found, "links": wanted["links"]}, wanted)
        links = {link["rel"]: link["href"] for link in found["links"]}
        assert links["license"] == "https://example.org/licence"
        assert is_same(http.get(links["self"]).json(), found)
        for rel in ("items", "root", "parent", "http://www.opengis.net/def/rel/ogc/1.0/queryables"):
            assert http.get(links[rel]).status_code == 200


def test_collections_in_pages(http: httpx.Client) -> None:
    found: list[str] = []
    url, back = "/collections?limit=2", []
    while url:
        page = http.get(url).json()
        assert page["numberMatched"] == len(COLLECTIONS)
        found += [collection["id"] for collection in page["collections"]]
        links = {link["rel"]: link["href"] for link in page["links"]}
        back.append(links.get("prev"))
        url = links.get("next", "")
    assert found == sorted(collection["id"] for collection in COLLECTIONS)
    assert back[0] is None
    earlier = http.get(back[-1]).json()
    assert [collection["id"] for collection in earlier["collections"]] == found[2:4]


def test_landing_page(http: httpx.Client, server: Any) -> None:
    page = http.get("/").json()
    assert (page["type"], page["id"], page["title"]) == ("Catalog", "kakehashi", "Kakehashi")
    assert page["stac_version"] == "1.1.0"
    assert "架け橋" in page["description"]
    by_rel: dict[str, list[dict[str, Any]]] = {}
    for link in page["links"]:
        by_rel.setdefault(link["rel"], []).append(link)
    assert {link["method"] for link in by_rel["search"]} == {"GET", "POST"}
    assert {link["title"] for link in by_rel["child"]} == {collection["title"] for collection in COLLECTIONS}
    for rel, links in by_rel.items():
        for link in links:
            answer = http.get(link["href"])
            assert answer.status_code == 200, (rel, link)
            assert answer.headers["content-type"].split(";charset")[0].split("; charset")[0] == link["type"]
    assert set(page["conformsTo"]) == set(http.get("/conformance").json()["conformsTo"])
    for version in ("v1.0.0", "v1.1.0"):
        assert f"https://api.stacspec.org/{version}/item-search#sort" in page["conformsTo"]


def test_children(http: httpx.Client) -> None:
    """The whole of what each child link leads to, also in pages."""
    landing = http.get("/").json()
    children = [http.get(link["href"]).json() for link in landing["links"] if link["rel"] == "child"]
    answer = http.get("/children")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["children"] == children
    found, url = [], "/children?limit=2"
    while url:
        page = http.get(url).json()
        found += page["children"]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert found == children
    assert http.get("/children?token=x").status_code == 400


def test_openapi_is_what_it_says(http: httpx.Client) -> None:
    answer = http.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0.")
    text = answer.text
    for word in ('"type":"null"', '"const":', '"prefixItems"', "HTTPValidationError"):
        assert word not in text
    assert {"get", "post"} <= document["paths"]["/search"].keys()
    names = {parameter["name"] for parameter in document["paths"]["/search"]["get"]["parameters"]}
    assert names >= {"bbox", "datetime", "filter", "filter-lang", "sortby", "fields", "limit", "token", "ids"}
    items = document["paths"]["/collections/{collectionId}/items"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter for parameter in items}
    assert by_name["collectionId"]["in"] == "path"
    assert "cql-text" in by_name["filter-lang"]["schema"]["enum"]  # without it GDAL filters by itself
    assert by_name["limit"]["schema"]["default"] == 10


@pytest.mark.parametrize("path", ["/queryables", "/collections/gcom-c/queryables"])
def test_queryables(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    schema = answer.json()
    assert answer.headers["content-type"] == "application/schema+json"
    assert schema["$schema"] == "https://json-schema.org/draft/2019-09/schema"
    assert schema["$id"] == str(answer.url)
    assert schema["type"] == "object"
    assert schema["title"]
    assert schema["properties"]["eo:cloud_cover"]["type"] == "number"
    assert schema["additionalProperties"] is True
    # Whatever the database registers for its columns: pgstac's own schemas of them refer to other servers.
    assert schema["properties"]["geometry"]["format"] == "geometry-any"
    assert schema["properties"]["id"]["type"] == "string"
    assert http.get("/collections/none/queryables").status_code == 404


@pytest.mark.parametrize("path", ["/queryables", "/collections/gcom-c/queryables", "/collection-queryables"])
def test_queryables_refer_to_no_schema_elsewhere(http: httpx.Client, path: str) -> None:
    assert '"$ref"' not in http.get(path).text


@pytest.mark.parametrize(
    ("fields", "present", "absent"),
    [
        ("id", ["id", "type", "collection"], ["geometry", "assets", "properties", "links"]),
        ("-assets,-links", ["id", "geometry", "bbox", "properties", "stac_version"], ["assets", "links"]),
        ("", ["id", "geometry", "bbox", "properties", "assets", "links", "stac_version"], []),
        ("properties,-properties.datetime", ["id", "properties"], ["assets"]),
        ("properties.datetime,assets.data.href", ["properties", "assets"], ["geometry"]),
        ("no-such-member", ["id"], ["geometry"]),
    ],
)
def test_fields(http: httpx.Client, fields: str, present: list[str], absent: list[str]) -> None:
    names = [name for name in fields.split(",") if name]
    body = {
        "include": [name for name in names if not name.startswith("-")],
        "exclude": [name[1:] for name in names if name.startswith("-")],
    }
    wanted = {"collections": ["gcom-c"], "limit": 3}
    posted = http.post("/search", json={**wanted, "fields": body})
    got = http.get("/search", params={"collections": "gcom-c", "limit": 3, "fields": fields})
    assert posted.headers["content-type"] == got.headers["content-type"] == "application/geo+json"
    assert posted.json()["features"] == got.json()["features"]
    for item in got.json()["features"]:
        assert set(present) <= item.keys()
        assert not set(absent) & item.keys()
        if fields.startswith("properties,"):
            assert "datetime" not in item["properties"]
            assert "title" in item["properties"]
        if fields.startswith("properties.datetime"):
            assert item["properties"].keys() == {"datetime"}
            assert item["assets"]["data"].keys() == {"href"}


@pytest.mark.parametrize(
    "path", ["/", "/collections", "/collections/alos-2/items", "/search?limit=2", "/queryables", "/api"]
)
def test_head_is_get_without_body(http: httpx.Client, path: str) -> None:
    head, get = http.head(path), http.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_browsers_of_other_origins_may_read(http: httpx.Client) -> None:
    origin = {"Origin": "https://browser.example"}
    preflight = http.options(
        "/search",
        headers=origin
        | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"},
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for path in ("/", "/search?bbox=1", "/nowhere"):
        assert http.get(path, headers=origin).headers["access-control-allow-origin"] == "*"


def test_a_page_on_the_web_may_read_a_catalogue_on_a_private_network(http: httpx.Client):
    preflight = http.options(
        "/search",
        headers={
            "Origin": "https://browser.example.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-private-network"] == "true"


def test_options_without_an_origin(http: httpx.Client) -> None:
    answer = http.options("/search")
    assert answer.status_code == 204
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
