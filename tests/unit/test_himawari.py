"""Himawari: the files of a slot become one item that says how complete it is."""

from typing import Any

import pytest
from shapely.geometry import Point, shape

from catalog.errors import RecordRefused, UpstreamChanged
from ingest.contract import Page
from ingest.himawari import read_key
from ingest.protocols import s3_listing
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.documents_buckets import clouds, full_disk, listing, repeated_area
from tests.unit.source_checks import check_golden, take


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ("himawari/full-disk-begun", full_disk(leave_out=157)),
        ("himawari/japan-begun", repeated_area()[:2]),
        ("himawari/clouds", clouds("CMSK", "CHGT", "CPHS")),
    ],
)
def test_golden(place: Any, keys: Any):
    check_golden(place, take("himawari", s3_listing.parse(listing(*keys), "test")).item)


def test_a_full_slot_is_complete():
    item = take("himawari", full_disk()).item
    assert item["properties"]["himawari:file_count"] == len(item["assets"]) == 160
    assert item["properties"]["himawari:complete"] is True
    assert item["properties"]["gsd"] == 500


def test_a_slot_that_lacks_a_file_is_not_complete():
    properties = take("himawari", full_disk(leave_out=1)).item["properties"]
    assert properties["himawari:complete"] is False
    assert (properties["himawari:file_count"], properties["himawari:expected_file_count"]) == (159, 160)


def test_a_band_in_a_second_resolution_makes_up_for_no_missing_file():
    keys = full_disk(leave_out=1)
    second = next(key for key in keys if "_B07_" in key).replace("_R20_", "_R10_")
    item = take("himawari", [*keys, second]).item
    assert item["properties"]["himawari:file_count"] == 160
    assert item["properties"]["himawari:complete"] is False
    assert {"b07-s01", "b07-r10-s01"} <= set(item["assets"])
    assert item["assets"]["b07-r10-s01"]["gsd"] == 1000


def test_a_file_without_a_byte_is_not_there_yet():
    keys = full_disk()
    whole = {"files": [{"key": key, "size": 7} for key in keys]}
    begun = {"files": [*whole["files"][:-1], {"key": keys[-1], "size": 0}]}
    slots = make_source("himawari", definitions())._slots_read  # type: ignore[attr-defined]
    complete = [
        slots.item("AHI-L1b-FLDK", native)["properties"]["himawari:complete"] for native in (whole, begun)
    ]
    assert complete == [True, False]


@pytest.mark.parametrize("clock", ["0240", "0250", "1440", "1450"])
def test_while_the_satellite_keeps_house_nothing_is_expected(clock: Any):
    properties = take("himawari", full_disk(f"20260314_{clock}", leave_out=100)).item["properties"]
    assert properties["himawari:housekeeping"] is True
    assert "himawari:complete" not in properties
    assert "himawari:expected_file_count" not in properties


def test_the_same_slot_with_more_files_is_the_same_item():
    early, late = (take("himawari", full_disk(leave_out=one)).item for one in (50, 0))
    assert (early["collection"], early["id"]) == (late["collection"], late["id"])
    assert set(early["assets"]) < set(late["assets"])


def test_both_satellites_and_all_areas_are_items_of_their_own():
    keys = [*full_disk(leave_out=159), *full_disk(satellite="H08", leave_out=159), *repeated_area()]
    keys += repeated_area("R3", "AHI-L1b-Target")
    taken = take("himawari", keys)
    assert [item["id"] for item in taken.items] == [
        "HS_H09_20260314_0530_FLDK",
        "HS_H08_20260314_0530_FLDK",
        "HS_H09_20260314_0530_JP",
        "HS_H09_20260314_0530_R3",
    ]
    assert [item["properties"].get("himawari:complete") for item in taken.items] == [False, False, True, True]
    assert taken.items[1]["assets"]["b01-s01"]["href"].startswith(
        "https://noaa-himawari8.s3.amazonaws.com/AHI-L1b-FLDK/"
    )
    assert "jp04-b16" in taken.items[2]["assets"]
    assert not taken.unknown


def test_the_disk_is_cut_at_the_antimeridian_and_holds_what_the_satellite_sees():
    footprint = shape(take("himawari", full_disk()).item["geometry"])
    assert footprint.is_valid
    assert footprint.geom_type == "MultiPolygon"
    seen = {
        "Tokyo": (139.7, 35.7),
        "Honolulu": (-157.9, 21.3),
        "Fiji": (179.0, -17.8),
        "Karachi": (67.0, 24.9),
    }
    hidden = {"Seattle": (-122.3, 47.6), "Berlin": (13.4, 52.5), "the pole": (140.7, 89.0)}
    assert [name for name, place in seen.items() if not footprint.covers(Point(place))] == []
    assert [name for name, place in hidden.items() if footprint.covers(Point(place))] == []
    # The horizon on the satellite's own meridian: acos(a / (a + h)) is 81.3 degrees.
    assert footprint.bounds[3] == pytest.approx(81.33, abs=0.02)


def test_the_japan_area_is_where_its_header_puts_it():
    footprint = shape(take("himawari", repeated_area()).item["geometry"])
    # Zushi and all capitals of prefectures lie in it; Beijing's west and Guam do not.
    for place in [(139.58, 35.29), (127.68, 26.21), (141.35, 43.06), (123.0, 24.0), (150.0, 48.0)]:
        assert footprint.covers(Point(place)), place
    for place in [(100.0, 40.0), (144.8, 13.4), (160.0, 40.0)]:
        assert not footprint.covers(Point(place)), place


def test_sizes_and_times_come_from_the_listing():
    item = take("himawari", s3_listing.parse(listing(*full_disk(leave_out=150)), "test")).item
    assert [asset["file:size"] for asset in item["assets"].values()] == list(range(1000, 1010))
    assert item["properties"]["created"] == item["properties"]["updated"] == "2026-03-14T05:41:09Z"
    assert (item["properties"]["start_datetime"], item["properties"]["end_datetime"]) == (
        "2026-03-14T05:30:00Z",
        "2026-03-14T05:40:00Z",
    )


def test_what_is_no_product_is_refused_by_name():
    taken = take(
        "himawari",
        [
            *full_disk(leave_out=159),
            "AHI-L1b-FLDK/2026/03/14/0530/index.html",
            "HS_H09_20261399_0000_B01_FLDK_R10_S0110.DAT",
        ],
    )
    assert len(taken.items) == 1
    assert taken.codes == ["unknown-product", "unknown-product"]
    assert "index.html" in taken.refused[0][1]


@pytest.mark.parametrize(
    "document",
    [
        ["S2A_MSIL2A.SAFE"],
        {"type": "FeatureCollection", "features": []},
        {"noaa-himawari9": "no list"},
        5,
        s3_listing.parse(listing("palsar2/L2.2/2025/a.json", bucket="jaxaalos2"), "test"),
    ],
)
def test_a_document_of_another_source_is_refused(document: Any):
    source = make_source("himawari", definitions())
    with pytest.raises(UpstreamChanged, match=r"^test is no listing of Himawari"):
        list(source.records(Page(document, "test")))


@pytest.mark.parametrize(
    "native",
    [
        {"product": "AHI-L1b-FLDK", "files": 5},
        {"product": "AHI-L1b-FLDK", "files": [{"key": None}]},
        {"product": "AHI-L1b-FLDK"},
        {"product": "AHI-L9"},
        {},
    ],
)
def test_a_damaged_record_is_refused(native: Any):
    from ingest.contract import Record

    with pytest.raises(RecordRefused):
        make_source("himawari", definitions()).to_item(Record(native, None))


def test_names():
    file = read_key("x/HS_H08_20200512_1620_B05_JP01_R20_S0101.DAT.bz2")
    assert file is not None
    assert (file.satellite, file.band, file.area, file.resolution, file.segment, file.segments) == (
        "H08",
        "B05",
        "JP01",
        2000,
        1,
        1,
    )
    assert read_key("HS_H08_20200512_1620_B05_FLDK_R20_S1110.DAT.bz2") is None, "there is no segment 11 of 10"
    netcdf = read_key(clouds("CMSK")[0])
    assert netcdf is not None
    assert netcdf.start is not None
    assert netcdf.start.isoformat() == "2026-03-14T05:30:20.800000+00:00"
