"""`kakehashi ingest --from-file`: recorded answers of any form."""

from pathlib import Path
from typing import Any

import pytest

from tests.replay.run import Catalogue, Runner, file_of
from tests.unit.documents import (
    CDSE,
    item_collection,
    merged,
    palsar_2,
    record_collection,
    sentinel_2,
)

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]


_OTHERS = [
    ("cdse", record_collection([palsar_2()]), "no", "CDSE"),
    ("cdse", palsar_2(), "another catalogue", "CDSE"),
    ("gportal", item_collection([sentinel_2()]), "no answer of G-Portal", ""),
    ("gportal", sentinel_2(), "no answer of G-Portal", ""),
    ("cdse", "this is no JSON", "is no JSON", ""),
    ("gportal", "<html>", "is no JSON", ""),
    ("cdse", "", "is no JSON", ""),
    ("cdse", [palsar_2()], "CDSE", ""),
    ("gportal", [sentinel_2()], "no answer of G-Portal", ""),
    ("cdse", 5, "CDSE", ""),
    ("gportal", 5, "G-Portal", ""),
    ("gportal", None, "G-Portal", ""),
    ("cdse", '{"type": "FeatureCollection", "features": [{', "is no JSON", ""),
    ("cdse", "[" * 100_000, "is no JSON", ""),
]


@pytest.mark.parametrize(("source", "document", "first", "second"), _OTHERS)
def test_a_file_that_is_not_the_sources_is_one_clear_line(
    kakehashi: Runner, tmp_path: Path, source: str, document: Any, first: str, second: str
) -> None:
    file = file_of(tmp_path, document)
    outcome = kakehashi("ingest", source, "--dry-run", "--from-file", file)
    outcome.failed(file, first, second)
    assert outcome.stdout == ""


@pytest.mark.parametrize(("source", "records"), [("cdse", [sentinel_2()]), ("gportal", [palsar_2()])])
def test_a_bare_list_of_records_is_read(
    kakehashi: Runner, tmp_path: Path, source: str, records: list[Any]
) -> None:
    outcome = kakehashi("ingest", source, "--dry-run", "--from-file", file_of(tmp_path, records))
    outcome.went_well()
    assert len(outcome.stdout.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_one_clear_line(kakehashi: Runner, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        kakehashi("ingest", "cdse", "--dry-run", "--from-file", str(path)).failed(str(path), "cannot be read")


def test_one_bad_file_of_several_stops_before_anything_is_loaded(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    good, bad = file_of(tmp_path, item_collection(_SCENES)), file_of(tmp_path, palsar_2(), "bad.json")
    outcome = kakehashi("ingest", "cdse", "--from-file", good, "--from-file", bad, database_url=catalogue.url)
    outcome.failed(bad)
    assert catalogue.items() == {}
    assert catalogue.runs() == []


def test_descriptions_of_collections_are_taken_too(kakehashi: Runner, tmp_path: Path) -> None:
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "clms_ndvi_global_300m_10daily_v3_cog",
        "description": "NDVI",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -60, 180, 80]]},
            "temporal": {"interval": [["2020-07-01T00:00:00Z", None]]},
        },
        "links": [{"rel": "self", "href": f"{CDSE}/collections/clms_ndvi_global_300m_10daily_v3_cog"}],
    }
    file = file_of(tmp_path, {"collections": [collection, merged(collection, {"id": "ccm-sar"})]})
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome.went_well()
    (written,) = outcome.items
    assert written["id"] == "clms_ndvi_global_300m_10daily_v3_cog"
    assert "1 collection," in outcome.stderr
    assert "refused, restricted: 1" in outcome.stderr
