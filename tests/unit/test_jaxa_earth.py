"""JAXA Earth: tiles of a date become items with ids of their own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import Point, shape

from catalog.errors import RecordRefused, UpstreamChanged
from ingest import jaxa_earth as names
from ingest.contract import Page
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.documents_buckets import (
    ICE,
    NDVI_8_DAY,
    SGLI_SST,
    SMC,
    SMC_NORMAL,
    STORE,
    scansar,
    tile_item,
    tile_record,
)
from tests.unit.source_checks import check_golden, take

TILE = "E130.00-N30.00-E140.00-N40.00"
HALVES = ("E000.00-S90.00-E180.00-N90.00", "W180.00-S90.00-E000.00-N90.00")
QUARTERS = [
    f"{west}-{south}-{east}-{north}"
    for west, east in [
        ("W180.00", "W090.00"),
        ("W090.00", "E000.00"),
        ("E000.00", "E090.00"),
        ("E090.00", "E180.00"),
    ]
    for south, north in [("S90.00", "N00.00"), ("N00.00", "N90.00")]
]
AMSR2 = {"platform": "GCOM-W", "instrument": "AMSR2"}


def smc(tile: Any, band: Any = "SMC", **changes: Any):
    return tile_item(tile, band, properties={**AMSR2, **changes})


@pytest.mark.parametrize(
    ("place", "record"),
    [
        ("jaxa-earth/tile", tile_record(SGLI_SST, "2026-10/05", 2, (TILE, tile_item(TILE)), whole=False)),
        (
            "jaxa-earth/whole-date",
            tile_record(SMC, "2026-10/05", 1, *[(one, smc(one)) for one in QUARTERS[:3]], whole=True),
        ),
        (
            "jaxa-earth/climatology",
            tile_record(
                SMC_NORMAL, "07-16", 0, *[(one, smc(one, "SMC_2012_2021")) for one in HALVES], whole=True
            ),
        ),
    ],
)
def test_golden(place: Any, record: Any):
    taken = take("jaxa-earth", record)
    check_golden(place, taken.item)
    assert not taken.unknown


def test_ids_differ_by_date_level_and_tile():
    other = "E140.00-N30.00-E150.00-N40.00"
    ids = [
        take("jaxa-earth", tile_record(SGLI_SST, date, level, (tile, tile_item(tile)), whole=False)).item[
            "id"
        ]
        for date, level, tile in [
            ("2026-10/05", 2, TILE),
            ("2026-10/06", 2, TILE),
            ("2026-10/05", 3, TILE),
            ("2026-10/05", 2, other),
        ]
    ]
    assert len(set(ids)) == 4


def test_a_date_of_few_tiles_is_one_item():
    record = tile_record(SMC, "2026-10/05", 1, *[(one, smc(one)) for one in QUARTERS], whole=True)
    item = take("jaxa-earth", record).item
    assert len(item["assets"]) == 8
    assert (
        item["assets"]["smc-e90n0"]["href"]
        == f"{STORE}/{SMC}/2026-10/05/1/E090.00-E180.00/E090.00-N00.00-E180.00-N90.00-SMC.tiff"
    )
    assert item["bbox"] == [-180.0, -90.0, 180.0, 90.0]


def test_tiles_are_records_of_their_own_where_the_tile_is_the_product():
    other = "E140.00-N30.00-E150.00-N40.00"
    taken = take(
        "jaxa-earth",
        tile_record(
            SGLI_SST, "2026-10/05", 2, (TILE, tile_item(TILE)), (other, tile_item(other)), whole=False
        ),
    )
    assert [item["bbox"] for item in taken.items] == [[130.0, 30.0, 140.0, 40.0], [140.0, 30.0, 150.0, 40.0]]


def test_rasters_become_a_band():
    band = take(
        "jaxa-earth", tile_record(SGLI_SST, "2026-10/05", 2, (TILE, tile_item(TILE)), whole=False)
    ).item["assets"]["sst"]["bands"]
    assert band == [
        {
            "name": "SST",
            "data_type": "uint16",
            "nodata": 65535,
            "statistics": {"minimum": 0, "maximum": 65531},
            "unit": "degC",
            "raster:scale": 0.0012,
            "raster:offset": -10.0,
            "jaxa_earth:error_values": [65535],
        }
    ]


def test_classes_are_kept_in_the_form_of_their_extension():
    classes = [
        {"value": 1, "description": "Forest", "color-hint": "00AA00"},
        {"value": 2.0, "name": "Water", "color-hint": "#0000ff"},
        {"value": "x", "description": "no number"},
    ]
    document = tile_item(TILE, assets={"SST": {"classification:classes": classes}})
    item = take("jaxa-earth", tile_record(SGLI_SST, "2026-10/05", 2, (TILE, document), whole=False)).item
    assert item["assets"]["sst"]["classification:classes"] == [
        {"value": 1, "description": "Forest", "color_hint": "00AA00"},
        {"value": 2, "description": "Water", "name": "Water", "color_hint": "0000ff"},
    ]


def test_a_polar_tile_is_drawn_in_degrees_and_holds_the_pole():
    tile = "W256.00-S256.00-E256.00-N256.00"
    document = tile_item(tile, "IC0", properties=AMSR2)
    item = take("jaxa-earth", tile_record(ICE, "2026-10/05", 0, (tile, document), whole=True, epsg=3995)).item
    footprint = shape(item["geometry"])
    assert footprint.is_valid
    assert all(footprint.covers(Point(longitude, 60)) for longitude in range(-180, 181, 15))
    assert footprint.bounds == pytest.approx((-180, 2.4, 180, 90), abs=0.01)
    assert item["properties"]["proj:code"] == "EPSG:3995"
    assert item["properties"]["proj:bbox"] == [-8388608.0, -8388608.0, 8388608.0, 8388608.0]


@pytest.mark.parametrize(
    ("epsg", "corner", "box"),
    [(3995, (0, 0), (90, 63.18, 180, 90)), (3031, (-2097152, -2097152), (-180, -90, -90, -63.18))],
)
def test_a_polar_tile_with_a_corner_at_the_pole(epsg: Any, corner: Any, box: Any):
    from ingest.geometry import bounding_box, repair
    from ingest.projections import polar_box

    west, south = corner
    footprint = repair(polar_box(epsg, west, south, west + 2097152, south + 2097152))
    assert bounding_box(footprint) == pytest.approx(box, abs=0.01)


def test_a_climatology_has_the_time_of_its_base_period():
    record = tile_record(
        SMC_NORMAL, "07-16", 0, *[(one, smc(one, "SMC_2012_2021")) for one in HALVES], whole=True
    )
    item = take("jaxa-earth", record).item
    properties = item["properties"]
    assert (properties["start_datetime"], properties["end_datetime"]) == (
        "2012-01-01T00:00:00Z",
        "2021-12-31T23:59:59Z",
    )
    assert properties["jaxa_earth:date"] == "07-16"
    assert item["id"].endswith("-half-monthly-normal_n0716")


def test_a_japanese_product_covers_japan_and_not_half_the_globe():
    half = HALVES[0]
    item = take(
        "jaxa-earth",
        tile_record(NDVI_8_DAY, "2026-10/08", 0, (half, tile_item(half, "NDVI_AVE")), whole=True),
    ).item
    assert item["bbox"] == [123.0, 24.0, 150.0, 50.0]


def test_a_date_without_times_is_taken_from_its_address():
    document = tile_item(TILE, properties={"start_datetime": ..., "end_datetime": ...})
    properties = take(
        "jaxa-earth", tile_record(SGLI_SST, "2026-10/05", 2, (TILE, document), whole=False)
    ).item["properties"]
    assert (properties["start_datetime"], properties["end_datetime"]) == (
        "2026-10-05T00:00:00Z",
        "2026-10-05T23:59:59Z",
    )


def test_an_item_without_address_is_known_by_what_it_says():
    document = tile_item(HALVES[0], "CHLA")
    item = take("jaxa-earth", document).item
    assert item["properties"]["jaxa_earth:collection"].endswith("L3-CHLA.daytime.v3_global_daily")
    assert item["properties"]["jaxa_earth:date"] == "2026-10-05"
    assert "/2026-10/05/0/E000.00-E180.00/E000.00-" in item["assets"]["chla"]["href"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (tile_item(HALVES[0], "SST"), "no-collection"),  # by day or by night?
        (tile_item(HALVES[0], "XYZ"), "no-collection"),
        (tile_item(HALVES[0], "CHLA", assets={"CHLA": {"href": "N/A"}}), "no-geometry"),
        (tile_item(HALVES[0], "CHLA", properties={"start_datetime": "soon"}), "bad-datetime"),
        (tile_item(HALVES[0], "CHLA", properties=5), "bad-structure"),
        (
            tile_item(
                HALVES[0], "LST", collection="NASA.EOSDIS_Terra.MODIS_MOD11C1-LST.daytime.v061_global_daily"
            ),
            "foreign",
        ),
    ],
)
def test_refused(document: Any, code: Any):
    assert take("jaxa-earth", document).codes == [code]


def test_collections_of_others_are_refused_and_unknown_ones_described():
    unknown = {
        "type": "Collection",
        "id": "JAXA.EORC_ALOS-4.PALSAR-3_X.v1_global_yearly",
        "title": "Something new",
        "description": "Made of ALOS-4.",
        "keywords": ["ALOS-4 "],
        "license": "proprietary",
        "extent": {
            "spatial": {"bbox": [[-8388608, -8388608, 8388608, 8388608]]},
            "temporal": {"interval": [["2025-01-01T00:00:00Z", None]]},
        },
    }
    taken = take(
        "jaxa-earth",
        {
            "collections": [
                unknown,
                {"id": SMC},
                {"id": "NASA.EOSDIS_X"},
                {"id": "JAXA.Y_new_daily"},
                {"title": "none"},
            ]
        },
    )
    assert [one["id"] for one in taken.collections] == [
        "jaxa-earth-eorc-alos-4-palsar-3-x-v1-global-yearly",
        names.collection_id(SMC),
    ]
    assert taken.collections[0]["extent"]["spatial"]["bbox"] == [[-180.0, -90.0, 180.0, 90.0]]
    assert taken.codes == ["foreign", "undescribed", "bad-id"]


def test_the_root_catalogue_names_collections():
    links = [
        {"rel": "child", "href": f"{STORE}/{SMC}/collection.json"},
        {"rel": "child", "href": "./Copernicus.C3S_X/collection.json"},
    ]
    taken = take("jaxa-earth", {"type": "Catalog", "id": "catalog", "links": links})
    assert [one["id"] for one in taken.collections] == [names.collection_id(SMC)]
    assert taken.codes == ["foreign"]


def test_commas_too_many_are_no_hindrance():
    source = make_source("jaxa-earth", definitions())
    assert source.parse(b'{"a, ]": ["b,]", 1,],}') == {"a, ]": ["b,]", 1]}
    with pytest.raises(ValueError, match="line 1"):
        source.parse(b"{,}x")


@pytest.mark.parametrize(
    "document",
    [
        scansar(),
        {"type": "Feature"},
        {},
        {"noaa-himawari9": []},
        {"type": "Catalog", "links": []},
        {"collections": [{"id": "sentinel-2-l2a"}]},
        [],
    ],
)
def test_a_document_of_another_source_is_refused(document: Any):
    with pytest.raises(UpstreamChanged, match=r"^test is "):
        list(make_source("jaxa-earth", definitions()).records(Page(document, "test")))


def test_every_defined_collection_has_the_id_of_the_rule():
    defined = definitions().by_native("jaxa-earth")
    assert len(defined) == 104
    assert {native: one.id for native, one in defined.items()} == {
        native: names.collection_id(native) for native in defined
    }
    assert all(names.is_of_jaxa(native) for native in defined)


# -- names ----------------------------------------------------------------------------------------


def utc(text: Any):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("label", "cadence", "start", "end"),
    [
        ("2026-09/29-13", "hourly", "2026-09-29T13:00", "2026-09-29T14:00"),
        ("2026-09/29", "daily", "2026-09-29", "2026-09-30"),
        ("2026-09/29", "8-day", "2026-09-29", "2026-10-07"),
        ("2025-12/27", "8-day", "2025-12-27", "2026-01-01"),
        ("2026-02/01", "half-monthly", "2026-02-01", "2026-02-16"),
        ("2026-02/16", "half-monthly", "2026-02-16", "2026-03-01"),
        ("2024-02", "monthly", "2024-02-01", "2024-03-01"),
        ("2026-12", "monthly", "2026-12-01", "2027-01-01"),
        ("2026", "yearly", "2026-01-01", "2027-01-01"),
    ],
)
def test_span_of_a_date(label: Any, cadence: Any, start: Any, end: Any):
    assert names.span(label, cadence) == (utc(start), utc(end))
    if cadence != "yearly":
        assert names.date_label(utc(start), utc(end), cadence) == label
    assert names.cadence_between(utc(start), utc(end)) == cadence


@pytest.mark.parametrize("label", ["197", "07-16", "07", "", "2026-13", "2026-02/30", "9999", "x"])
def test_what_has_no_year_or_is_no_date_has_no_span(label: Any):
    assert names.span(label, "daily") is None


def test_addresses():
    place = names.read_address(f"{STORE}/{SMC}/2026-09/29/1/W090.00-E000.00/S90.00-N00.00.json")
    assert place == names.Place(SMC, "2026-09/29", 1, names.Tile(-90, -90, 0, 0))
    assert place.tile.path == ("W090.00-E000.00", "S90.00-N00.00")
    for date in ("2026-09/29-13", "2026-09", "2026", "197", "07-16", "07"):
        found = names.read_address(f"{STORE}/{SMC}/{date}/1/W090.00-E000.00/S90.00-N00.00.json")
        assert found is not None
        assert found.date == date
    assert names.read_address(f"{STORE}/{SMC}/collection.json") is None


def test_a_damaged_record_is_refused():
    from ingest.contract import Record

    source = make_source("jaxa-earth", definitions())
    for native in (
        {},
        {"tiles": 5},
        {"tiles": [5]},
        {"tiles": [{"document": 5}]},
        {"tiles": [{"document": {}}]},
    ):
        with pytest.raises(RecordRefused):
            source.to_item(Record(native, None))


def test_records_are_json():
    record = tile_record(SMC, "2026-10/05", 1, *[(one, smc(one)) for one in QUARTERS], whole=True)
    source = make_source("jaxa-earth", definitions())
    for found in source.records(Page(record, "test")):
        assert json.loads(json.dumps(found.native))
