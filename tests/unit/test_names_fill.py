"""What a name adds to an item: what is absent, never what the catalogue says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.validation import Validator
from ingest.normalize import normalize
from tests.unit.documents import definitions

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_SCHEMAS = "https://stac-extensions.github.io/"


def _normal(identifier: str, properties: dict[str, Any], extensions: tuple[str, ...] = ()) -> Any:
    item = {
        "id": identifier,
        "collection": "any",
        "geometry": {"type": "Point", "coordinates": [139.7, 35.7]},
        "properties": {"datetime": "2024-01-15T00:00:00Z", **properties},
        "stac_extensions": [f"{_SCHEMAS}{extension}/schema.json" for extension in extensions],
    }
    normal = normalize(item, source="test", vocabulary=definitions().vocabulary, now=_NOW)
    Validator().check_item(normal)
    return normal


def test_a_bare_sentinel_1_slice_gets_what_its_name_says() -> None:
    item = _normal("S1A_S3_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8_COG", {})
    said = {
        name: value for name, value in item["properties"].items() if not name.startswith(("harvest", "date"))
    }
    assert said == {
        "platform": "sentinel-1a",
        "constellation": "sentinel-1",
        "instruments": ["sar"],
        "product:type": "S3_GRDH_1S",
        "processing:level": "L1",
        "sat:absolute_orbit": 39156,
        "sat:relative_orbit": 59,
        # The six beams of the stripmap mode are one mode in the vocabulary.
        "sar:instrument_mode": "SM",
        "sar:polarizations": ["VV", "VH"],
        # A fact of the instrument.
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
    }
    assert item["stac_extensions"] == [
        f"{_SCHEMAS}{extension}/schema.json"
        for extension in ("processing/v1.2.0", "product/v1.0.0", "sar/v1.3.0", "sat/v1.1.0")
    ]


def test_what_the_catalogue_says_stays() -> None:
    # Sentinel-3 names the pass, the catalogue the orbit in which the measurement starts.
    name = "S3A_SR_2_LAN_HY_20160301T101136_20160301T102019_20230907T180131_0522_001_222______LN3_R_NT_005"
    item = _normal(name, {"sat:relative_orbit": 221, "processing:level": "L2P"}, ("sat/v1.0.0",))
    assert item["properties"]["sat:relative_orbit"] == 221
    assert item["properties"]["processing:level"] == "l2p"
    assert item["properties"]["platform"] == "sentinel-3a"
    # The version of an extension that is declared already is kept.
    assert f"{_SCHEMAS}sat/v1.0.0/schema.json" in item["stac_extensions"]
    assert f"{_SCHEMAS}sat/v1.1.0/schema.json" not in item["stac_extensions"]


def test_a_name_of_another_platform_adds_nothing() -> None:
    item = _normal("ALOS2437590500-220630_WWDR2.2GUA", {"platform": "ALOS-4"})
    assert item["properties"]["platform"] == "alos-4"
    assert "instruments" not in item["properties"]
    assert item["stac_extensions"] == []


@pytest.mark.parametrize("platform", [["gpm"], {"name": "gpm"}, 5])
def test_a_platform_of_the_wrong_type_is_not_overwritten(platform: Any) -> None:
    item = {
        "id": "ALPSRP111041130",
        "collection": "any",
        "geometry": {"type": "Point", "coordinates": [0, 0]},
        "properties": {"datetime": "2024-01-15T00:00:00Z", "platform": platform},
    }
    normal = normalize(item, source="test", vocabulary=definitions().vocabulary, now=_NOW)
    assert normal["properties"]["platform"] == platform


def test_merged_precipitation_has_no_platform() -> None:
    item = _normal("GPMMRG_MAP_0003010000_H_L3S_MCH_03F", {"instruments": ["gmi"]})
    assert "platform" not in item["properties"]
    assert item["properties"]["product:type"] == "MCH"
    assert item["properties"]["processing:version"] == "03F"
    assert item["properties"]["instruments"] == ["gmi"]


def test_a_tile_gets_its_grid_and_a_scene_its_orbit() -> None:
    assert _normal("GC1SG1_20240409D01D_T0528_L2SG_RSRFQ_3002", {})["properties"]["grid:code"] == "SGLI-T0528"
    scene = _normal("ALPSRS279162600", {})["properties"]
    assert (scene["platform"], scene["instruments"], scene["sat:absolute_orbit"]) == (
        "alos",
        ["palsar"],
        27916,
    )
    assert "processing:level" not in scene


def test_an_id_that_is_no_name_changes_nothing() -> None:
    item = _normal("some-item", {})
    assert set(item["properties"]) == {"datetime", "harvest:source", "harvest:time"}
    assert item["stac_extensions"] == []
