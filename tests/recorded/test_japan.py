"""Every recorded document of Tellus, of NASA's CMR and of AMeDAS, as `--from-file` reads them."""

from pathlib import Path

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged
from ingest.recorded import read_pages
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.source_checks import Taken, take


def read(name: str, *files: Path) -> Taken:
    source = make_source(name, definitions())
    pages = read_pages(source, files)
    return take(
        name, *(page.document for page in pages), origins=tuple(page.origin for page in pages), source=source
    )


@pytest.fixture(scope="module")
def japan(shared: Path) -> Path:
    return shared / "samples" / "japan"


# -- CMR ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "items"),
    [
        ("ALOS_2.json", {"ALOS2478123150-230331-WBDR1.1__D": "alos-2-palsar-2-l1-1-asf"}),
        ("Alos_response.json", {"ALPSRP111041130-L1.0": "alos-palsar-l1-0"}),
        (
            "Alos_response_maxResults3.json",
            {
                "ALPSRS279162650-L1.0": "alos-palsar-l1-0",
                "ALPSRS279162650-L1.5": "alos-palsar-l1-5",
                "ALPSRS279162600-L1.0": "alos-palsar-l1-0",
            },
        ),
        ("JERS.json", {"J1_36421_STD_F307-L1": "jers-1-sar-l1-asf"}),
    ],
)
def test_cmr(japan: Path, file: str, items: dict[str, str]) -> None:
    taken = read("cmr", japan / "asf_cmr" / file)
    assert {item["id"]: item["collection"] for item in taken.items} == items
    assert taken.refused == []
    assert taken.unknown == {}
    for item in taken.items:
        assert item["properties"]["sar:frequency_band"] == "L"
        assert item["assets"]["data"]["file:size"] > 1_000_000
        assert item["assets"]["data"]["auth:refs"] == ["earthdata"]


def test_every_recorded_result_of_cmr_is_read(japan: Path) -> None:
    assert {file.name for file in (japan / "asf_cmr").iterdir()} == {
        "ALOS_2.json",
        "Alos_response.json",
        "Alos_response_maxResults3.json",
        "JERS.json",
    }


def test_scansar_in_five_scans_keeps_what_it_is(japan: Path) -> None:
    taken = read("cmr", japan / "asf_cmr" / "Alos_response_maxResults3.json")
    assert {item["properties"]["cmr:polarization"] for item in taken.items} == {"HH 5scan"}
    assert all(item["properties"]["sar:polarizations"] == ["HH"] for item in taken.items)
    assert all(item["properties"]["sar:instrument_mode"] == "WB1" for item in taken.items)


@pytest.mark.parametrize(
    "file",
    [
        "aster/item_AST_L1T_00305032000040446_20150409135350_78838.json",
        "planetary_computer/item_AST_L1T_00301062001031139_20150414031232.json",
        "tellus/scene_ALAV2A277442870.json",
        "amedas/amedastable.json",
    ],
)
def test_documents_of_others_are_none_of_cmr(japan: Path, file: str) -> None:
    with pytest.raises(UpstreamChanged, match="is no answer of CMR"):
        read("cmr", japan / file)


def test_metadata_files_of_aster_are_no_answer_of_cmr(japan: Path) -> None:
    for file in sorted((japan / "aster").glob("*.xml")):
        with pytest.raises(ConfigurationError, match="is no JSON"):
            read("cmr", file)


# -- Tellus ---------------------------------------------------------------------------------------


def test_tellus_scene(japan: Path) -> None:
    taken = read("tellus", japan / "tellus" / "scene_ALAV2A277442870.json")
    assert taken.item["id"] == "87c64a3f-0ec0-429a-b3e9-4c528cdc245c"
    assert taken.item["collection"] == "alos-avnir-2-l1b1-tellus"
    assert taken.item["properties"]["datetime"] == "2011-04-10T01:27:23.348878Z"
    assert taken.item["properties"]["processing:level"] == "L1B"
    assert taken.unknown == {}


@pytest.mark.parametrize(
    ("file", "collection", "network"),
    [
        ("dataset_AVNIR-2_1B1.json", "alos-avnir-2-l1b1-tellus", "global"),
        ("dataset_PALSAR-2_L1.1.json", "alos-2-palsar-2-l1-1-tellus", "tellus"),
    ],
)
def test_tellus_data_sets(japan: Path, file: str, collection: str, network: str) -> None:
    [described] = read("tellus", japan / "tellus" / file).collections
    assert described["id"] == collection
    assert described["tellus:network"] == network
    assert described["tellus:free"] is True


def test_tellus_scene_with_its_data_set(japan: Path) -> None:
    taken = read(
        "tellus",
        japan / "tellus" / "scene_ALAV2A277442870.json",
        japan / "tellus" / "dataset_AVNIR-2_1B1.json",
    )
    assert taken.item["properties"]["tellus:free"] is True
    assert taken.item["properties"]["tellus:copyright"] == "©JAXA"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("files_ALAV2A277442870.json", "is a list of files, which says not of which scene"),
        ("thumbnails_ALAV2A277442870.json", "is a list of files, which says not of which scene"),
        ("search_request_examples.json", "is no answer of Tellus: it is no JSON object"),
    ],
)
def test_what_of_tellus_is_no_record(japan: Path, file: str, reason: str) -> None:
    with pytest.raises(UpstreamChanged, match=reason):
        read("tellus", japan / "tellus" / file)


# -- AMeDAS ---------------------------------------------------------------------------------------


def test_amedas_station_table(japan: Path) -> None:
    [collection] = read("amedas", japan / "amedas" / "amedastable.json").collections
    assert collection["amedas:stations"] == 1286
    assert collection["extent"]["spatial"]["bbox"] == [[122.978333, 24.055, 153.983333, 45.52]]


def test_amedas_station_file(japan: Path) -> None:
    """The table lies beside it and is read too."""
    item = read("amedas", japan / "amedas" / "point_44132_20250612_18_excerpt.json").item
    assert item["id"] == "amedas-44132-20250612T18"
    assert item["geometry"]["coordinates"] == [139.75, 35.691667]
    assert item["properties"]["datetime"] == "2025-06-12T03:00:00Z"
    assert "snow" not in item["properties"]["amedas:variables"]


def test_amedas_map(japan: Path) -> None:
    item = read("amedas", japan / "amedas" / "map_44132_20260919123000.json").item
    assert item["id"] == "amedas-map-20260919T1230"
    assert item["properties"]["datetime"] == "2026-09-19T03:30:00Z"


def test_amedas_map_without_a_time(japan: Path) -> None:
    taken = read("amedas", japan / "amedas" / "map_11001_2026-01.json")
    assert taken.codes == ["no-datetime"]
    assert taken.items == []


def test_what_of_amedas_is_not_jmas(japan: Path) -> None:
    with pytest.raises(UpstreamChanged, match="is no file of AMeDAS"):
        read("amedas", japan / "amedas" / "amedas_meta_20260326.json")
    for file in sorted((japan / "amedas").glob("*.csv")):
        with pytest.raises(ConfigurationError, match="is no JSON"):
            read("amedas", file)
