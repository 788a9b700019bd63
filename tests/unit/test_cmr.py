"""NASA's CMR: granules in UMM-G become items."""

from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from ingest.checksums import multihash
from ingest.contract import Selection, Window
from ingest.protocols import cmr
from ingest.times import parse_time
from tests.unit.documents import merged
from tests.unit.documents_japan import asf_palsar, asf_palsar_2, aster, avnir_2, cmr_page
from tests.unit.source_checks import check_golden, take


def drawn(**geometry: Any):
    return asf_palsar(
        umm={"SpatialExtent": {"HorizontalSpatialDomain": {"Geometry": {"GPolygons": ..., **geometry}}}}
    )


@pytest.mark.parametrize(
    ("place", "granule"),
    [("cmr/alos-palsar", asf_palsar()), ("cmr/alos-2-palsar-2", asf_palsar_2()), ("cmr/aster-l1t", aster())],
)
def test_golden(place: Any, granule: Any):
    taken = take("cmr", cmr_page([granule]))
    check_golden(place, taken.item)
    assert taken.unknown == {}


def test_what_asf_says_in_attributes_stands_under_the_common_names():
    properties = take("cmr", asf_palsar()).item["properties"]
    assert properties["platform"] == "alos"
    assert properties["constellation"] == "alos"
    assert properties["instruments"] == ["palsar"]
    assert properties["sar:polarizations"] == ["HH", "HV"]
    assert properties["sar:instrument_mode"] == "FBD"
    assert properties["sar:frequency_band"] == "L"
    assert properties["sar:center_frequency"] == 1.27
    assert properties["sar:observation_direction"] == "right"
    assert properties["sat:orbit_state"] == "ascending"
    assert properties["sat:absolute_orbit"] == 12345
    assert properties["sat:relative_orbit"] == 424
    assert properties["processing:level"] == "L1.1"
    assert properties["cmr:frame_number"] == 670
    assert properties["updated"] == "2016-05-13T14:32:33.502Z"
    assert "cmr:faraday_rotation" not in properties, "NA is no value"
    assert "cmr:day_night" not in properties, "Unspecified is no value"


def test_files_need_a_login_and_say_so():
    item = take("cmr", asf_palsar_2()).item
    data = item["assets"]["data"]
    assert data["auth:refs"] == ["earthdata"]
    assert item["properties"]["auth:schemes"]["earthdata"]["scheme"] == "bearer"
    assert data["file:size"] == 60_000_000_000
    assert data["file:checksum"] == "d50110fedcba9876543210fedcba9876543210"
    assert data["alternate"]["s3"]["href"].startswith("s3://asf-cumulus-prod-alos2-products/")
    assert {
        "rel": "related",
        "href": "https://cumulus.asf.earthdatacloud.nasa.gov/s3credentials",
        "title": "Credentials",
    } in item["links"]
    assert "auth:refs" not in take("cmr", asf_palsar()).item["assets"]["overview"]


def test_a_granule_of_the_former_archive_goes_by_the_name_of_its_file():
    item = take("cmr", aster()).item
    assert item["id"] == "AST_L1T_00305202008020730_20150520123456_12345"
    assert item["collection"] == "aster-l1t"
    assert item["properties"]["datetime"] == "2008-05-20T02:07:30.500Z"
    assert item["properties"]["eo:cloud_cover"] == 57
    assert item["properties"]["view:off_nadir"] == 5.721
    assert item["properties"]["cmr:vnir_pointing_angle"] == -5.721
    assert set(item["assets"]) == {"hdf", "v-tif", "metadata", "overview"}
    assert "file:checksum" not in item["assets"]["hdf"], "a checksum of the wrong length is none"


def test_the_same_granule_after_its_move_to_the_cloud_is_the_same_item():
    moved = merged(aster(), {"umm": {"GranuleUR": "AST_L1T_00305202008020730_20150520123456_12345"}})
    assert take("cmr", moved).item["id"] == take("cmr", aster()).item["id"]


@pytest.mark.parametrize(
    ("native", "expected", "kept"),
    [
        ("HH", ["HH"], None),
        ("HH+HV+VV+VH", ["HH", "HV", "VV", "VH"], None),
        ("HH 5scan", ["HH"], "HH 5scan"),
        (["HH", "HV"], ["HH", "HV"], None),
        ("quadrature", None, "quadrature"),
    ],
)
def test_polarisations(native: Any, expected: Any, kept: Any):
    attribute = {"Name": "POLARIZATION", "Values": native if isinstance(native, list) else [native]}
    properties = take("cmr", asf_palsar(umm={"AdditionalAttributes": [attribute]})).item["properties"]
    assert properties.get("sar:polarizations") == expected
    assert properties.get("cmr:polarization") == kept


def test_an_angle_of_minus_one_is_none():
    attribute = {"Name": "OFF_NADIR_ANGLE", "Values": ["-1"]}
    assert (
        "view:off_nadir"
        not in take("cmr", asf_palsar(umm={"AdditionalAttributes": [attribute]})).item["properties"]
    )


# -- footprints -----------------------------------------------------------------------------------


def ring(*positions: Any):
    return {"Points": [{"Longitude": x, "Latitude": y} for x, y in positions]}


def test_several_polygons_are_one_footprint():
    east = {"Boundary": ring((178, 10), (180, 10), (180, 12), (178, 12), (178, 10))}
    west = {"Boundary": ring((-180, 10), (-178, 10), (-178, 12), (-180, 12), (-180, 10))}
    item = take("cmr", drawn(GPolygons=[east, west])).item
    assert item["geometry"]["type"] == "MultiPolygon"
    assert item["bbox"] == [-180, 10, 180, 12]


def test_a_ring_across_the_antimeridian_is_cut_there():
    item = take(
        "cmr", drawn(GPolygons=[{"Boundary": ring((178, 10), (-178, 10), (-178, 12), (178, 12))}])
    ).item
    assert item["geometry"]["type"] == "MultiPolygon"
    assert {abs(x) for part in item["geometry"]["coordinates"] for x, _ in part[0]} == {178, 180}


def test_holes_stay():
    zone = {"Boundaries": [ring((1, 1), (1, 2), (2, 2), (2, 1), (1, 1))]}
    item = take(
        "cmr", drawn(GPolygons=[{"Boundary": ring((0, 0), (4, 0), (4, 4), (0, 4)), "ExclusiveZone": zone}])
    ).item
    assert len(item["geometry"]["coordinates"]) == 2


def test_a_rectangle_may_cross_the_antimeridian():
    sides = {"West": 170, "South": -10, "East": -170, "North": 10}
    box = {f"{side}BoundingCoordinate": value for side, value in sides.items()}
    item = take("cmr", drawn(BoundingRectangles=[box])).item
    assert item["geometry"]["type"] == "MultiPolygon"
    assert {abs(x) for part in item["geometry"]["coordinates"] for x, _ in part[0]} == {170, 180}


@pytest.mark.parametrize(
    ("geometry", "kind"),
    [
        ({"Points": [{"Longitude": 1, "Latitude": 2}]}, "Point"),
        ({"Points": [{"Longitude": 1, "Latitude": 2}, {"Longitude": 3, "Latitude": 4}]}, "MultiPoint"),
        ({"Lines": [ring((1, 2), (3, 4))]}, "LineString"),
    ],
)
def test_points_and_lines(geometry: Any, kind: Any):
    assert take("cmr", drawn(**geometry)).item["geometry"]["type"] == kind


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        ({}, "no-geometry"),
        ({"GPolygons": [{"Boundary": ring((0, 0), (1, 1))}]}, "bad-geometry"),
        ({"GPolygons": [{"Boundary": {"Points": [{"Longitude": "x", "Latitude": 1}] * 4}}]}, "bad-geometry"),
        ({"GPolygons": {"Boundary": 5}}, "bad-structure"),
        ({"BoundingRectangles": [{"WestBoundingCoordinate": 1}]}, "bad-geometry"),
    ],
)
def test_no_footprint(geometry: Any, code: Any):
    assert take("cmr", drawn(**geometry)).codes == [code]


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"GranuleUR": ""}, "bad-id"),
        ({"CollectionReference": {"EntryTitle": "MODIS/Terra Something"}}, "unknown-collection"),
        ({"TemporalExtent": ...}, "no-datetime"),
        (
            {"TemporalExtent": {"RangeDateTime": {"BeginningDateTime": "2009-01-01T00:00:00Z"}}},
            "reversed-times",
        ),
        ({"TemporalExtent": {"RangeDateTime": {"BeginningDateTime": "yesterday"}}}, "bad-datetime"),
        ({"Platforms": "ALOS"}, "bad-structure"),
        ({"RelatedUrls": {}}, "bad-structure"),
    ],
)
def test_refused(changes: Any, code: Any):
    assert take("cmr", cmr_page([asf_palsar(), asf_palsar("other-L1.1", umm=changes)])).codes == [code]


def test_an_old_name_without_a_file_name_is_refused():
    assert take("cmr", aster(umm={"DataGranule": {"Identifiers": []}})).codes == ["bad-id"]


@pytest.mark.parametrize(
    "document", [None, [], {}, 5, {"items": 3}, avnir_2(), {"type": "FeatureCollection", "features": []}]
)
def test_a_document_of_another_upstream_is_refused_in_one_line(document: Any):
    with pytest.raises(UpstreamChanged, match=r"^test 0 is no answer of CMR") as raised:
        take("cmr", document)
    assert "\n" not in str(raised.value)


def test_an_empty_page_is_a_page():
    assert take("cmr", cmr_page([])).items == []


# -- asking ---------------------------------------------------------------------------------------


def test_conditions():
    window = Window(parse_time("2020-01-01"), parse_time("2020-02-01"))
    assert cmr.conditions(Selection(window=window, bbox=(170, -10, -170, 10))) == {
        "temporal": "2020-01-01T00:00:00Z,2020-02-01T00:00:00Z",
        "bounding_box": "170,-10,-170,10",
    }
    assert cmr.conditions(Selection(window=Window(end=window.end))) == {"temporal": ",2020-02-01T00:00:00Z"}
    assert cmr.conditions(Selection()) == {}


@pytest.mark.parametrize(
    ("algorithm", "value", "expected"),
    [
        ("MD5", "0" * 32, "d50110" + "0" * 32),
        ("SHA-256", "a" * 64, "1220" + "a" * 64),
        ("SHA512", "A" * 128, "1340" + "a" * 128),
        ("CKSUM", "12345", None),
        ("MD5", "0" * 31, None),
        (None, None, None),
    ],
)
def test_checksums(algorithm: Any, value: Any, expected: Any):
    assert multihash(algorithm, value) == expected
