"""Data sets of ECMWF's stores become valid collections in two languages."""

from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from tests.unit.copernicus_documents import data_set, product
from tests.unit.copernicus_golden import assert_golden, one, refusal, taken
from tests.unit.documents import definitions


def test_a_data_set():
    assert_golden("cds/data-set", one("cds", data_set()))


def test_its_japanese():
    assert_golden("cds/data-set-ja", definitions().glossary.translation(one("cds", data_set())))


@pytest.mark.parametrize(
    ("store", "credit"),
    [("cds.climate", "Climate Change"), ("ads.atmosphere", "Atmosphere"), ("ewds.climate", "Emergency")],
)
def test_each_store_has_its_credit(store: str, credit: str):
    collection = one("cds", data_set(store=store))
    assert credit in collection["attribution"]
    (via,) = [link["href"] for link in collection["links"] if link["rel"] == "via"]
    assert via == f"https://{store}.copernicus.eu/api/catalogue/v1/collections/reanalysis-example"


def test_terms_without_an_address_are_on_the_page_of_the_data_set():
    collection = one("cds", data_set(license="other"))
    (licence,) = [link["href"] for link in collection["links"] if link["rel"] == "license"]
    assert licence == "https://cds.climate.copernicus.eu/datasets/reanalysis-example"


def test_a_licence_that_the_store_links_to_stays():
    links = [*data_set()["links"], {"rel": "license", "href": "https://example.org/terms"}]
    collection = one("cds", data_set(links=links))
    assert [link["href"] for link in collection["links"] if link["rel"] == "license"] == [
        "https://example.org/terms"
    ]


def test_the_state_of_the_moment_is_left_out():
    collection = one("cds", data_set())
    assert "cads:sanity_check" not in collection
    assert "cads:disabled_reason" not in collection
    assert collection["cads:update_frequency"] == "Daily"


@pytest.mark.parametrize(
    "extent",
    [..., {"spatial": {"bbox": []}}, {"spatial": {"bbox": [[0, 95, 10, 99]]}}, {"spatial": {"bbox": ["x"]}}],
)
def test_an_extent_that_is_none_is_refused(extent: Any):
    assert refusal("cds", data_set(extent=extent)) == "bad-extent"


def test_a_time_that_is_none_is_refused():
    assert refusal("cds", data_set(updated="yesterday")) == "bad-datetime"


@pytest.mark.parametrize("document", [{"collections": 5}, {"collections": []}, [], [data_set()], product()])
def test_a_document_of_another_upstream_is_refused(document: Any):
    with pytest.raises(UpstreamChanged, match="test is no answer of CDS, ADS or EWDS"):
        taken("cds", document)


def test_one_broken_data_set_costs_itself():
    foreign = data_set("other", links=[{"rel": "self", "href": "https://example.org/"}])
    made = taken("cds", {"collections": [data_set(), 5, foreign, data_set(id=...)]})
    assert [getattr(one, "code", "collection") for one in made] == [
        "collection",
        "bad-id",
        "foreign",
        "bad-id",
    ]
