"""Recorded documents of CDSE's OData catalogue, as `--from-file` reads them."""

from collections import Counter
from pathlib import Path

import pytest

from catalog.errors import RecordRefused, UpstreamChanged
from ingest.harmonize import Harmonizer
from ingest.recorded import read_pages
from ingest.sources import make_source
from tests.unit.documents import definitions

# File → records, items by collection, refusals by code.
_EXPECTED = {
    "docs_example_attributes_locations_assets_1.json": (1, {"sentinel-1-slc": 1}, {}),
    "docs_example_attributes_locations_assets_2.json": (1, {"sentinel-1-slc": 1}, {}),
    "search_s1_aux_poeorb.sentineleof.json": (1, {}, {"auxiliary": 1}),
    "search_s1_aux_resorb.sentineleof.json": (1, {}, {"auxiliary": 1}),
    "search_s1_page_1.cdsetool.json": (10, {}, {"auxiliary": 10}),
    "search_s1_page_2.cdsetool.json": (10, {}, {"auxiliary": 10}),
    "search_s1_page_3.cdsetool.json": (10, {}, {"auxiliary": 10}),
    "search_s1_page_4.cdsetool.json": (10, {}, {"auxiliary": 10}),
    "search_s1_page_5.cdsetool.json": (7, {}, {"auxiliary": 7}),
    "search_s2_l1c.eodag.json": (2, {"sentinel-2-l1c": 2}, {}),
    "search_s2_l2a_page.eodm.json": (18, {"sentinel-2-l2a": 18}, {}),
}


@pytest.mark.parametrize("name", sorted(_EXPECTED))
def test_a_recorded_page(shared: Path, name: str) -> None:
    source = make_source("cdse", definitions())
    harmonizer = Harmonizer(source, definitions().vocabulary)
    file = shared / "samples" / "copernicus" / "cdse-odata" / name
    records, items, refused = 0, Counter[str](), Counter[str]()
    for page in read_pages(source, [file]):
        for record in source.records(page):
            records += 1
            try:
                item = harmonizer.item(record)  # validated there
            except RecordRefused as error:
                refused[error.code] += 1
                continue
            items[item["collection"]] += 1
            assert record.native_id == item["id"] + ".SAFE"
            assert item["properties"]["platform"].startswith("sentinel-")
            assert f"Products({record.native['Id']})" in item["assets"]["product"]["href"]
    assert (records, dict(items), dict(refused)) == _EXPECTED[name]
    assert not harmonizer.validator.unknown


def test_no_document_was_forgotten(shared: Path) -> None:
    there = {file.name for file in (shared / "samples" / "copernicus" / "cdse-odata").iterdir()}
    assert there == {*_EXPECTED, "attributes_sentinel1.cdsetool.json"}


@pytest.mark.parametrize(
    "path",
    [
        "cdse-odata/attributes_sentinel1.cdsetool.json",
        "other-opensearch/onda_odata_search.eodag.json",
    ],
)
def test_a_document_that_is_no_page_of_products_is_refused_in_one_line(shared: Path, path: str) -> None:
    source = make_source("cdse", definitions())
    with pytest.raises(UpstreamChanged) as caught:
        read_pages(source, [shared / "samples" / "copernicus" / path])
    assert path.rsplit("/", 1)[-1] in str(caught.value)
    assert "\n" not in str(caught.value)
