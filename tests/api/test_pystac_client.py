"""The client that most people use, end to end."""

import httpx
import pytest
from pystac_client import Client

from tests.api.conftest import Server
from tests.api.data import COLLECTIONS, ITEMS, ordered

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def catalog(server: Server) -> Client:
    return Client.open(server.url)


def test_open_and_browse(catalog: Client) -> None:
    assert catalog.id == "kakehashi"
    names = {collection["id"] for collection in COLLECTIONS}
    assert {collection.id for collection in catalog.get_collections()} == names
    assert {child.id for child in catalog.get_children()} == names
    collection = catalog.get_collection("gcom-c")
    assert {item.id for item in collection.get_items()} == {
        item["id"] for item in ITEMS if item["collection"] == "gcom-c"
    }
    item = collection.get_item("gcom-c_001")
    assert item is not None
    assert item.id == "gcom-c_001"
    assert item.get_parent().id == "gcom-c"
    assert collection.get_item("none") is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_search_with_paging(catalog: Client, method: str) -> None:
    search = catalog.search(method=method, limit=7, sortby="-datetime", collections=["gcom-c", "alos-2"])
    wanted = ordered(
        [item for item in ITEMS if item["collection"] in ("gcom-c", "alos-2")], [("datetime", True)]
    )
    assert search.matched() == len(wanted)
    assert [(item.collection_id, item.id) for item in search.items()] == wanted
    assert catalog.search(method=method, max_items=12, limit=5).item_collection_as_dict()["features"][11]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_filter_query_fields(catalog: Client, method: str) -> None:
    wanted = {item["id"] for item in ITEMS if item["properties"].get("eo:cloud_cover", 100) < 10}
    for asked in ({"filter": "eo:cloud_cover < 10"}, {"query": ["eo:cloud_cover<10"]}):
        search = catalog.search(
            method=method, fields=["id", "geometry", "properties", "links", "assets"], **asked
        )
        found = list(search.items_as_dicts())
        assert {item["id"] for item in found} == wanted
        assert all("bbox" not in item for item in found)
    as_json = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}
    assert catalog.search(method=method, filter=as_json, filter_lang="cql2-json").matched() == len(wanted)


def test_an_interval_item_can_be_read(catalog: Client) -> None:
    item = next(catalog.search(ids=["alos-2_003"]).items())
    assert item.datetime is None
    assert item.common_metadata.start_datetime is not None


def test_the_rest_of_what_it_offers(catalog: Client, server: Server) -> None:
    assert catalog.conforms_to("ITEM_SEARCH")
    assert catalog.conforms_to("FILTER")
    assert not catalog.conforms_to("TRANSACTION")
    assert catalog.get_search_link() is not None
    assert "eo:cloud_cover" in catalog.get_merged_queryables(["gcom-c", "alos-2"])["properties"]
    collection = catalog.get_collection("gcom-c")
    assert "eo:cloud_cover" in collection.get_queryables()["properties"]
    two = [item["id"] for item in ITEMS if item["collection"] == "gcom-c"][:2]
    assert {item.id for item in collection.get_items(*two)} == set(two)
    search = catalog.search(collections=["gcom-c"], limit=4, max_items=9)
    assert [len(page.items) for page in search.pages()] == [4, 4, 1]
    assert all(page["type"] == "FeatureCollection" for page in search.pages_as_dicts())
    assert len(search.item_collection()) == 9
    again = Client.open(server.url).search(ids=[item["id"] for item in search.items_as_dicts()], limit=100)
    assert again.matched() == 9
    url = catalog.search(
        method="GET", bbox=[139, 35, 140, 36], datetime="2023-01-01/2023-12-31"
    ).url_with_parameters()
    assert httpx.get(url).json()["type"] == "FeatureCollection"
    found = catalog.collection_search(q="Sentinel-2")
    assert "sentinel-2" in {one.id for one in found.collections()}
    for item in catalog.get_items(recursive=True):
        assert item.get_collection() is not None
        break
