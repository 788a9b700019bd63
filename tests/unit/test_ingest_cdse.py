"""CDSE: what is recognised, mended and left out, and what is asked for."""

from typing import Any

import pytest

from catalog.errors import RecordRefused, UpstreamChanged
from ingest.checksums import is_multihash
from ingest.contract import Kind, Page, Selection, Window
from ingest.protocols.stac_api import search_body
from ingest.sources import make_source
from ingest.times import parse_time
from tests.unit.documents import CDSE, amsr2, definitions, item_collection, record_collection, sentinel_2
from tests.unit.harvested import harvested, refused, source


@pytest.mark.parametrize(
    ("checksum", "valid"),
    [
        ("d50110" + "9a523e701f84cc7ed8423bf00669c766", True),
        ("1220" + "a" * 64, True),
        ("1114" + "0" * 40, True),
        ("1340" + "0" * 128, True),
        ("1620" + "b" * 64, True),
        ("1e20" + "b" * 64, True),
        ("1610" + "b" * 64, False),
        ("1610" + "b" * 32, False),
        ("d50120" + "a" * 32, False),
        ("d50110" + "a" * 31, False),
        ("1220" + "a" * 63, False),
        ("1220" + "g" * 64, False),
        ("9999" + "a" * 64, False),
        ("", False),
        (None, False),
        (5, False),
        (["1220"], False),
    ],
)
def test_a_multihash_says_its_own_length(checksum: Any, valid: bool) -> None:
    """48 of 2,232 recorded checksums do not."""
    assert is_multihash(checksum) is valid


def _kinds(document: Any) -> list[tuple[str | None, Kind]]:
    return [(record.native_id, record.kind) for record in source("cdse").records(Page(document, "file.json"))]


def test_a_page_an_item_and_descriptions_are_accepted() -> None:
    item = sentinel_2("x")
    collection = {
        "type": "Collection",
        "id": "sentinel-2-l2a",
        "stac_version": "1.1.0",
        "links": [{"rel": "self", "href": f"{CDSE}/collections/sentinel-2-l2a"}],
    }
    assert _kinds(item_collection([item, item])) == [("x", Kind.ITEM)] * 2
    assert _kinds(item) == [("x", Kind.ITEM)]
    assert _kinds(collection) == [("sentinel-2-l2a", Kind.COLLECTION)]
    assert _kinds({"collections": [collection]}) == [("sentinel-2-l2a", Kind.COLLECTION)]
    assert _kinds(item_collection([])) == []
    assert _kinds(item_collection([item, 5, None])) == [
        ("x", Kind.ITEM),
        (None, Kind.ITEM),
        (None, Kind.ITEM),
    ]


def test_a_collection_of_cdse_that_we_do_not_define_is_known_by_its_addresses() -> None:
    item = sentinel_2("x", collection="clms_ndvi_global_300m_10daily_v3_cog")
    assert _kinds(item) == [("x", Kind.ITEM)]
    foreign = sentinel_2("x", collection="s2", links=[], assets={"a": {"href": "https://example.com/a"}})
    foreign["assets"] = {"a": {"href": "https://example.com/a"}}
    with pytest.raises(UpstreamChanged, match=r"file\.json is a document of another catalogue"):
        _kinds(foreign)


@pytest.mark.parametrize(
    "document",
    [
        5,
        "text",
        None,
        [],
        [sentinel_2()],
        {},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": 5},
        {"collections": {}},
        {"type": "Topology"},
        record_collection([amsr2()]),
        amsr2(),
        {"error": "not found"},
    ],
)
def test_what_is_not_cdses_is_named(document: Any) -> None:
    with pytest.raises(UpstreamChanged) as error:
        _kinds(document)
    assert str(error.value).startswith("file.json is ")
    assert "CDSE" in str(error.value)


@pytest.mark.parametrize("collection", ["ccm-optical", "ccm-sar", "ccm-dem", "ccm-new"])
def test_contributing_missions_are_left_out(collection: str) -> None:
    assert refused("cdse", sentinel_2(collection=collection)).code == "restricted"
    described = {"type": "Collection", "id": collection, "stac_version": "1.1.0"}
    record = next(source("cdse").records(Page(described, "x")))
    with pytest.raises(Exception, match="restricted"):
        source("cdse").to_collection(record)


def test_the_names_of_sentinel_6_are_one_collection() -> None:
    (item,) = harvested("cdse", sentinel_2(collection="sentinel-6-amr-ntc"))
    assert item["collection"] == "sentinel-6-amr-c-ntc"
    described = {"type": "Collection", "id": "sentinel-6-amr-ntc", "stac_version": "1.1.0"}
    record = next(source("cdse").records(Page(described, "x")))
    assert source("cdse").to_collection(record)["id"] == "sentinel-6-amr-c-ntc"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"properties": 5}, "no-properties"),
        ({"properties": None}, "no-properties"),
        ({"properties": {"datetime": None}}, None),
        ({"properties": {"datetime": None, "start_datetime": ..., "end_datetime": ...}}, "no-datetime"),
        ({"geometry": None}, "no-geometry"),
        ({"id": ""}, "bad-id"),
        ({"assets": [1]}, "bad-structure"),
        ({"links": "x"}, "bad-structure"),
        ({"properties": {"eo:cloud_cover": 101}}, "invalid-item"),
        ({"properties": {"gsd": "ten"}}, "invalid-item"),
    ],
)
def test_a_record_that_is_wrong_is_refused(changes: Any, code: str | None) -> None:
    document = sentinel_2()
    document = {**document, **changes}
    if isinstance(changes.get("properties"), dict):
        document = sentinel_2(**changes)
    if code is None:
        assert harvested("cdse", document)[0]["properties"]["datetime"] == "2024-01-15T01:27:01.024Z"
    else:
        assert refused("cdse", document).code == code


def test_what_is_asked_for() -> None:
    window = Window(parse_time("2024-01-01T00:00:00+09:00"), parse_time("2024-01-02"))
    selection = Selection(("sentinel-2-l2a",), window, (170, -10, -170, 10))
    assert search_body(selection, ["sentinel-2-l2a"], 50) == {
        "limit": 50,
        "collections": ["sentinel-2-l2a"],
        "datetime": "2023-12-31T15:00:00Z/2024-01-02T00:00:00Z",
        "bbox": [170, -10, -170, 10],
    }
    assert search_body(Selection(), [], 50) == {"limit": 50}
    assert (
        search_body(Selection(window=Window(None, window.end)), [], 1)["datetime"]
        == "../2024-01-02T00:00:00Z"
    )
    assert (
        search_body(Selection(window=Window(window.end, None)), [], 1)["datetime"]
        == "2024-01-02T00:00:00Z/.."
    )


@pytest.mark.parametrize(
    ("home", "file", "own"),
    [
        ("https://earth-search.aws.element84.com/v1", "s3://sentinel-s2-l1c/tiles/B02.jp2", False),
        (
            "https://planetarycomputer.microsoft.com/api/stac/v1",
            "https://x.blob.core.windows.net/b.tif",
            False,
        ),
        ("http://127.0.0.1:8991/v1", "s3://eodata/Sentinel-2/MSI/x.jp2", True),
        ("https://stac.dataspace.copernicus.eu/v1", "https://elsewhere.example/x.jp2", True),
    ],
)
def test_items_of_other_catalogues_with_collections_of_the_same_name_are_not_ours(
    home: str, file: str, own: bool
) -> None:
    """Once Earth Search's `sentinel-2-l1c` was taken, with a link to a record that CDSE does not have."""
    native = sentinel_2()
    native["collection"] = "sentinel-2-l1c"
    native["links"] = [{"rel": "self", "href": f"{home}/collections/sentinel-2-l1c/items/x"}]
    native["assets"] = {"B02": {"href": file}}
    cdse = make_source("cdse", definitions())
    if own:
        assert len(list(cdse.records(Page(native, "file")))) == 1
    else:
        with pytest.raises(UpstreamChanged, match="of another catalogue"):
            list(cdse.records(Page(native, "file")))
        # Beside one of CDSE's own, it is refused alone.
        first, second = cdse.records(Page(item_collection([sentinel_2(), native]), "file"))
        assert cdse.to_item(first)
        with pytest.raises(RecordRefused, match="another catalogue"):
            cdse.to_item(second)
