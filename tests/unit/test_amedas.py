"""AMeDAS: files of observations become items at their stations."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from ingest.recorded import read_pages
from ingest.sources import make_source
from ingest.sources.amedas_observations import moment, next_step, slot
from tests.unit.documents import definitions
from tests.unit.documents_japan import observation, palsar_2_scene, scenes, station_file, station_table
from tests.unit.source_checks import check_golden, take

POINT = "https://www.jma.go.jp/bosai/amedas/data/point/44132/20260612_00.json"
MAP = "https://www.jma.go.jp/bosai/amedas/data/map/20260612103000.json"


def take_file(document: Any, origin: Any = POINT, table: Any = None):
    return take("amedas", table or station_table(), document, origins=("amedastable.json", origin))


def test_golden_station_file():
    check_golden("amedas/station-file", take_file(station_file()).item)


def test_golden_map():
    stations = {"44132": observation(), "82182": {"precipitation10m": [0.5, 0]}}
    check_golden("amedas/map", take_file(stations, MAP).item)


def test_the_day_in_japan_starts_the_day_before_in_utc():
    item = take_file(station_file()).item
    assert item["id"] == "amedas-44132-20260612T00"
    assert item["properties"]["start_datetime"] == "2026-06-11T15:00:00Z"
    assert item["properties"]["end_datetime"] == "2026-06-11T15:20:00Z"
    assert item["properties"]["datetime"] is None


def test_a_position_is_read_in_degrees_and_minutes():
    item = take_file(station_file()).item
    assert item["geometry"] == {"type": "Point", "coordinates": [139.75, 35.691667]}


def test_names_in_three_writings():
    properties = take_file(station_file()).item["properties"]
    assert properties["amedas:name_en"] == "Tokyo"
    assert properties["amedas:name_ja"] == "東京"
    assert properties["amedas:name_kana"] == "トウキョウ"
    assert properties["title"] == "AMeDAS Tokyo 東京, 2026-06-12 00:00 to 00:20 JST"


def test_what_was_not_observed_is_a_column_without_values():
    item = take_file(station_file()).item
    names = [column["name"] for column in item["assets"]["data"]["table:columns"]]
    assert {"snow", "snow1h"} < set(names)
    assert item["properties"]["amedas:variables"] == [
        "temp",
        "precipitation10m",
        "windDirection",
        "wind",
        "maxTemp",
    ]
    assert item["assets"]["data"]["table:row_count"] == 3


def test_a_name_of_a_recorded_file_serves_as_well_as_an_address():
    item = take_file({"20260612180000": observation()}, "recorded/point_44132_20260612_18_excerpt.json").item
    assert item["id"] == "amedas-44132-20260612T18"
    assert item["assets"]["data"]["href"].endswith("/data/point/44132/20260612_18.json")


def test_without_a_name_the_observations_say_which_station_and_slot():
    item = take_file({"20260612175000": observation()}, "answer.json").item
    assert item["id"] == "amedas-44132-20260612T15"


def test_a_time_outside_of_the_files_slot_is_not_bent():
    """The recorded excerpt named `…_18` holds an observation of 12:00."""
    item = take_file({"20260612120000": observation()}, "point_44132_20260612_18.json").item
    assert item["id"] == "amedas-44132-20260612T18"
    assert item["properties"]["datetime"] == "2026-06-12T03:00:00Z"
    assert "12:00 JST" in item["properties"]["title"]


def test_a_map_is_one_item_with_the_places_of_its_stations():
    stations = {"44132": observation(), "82182": {"precipitation10m": [0.5, 0]}, "99999": {"temp": [1, 0]}}
    item = take_file(stations, MAP).item
    assert item["id"] == "amedas-map-20260612T1030"
    assert item["collection"] == "jma-amedas-map"
    assert item["geometry"] == {
        "type": "MultiPoint",
        "coordinates": [[139.75, 35.691667], [130.376667, 33.581667]],
    }
    assert item["properties"]["amedas:stations"] == 3
    assert item["properties"]["amedas:stations_without_position"] == 1


def test_the_table_is_the_collection_with_its_extent():
    taken = take("amedas", station_table())
    assert taken.items == []
    [collection] = taken.collections
    assert collection["id"] == "jma-amedas"
    assert collection["extent"]["spatial"]["bbox"] == [[130.376667, 24.288333, 153.983333, 35.691667]]
    assert collection["amedas:stations"] == 3


def test_stations_without_a_readable_position_are_none():
    table = station_table(**{"44132": {"lat": [35, 75]}, "82182": {"lon": "130"}})
    assert take("amedas", table).collections[0]["amedas:stations"] == 1
    nowhere = {"44132": {"lat": None, "lon": None}}
    assert take("amedas", nowhere).codes == ["no-stations"]


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "origin", "code"),
    [
        ({"20260612120000": observation(82, 182)}, POINT, "contradiction"),
        ({"20260612120000": observation(99, 1)}, "answer.json", "unknown-station"),
        ({"20260612120000": observation(prefNumber=...)}, "answer.json", "no-station"),
        ({"20261332120000": observation()}, POINT, "bad-datetime"),
        ({"44132": observation()}, "map_44132_2026-06.json", "no-datetime"),
        ({"44132": observation()}, "map/20261332120000.json", "bad-datetime"),
        ({"99999": observation()}, MAP, "unknown-station"),
    ],
)
def test_refused(document: Any, origin: Any, code: Any):
    assert take_file(document, origin).codes == [code]


def test_without_the_table_a_file_has_no_place():
    [(code, reason)] = take("amedas", station_file(), origins=(POINT,)).refused
    assert code == "unknown-station"
    assert "amedastable.json" in reason


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"44132": 5},
        {"44132": {}},
        {"11001": {"lat_deg": 45.0, "name": "宗谷岬"}},
        scenes([palsar_2_scene()]),
    ],
)
def test_a_document_of_another_upstream_is_refused_in_one_line(document: Any):
    with pytest.raises(UpstreamChanged, match=r"^test 0 is no file of AMeDAS") as raised:
        take("amedas", document)
    assert "\n" not in str(raised.value)


def test_an_observation_that_is_none_leaves_the_others():
    taken = take_file({"20260612000000": observation(), "20260612001000": None})
    assert taken.item["assets"]["data"]["table:row_count"] == 1


# -- files ----------------------------------------------------------------------------------------


def test_a_table_beside_a_file_is_read_too(tmp_path: Path):
    file = tmp_path / "44132_20260612_00.json"
    file.write_text(json.dumps(station_file()))
    (tmp_path / "amedastable.json").write_text(json.dumps(station_table()))
    source = make_source("amedas", definitions())
    [page] = read_pages(source, [file])
    taken = take("amedas", page.document, origins=(page.origin,), source=source)
    assert taken.item["id"] == "amedas-44132-20260612T00"


def test_the_table_may_be_given_after_the_file(tmp_path: Path):
    file, table = tmp_path / "a" / "44132_20260612_00.json", tmp_path / "b" / "stations.json"
    for path, document in ((file, station_file()), (table, station_table())):
        path.parent.mkdir()
        path.write_text(json.dumps(document))
    source = make_source("amedas", definitions())
    pages = read_pages(source, [file, table])
    assert len(pages) == 2
    taken = take("amedas", pages[0].document, origins=(pages[0].origin,), source=source)
    assert taken.item["id"] == "amedas-44132-20260612T00"


# -- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "start", "following"),
    [
        ("20260612000000", "20260612_00", "202606120000"),
        ("20260612025959", "20260612_00", "202606120300"),
        ("20260612235500", "20260612_21", "202606130000"),
    ],
)
def test_slots_and_steps(digits: Any, start: Any, following: Any):
    assert f"{slot(moment(digits)):%Y%m%d_%H}" == start
    assert f"{next_step(moment(digits)):%Y%m%d%H%M}" == following
