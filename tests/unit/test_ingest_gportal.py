"""G-Portal: what is recognised, how its texts become fields, and what is left out."""

from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from ingest.contract import Page
from tests.unit.documents import amsr2, item_collection, merged, palsar_2, record_collection, sentinel_2, sgli
from tests.unit.harvested import harvested, refused, source


def _properties(native: Any) -> dict[str, Any]:
    return harvested("gportal", native)[0]["properties"]


@pytest.mark.parametrize(
    "document",
    [
        5,
        "text",
        None,
        [],
        [palsar_2()],
        {},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": 5},
        {"features": [palsar_2()]},
        sentinel_2(),
        item_collection([sentinel_2()]),
        record_collection([5, None]),
    ],
)
def test_what_is_not_gportals_is_named(document: Any) -> None:
    with pytest.raises(UpstreamChanged) as error:
        list(source("gportal").records(Page(document, "file.json")))
    assert str(error.value).startswith("file.json is no answer of G-Portal")


def test_an_answer_and_one_feature_of_it_are_accepted() -> None:
    assert len(harvested("gportal", record_collection([palsar_2("a"), sgli("b")]))) == 2
    assert harvested("gportal", amsr2("c"))[0]["id"] == "c"
    assert harvested("gportal", record_collection([])) == []


@pytest.mark.parametrize(
    ("native", "code"),
    [
        (palsar_2(properties={"gpp": {"datasetId": "28001000"}}), "foreign"),
        (palsar_2(properties={"gpp": {"datasetId": 29001000}}), "foreign"),
        (palsar_2(properties={"gpp": {"datasetId": "99999999"}}), "unknown-collection"),
        (palsar_2(geometry=None, properties={"multiExtentOf": ""}), "no-geometry"),
        (palsar_2(geometry=None, properties={"multiExtentOf": "1 2 3"}), "bad-geometry"),
        (palsar_2(geometry={"type": "Polygon", "coordinates": []}), "bad-geometry"),
        (
            palsar_2(properties={"beginPosition": "", "endPosition": "", "gpp": {"sceneCenterTime": ""}}),
            "no-datetime",
        ),
        (palsar_2(properties={"beginPosition": "yesterday"}), "bad-datetime"),
        (palsar_2(properties={"beginPosition": "2014-08-15T20:00:00Z"}), "reversed-times"),
    ],
)
def test_a_record_that_is_wrong_is_refused(native: Any, code: str) -> None:
    error = refused("gportal", native)
    assert error.code == code
    if code in {"foreign", "unknown-collection"}:
        assert str(native["properties"]["gpp"]["datasetId"]) in error.reason


def test_records_without_an_identity_are_refused_beside_others() -> None:
    for changes, code in (({"identifier": ""}, "bad-id"), ({"gpp": {"datasetId": ""}}, "no-collection")):
        with pytest.raises(Exception, match=code):
            harvested("gportal", record_collection([palsar_2(), palsar_2(properties=changes)]))


@pytest.mark.parametrize("null", [None, "", "null member"])
def test_without_a_drawn_footprint_the_listed_one_counts(null: Any) -> None:
    native = merged(palsar_2(), {"geometry": ... if null == "null member" else null})
    assert harvested("gportal", native)[0]["geometry"] == harvested("gportal", palsar_2())[0]["geometry"]


def test_a_clockwise_ring_is_turned() -> None:
    (item,) = harvested("gportal", palsar_2())
    assert list(item["geometry"]["coordinates"][0]) == [
        (138.0, 36.0),
        (137.5, 32.8),
        (140.9, 32.2),
        (141.5, 35.4),
        (138.0, 36.0),
    ]
    assert item["bbox"] == [137.5, 32.2, 141.5, 36.0]


def test_a_half_orbit_is_cut_at_the_antimeridian() -> None:
    (item,) = harvested("gportal", amsr2())
    assert item["geometry"]["type"] == "MultiPolygon"
    assert item["bbox"] == [-180, -86, 180, 89]
    corners = {tuple(xy) for part in item["geometry"]["coordinates"] for xy in part[0]}
    assert {(-177.0, 84.0), (139.0, 86.0), (113.0, 89.0), (175.0, 87.0), (-179.0, 85.5)} <= corners


def test_a_global_product_without_a_footprint_covers_its_collection() -> None:
    native = palsar_2(
        geometry=None,
        properties={
            "platformShortName": "GPM",
            "instrumentShortName": "",
            "multiExtentOf": "",
            "orbitNumber": "",
            "gpp": {"datasetId": "14003000"},
        },
    )
    (item,) = harvested("gportal", native)
    assert item["bbox"][0] == -180
    assert item["bbox"][2] == 180


@pytest.mark.parametrize(
    ("native", "expected"),
    [("0", 0), ("70", 70), ("100", 100), (70, 70), ("", None), ("101", None), ("-1", None)],
)
def test_cloud_cover_is_a_percentage(native: Any, expected: Any) -> None:
    assert (
        _properties(sgli(properties={"gpp": {"cloudCoverPercentage": native}})).get("eo:cloud_cover")
        == expected
    )


@pytest.mark.parametrize(("native", "expected"), [("250m", 250), ("1km", 1000), ("", None), ("0.1deg", None)])
def test_resolution_is_metres(native: str, expected: Any) -> None:
    assert _properties(sgli(properties={"gpp": {"Resolution": native}})).get("gsd") == expected


def test_the_orbit_number_of_sgli_is_a_path_and_of_others_an_orbit() -> None:
    of_sgli = _properties(sgli(properties={"orbitNumber": "47"}))
    assert of_sgli["sat:relative_orbit"] == 47
    assert "sat:absolute_orbit" not in of_sgli
    of_palsar = _properties(palsar_2())
    assert of_palsar["sat:relative_orbit"] == 161
    assert of_palsar["gportal:orbit_number"] == 1237


@pytest.mark.parametrize(
    ("name", "href"),
    [
        (
            "product.gportal.jaxa.jp:/products/Standard/A/b.h5",
            "sftp://sftp.gportal.jaxa.jp/product/Standard/A/b.h5",
        ),
        (
            "https://gportal.jaxa.jp/download/standard/A/b.h5",
            "https://gportal.jaxa.jp/download/standard/A/b.h5",
        ),
    ],
)
@pytest.mark.parametrize(
    ("has", "offered"), [("true", True), (True, True), ("false", False), (False, False), ("", True)]
)
def test_a_product_is_an_asset_where_there_is_one(name: str, href: str, has: Any, offered: bool) -> None:
    native = sgli(properties={"product": {"fileName": name}, "gpp": {"hasProduct": has}})
    assets = harvested("gportal", native)[0]["assets"]
    assert ("data" in assets) is offered
    if offered:
        assert assets["data"]["href"] == href
        assert assets["data"]["file:size"] == 97517568


@pytest.mark.parametrize(
    "browse", [None, "", 5, [], {}, [5], [{"type": "QUICKLOOK"}], {"type": "x", "fileName": "y"}]
)
def test_a_browse_list_that_is_none_gives_no_asset(browse: Any) -> None:
    assert list(harvested("gportal", sgli(properties={"browse": browse}))[0]["assets"]) == ["data"]


def test_one_browse_image_need_not_be_in_a_list() -> None:
    browse = {"type": "QUICKLOOK", "fileName": "https://gportal.jaxa.jp/q.jpg"}
    assets = harvested("gportal", sgli(properties={"browse": browse}))[0]["assets"]
    assert assets["overview"]["href"] == "https://gportal.jaxa.jp/q.jpg"


def test_nothing_empty_is_left() -> None:
    for native in (palsar_2(), sgli(), amsr2()):
        for name, value in _properties(native).items():
            assert value not in ("", "-", [], {}), name
            assert value is not None or name == "datetime", name


def test_sun_node_and_radar_mode_are_not_lost() -> None:
    node = {"ascendingNodeDate": "2024-01-01T01:13:46.699Z"}
    assert _properties(amsr2(properties=node))["sat:anx_datetime"] == "2024-01-01T01:13:46.699Z"
    sun = {"illuminationAzimuthAngle": "-170.5", "illuminationElevationAngle": "41.25"}
    properties = _properties(sgli(properties=sun))
    assert (properties["view:sun_azimuth"], properties["view:sun_elevation"]) == (189.5, 41.25)
    wrong = _properties(
        sgli(properties={"illuminationAzimuthAngle": "999", "illuminationElevationAngle": "-999"})
    )
    assert not {"view:sun_azimuth", "view:sun_elevation"} & wrong.keys()
    assert _properties(palsar_2())["sar:instrument_mode"] == "WBD"
    assert "sar:instrument_mode" not in _properties(palsar_2(properties={"operationalMode": "NOMINAL"}))
    assert "sar:instrument_mode" not in _properties(amsr2(properties={"operationalMode": "WBD"}))
