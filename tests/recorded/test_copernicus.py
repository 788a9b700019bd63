"""Every recorded document of EUMETSAT, ECMWF's stores and Copernicus Marine, read as `--from-file` reads it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import RecordRefused, UpstreamChanged
from ingest.recorded import read_pages
from ingest.sources import SOURCES, make_source
from tests.unit.copernicus_golden import taken
from tests.unit.documents import definitions

# Items, collections, and records refused by reason.
COUNTS: dict[tuple[str, str], tuple[int, int, dict[str, int]]] = {
    ("eumetsat", "search_msg_hrseviri.pytroll.json"): (1, 0, {}),
    ("eumetsat", "search_s3_olci_l2_wfr.pytroll.json"): (5, 0, {}),
    ("eumetsat", "mqtt_notifications_wnm1.eumdac.json"): (2, 0, {}),
    ("eumetsat", "mqtt_notifications.eumdac.json"): (0, 0, {"unknown-collection": 2}),
    ("cds", "catalogue_collections_cds.json"): (0, 136, {}),
    ("cds", "catalogue_collections_ewds.json"): (0, 12, {}),
    ("cmems", "catalog_excerpt.json"): (0, 0, {}),
    ("cmems", "client_config.json"): (0, 0, {}),
    ("cmems", "dataset_cmems_mod_glo_phy-cur_anfc_0.083deg_P1D-m_202211.json"): (1, 0, {}),
    ("cmems", "dataset_glo_phy_so.json"): (1, 0, {}),
    ("cmems", "dataset_nwshelf_P1D-m_202012.json"): (1, 0, {}),
    ("cmems", "product_GLOBAL_ANALYSISFORECAST_PHY_001_024.json"): (0, 1, {}),
    ("cmems", "product_NWSHELF_MULTIYEAR_BGC_004_011.json"): (0, 1, {}),
}
# Made by clients for themselves, in no form of the upstream's.
NOT_THE_UPSTREAMS = [
    ("eumetsat", "collections_index.eodag.json"),
    ("cds", "eodag_constraints.json"),
    ("cds", "eodag_form.json"),
    ("cmems", "collections_index.eodag.json"),
]


def _read(shared: Path, source: str, name: str) -> Any:
    file = shared / "samples" / "copernicus" / source / name
    (page,) = read_pages(make_source(source, definitions()), [file])
    return page.document


@pytest.mark.parametrize(("source", "name"), COUNTS)
def test_a_recorded_document_is_taken(shared: Path, source: str, name: str):
    made = taken(source, _read(shared, source, name))
    refused = Counter(one.code for one in made if isinstance(one, RecordRefused))
    kinds = Counter(one["type"] for one in made if not isinstance(one, RecordRefused))
    items, collections, reasons = COUNTS[source, name]
    assert (kinds["Feature"], kinds["Collection"], dict(refused)) == (items, collections, reasons)


@pytest.mark.parametrize(("source", "name"), NOT_THE_UPSTREAMS)
def test_what_is_no_answer_is_refused_in_one_line(shared: Path, source: str, name: str):
    with pytest.raises(UpstreamChanged, match=f"{name} is no") as error:
        _read(shared, source, name)
    assert "\n" not in str(error.value)


def test_every_recorded_document_is_accounted_for(shared: Path):
    known = {*COUNTS, *NOT_THE_UPSTREAMS}
    there = {
        (folder, file.name)
        for folder in ("eumetsat", "cds", "cmems")
        for file in (shared / "samples" / "copernicus" / folder).iterdir()
    }
    assert there == known


@pytest.mark.parametrize("other", sorted(SOURCES))
@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("eumetsat", "search_s3_olci_l2_wfr.pytroll.json"),
        ("cds", "catalogue_collections_cds.json"),
        ("cmems", "product_NWSHELF_MULTIYEAR_BGC_004_011.json"),
        ("cmems", "dataset_glo_phy_so.json"),
    ],
)
def test_the_file_of_one_source_is_refused_by_the_others(shared: Path, source: str, name: str, other: str):
    if other == source:
        assert _read(shared, source, name)
        return
    file = shared / "samples" / "copernicus" / source / name
    with pytest.raises(UpstreamChanged):
        read_pages(make_source(other, definitions()), [file])


def test_extents_of_all_data_sets_are_within_180_degrees(shared: Path):
    for name in ("catalogue_collections_cds.json", "catalogue_collections_ewds.json"):
        for collection in taken("cds", _read(shared, "cds", name)):
            for west, south, east, north in collection["extent"]["spatial"]["bbox"]:
                assert -180 <= west < east <= 180, collection["id"]
                assert -90 <= south < north <= 90


def test_most_data_sets_have_a_japanese_title(shared: Path):
    glossary = definitions().glossary
    made = taken("cds", _read(shared, "cds", "catalogue_collections_cds.json"))
    translated = [one for one in made if glossary.translation(one)["title"] != one["title"]]
    assert len(translated) > 0.9 * len(made)
    assert all(glossary.keywords(one) for one in made)


def test_no_value_of_the_recorded_products_is_unknown(shared: Path):
    vocabulary = definitions().vocabulary
    before = dict(vocabulary.unknown)
    for source, name in COUNTS:
        if source == "eumetsat":
            taken(source, _read(shared, source, name))
    assert dict(vocabulary.unknown) == before
