"""PALSAR-2: the slips of the bucket's items are mended."""

from typing import Any

import pytest
from shapely.geometry import shape

from catalog.errors import UpstreamChanged
from ingest.contract import Page
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.documents_buckets import scansar, tile_item
from tests.unit.source_checks import check_golden, take

ADDRESS = (
    "https://jaxaalos2.s3.us-west-2.amazonaws.com/palsar2/L2.2/2025/ALOS2123450600-180505_WBDR2.2GUD.json"
)


def test_golden():
    taken = take("palsar2", scansar(), origins=(ADDRESS,))
    check_golden("palsar2/across-the-antimeridian", taken.item)
    assert not taken.unknown


def test_the_box_of_a_scene_across_the_antimeridian_is_of_its_two_parts():
    item = take("palsar2", scansar()).item
    assert item["geometry"]["type"] == "MultiPolygon"
    assert item["bbox"] == [-180.0, 65.2, 180.0, 68.9]
    assert shape(item["geometry"]).area < 40, "not the globe between"


def test_role_becomes_roles():
    assets = take("palsar2", scansar()).item["assets"]
    assert [asset["roles"] for asset in assets.values()] == [
        ["data"],
        ["metadata", "data-mask"],
        ["overview"],
    ]
    assert not any("role" in asset for asset in assets.values())


def test_satellite_and_sensor_are_added():
    properties = take("palsar2", scansar()).item["properties"]
    assert (properties["platform"], properties["instruments"]) == ("alos-2", ["palsar-2"])
    assert properties["processing:level"] == "L2.2"
    assert properties["constellation"] == "alos"


def test_hrefs_are_absolute_and_the_name_of_the_kml_is_right():
    hrefs = [
        asset["href"] for asset in take("palsar2", scansar(), origins=(ADDRESS,)).item["assets"].values()
    ]
    folder = ADDRESS.rsplit("/", 1)[0]
    assert hrefs[0] == f"{folder}/ALOS2123450600-180505_WBDR2.2GUD_HH_SLP.tif"
    assert hrefs[2] == f"{folder}/ALOS2123450600-180505-WBDR2.2GUD.kml"


def test_hrefs_of_an_item_that_says_where_it_is():
    own = "https://jaxaalos2.s3.us-west-2.amazonaws.com/palsar2/L2.2/Africa/X/item.json"
    item = take("palsar2", scansar(links=[{"rel": "self", "href": own}])).item
    assert item["assets"]["data-mask"]["href"].startswith(
        "https://jaxaalos2.s3.us-west-2.amazonaws.com/palsar2/L2.2/Africa/X/ALOS2"
    )
    assert [link["href"] for link in item["links"] if link["rel"] == "via"] == [own]


def test_columns_before_rows_are_turned_where_the_pixels_prove_it():
    assert take("palsar2", scansar()).item["properties"]["proj:shape"] == [16000, 12000]
    right = scansar(properties={"proj:shape": [16000, 12000]})
    assert take("palsar2", right).item["properties"]["proj:shape"] == [16000, 12000]
    unknown = scansar(properties={"proj:transform": ...})
    assert take("palsar2", unknown).item["properties"]["proj:shape"] == [12000, 16000]


def test_bands_are_those_of_stac_1_1():
    item = take("palsar2", scansar()).item
    assert item["assets"]["hh-slp"]["bands"] == [
        {
            "name": "HH",
            "description": "transmitted and received horizontally",
            "data_type": "uint16",
            "raster:sampling": "area",
            "raster:spatial_resolution": 25.0,
        }
    ]
    assert item["properties"]["proj:code"] == "EPSG:32660"
    assert "proj:epsg" not in item["properties"]


def test_the_collection_is_ours():
    collection = take(
        "palsar2", {"type": "Collection", "stac_version": "1.0.0", "id": "palsar2-scansar"}
    ).collections[0]
    assert collection["id"] == "alos-2-palsar-2-l2.2-scansar"
    assert collection["license"] == "other"


@pytest.mark.parametrize(
    "document",
    [
        tile_item("E000.00-S90.00-E180.00-N90.00"),
        {"type": "Feature"},
        {"features": []},
        [],
        "text",
        {"type": "Collection", "id": "sentinel-2-l2a", "stac_version": "1.0.0"},
    ],
)
def test_a_document_of_another_source_is_refused(document: Any):
    with pytest.raises(UpstreamChanged, match=r"^test is "):
        list(make_source("palsar2", definitions()).records(Page(document, "test")))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"geometry": None}, "no-geometry"),
        ({"properties": ...}, "no-properties"),
        ({"properties": {"datetime": ...}}, "no-datetime"),
        ({"assets": []}, "bad-structure"),
        ({"properties": {"sar:frequency_band": "Q"}}, "invalid-item"),
    ],
)
def test_refused(changes: Any, code: Any):
    assert take("palsar2", scansar(**changes)).codes == [code]
