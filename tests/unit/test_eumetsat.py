"""EUMETSAT's search results and notifications become items."""

from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from tests.unit.copernicus_documents import OLCI, SEVIRI, answer, notification, olci, seviri
from tests.unit.copernicus_golden import assert_golden, one, refusal, taken
from tests.unit.documents import definitions


def test_an_ocean_colour_frame():
    assert_golden("eumetsat/olci", one("eumetsat", olci()))


def test_a_full_disk():
    assert_golden("eumetsat/seviri", one("eumetsat", seviri()))


def test_a_notification():
    assert_golden("eumetsat/notification", one("eumetsat", [notification()]))


def test_the_id_is_the_name_that_cdse_gives_the_product():
    item = one("eumetsat", olci())
    assert item["id"] + ".SEN3" == OLCI
    assert item["properties"]["eumetsat:identifier"] == OLCI
    assert "eumetsat:identifier" not in one("eumetsat", seviri())["properties"]


@pytest.mark.parametrize("geometry", [{}, None])
def test_a_product_without_geometry_covers_what_its_collection_says(geometry: Any):
    item = one("eumetsat", seviri(geometry=None) | {"geometry": geometry})
    assert item["bbox"] == [-81.0, -81.0, 81.0, 81.0]


def test_a_swath_without_geometry_is_refused():
    assert refusal("eumetsat", olci() | {"geometry": {}}) == "no-geometry"


def test_each_baseline_is_its_own_collection():
    native = definitions().by_native("eumetsat")
    ids = [native[f"EO:EUM:DAT:{number}"].id for number in ("0409", "0577", "0885")]
    stem = "eumetsat-sentinel-3-olci-l1-efr"
    assert ids == [stem, f"{stem}-bc002", f"{stem}-bc004"]


def test_every_collection_of_the_store_is_reached_once():
    native = definitions().by_native("eumetsat")
    assert len({collection.id for collection in native.values()}) == len(native) > 100


def test_a_size_is_in_bytes_and_a_checksum_a_multihash():
    product = one("eumetsat", olci())["assets"]["product"]
    assert product["file:size"] == 388_413_000
    assert product["file:checksum"] == "d50110" + "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("md5", ["", "0123", "g" * 32, 5])
def test_what_is_no_md5_is_no_checksum(md5: Any):
    item = one("eumetsat", olci(properties={"extraInformation": {"md5": md5}}))
    assert "file:checksum" not in item["assets"]["product"]


def test_files_have_short_keys_that_do_not_clash():
    assets = one("eumetsat", olci())["assets"]
    assert {"chl-nn", "chl-nn-jpg", "xfdumanifest", "entry-4"} <= set(assets)
    assert assets["chl-nn"]["roles"] == ["data"]
    assert assets["chl-nn-jpg"]["roles"] == ["overview"]
    assert assets["xfdumanifest"]["roles"] == ["metadata"]
    assert "data" in one("eumetsat", seviri())["assets"]


def test_many_files_of_one_name_are_all_kept():
    entry = olci()["properties"]["links"]["sip-entries"][0]
    item = one("eumetsat", olci(properties={"links": {"sip-entries": [entry] * 12}}))
    assert len([asset for asset in item["assets"].values() if asset["href"] == entry["href"]]) == 12


def test_an_unknown_timeliness_is_kept_where_it_is_valid():
    properties = one("eumetsat", olci(properties={"productInformation": {"timeliness": "XX"}}))["properties"]
    assert properties["eumetsat:timeliness"] == "XX"
    assert "product:timeliness_category" not in properties


def test_products_of_several_satellites_name_none_as_the_platform():
    acquisitions = [
        {"platform": {"platformShortName": name}, "instrument": {"instrumentShortName": "SEVIRI"}}
        for name in ("MSG3", "MSG4")
    ]
    properties = one("eumetsat", seviri(properties={"acquisitionInformation": acquisitions}))["properties"]
    assert "platform" not in properties
    assert properties["eumetsat:platforms"] == ["MSG3", "MSG4"]


def test_a_product_of_a_collection_that_is_not_defined_is_refused():
    assert (
        refusal("eumetsat", olci(properties={"parentIdentifier": "EO:EUM:DAT:9999"})) == "unknown-collection"
    )


def test_a_product_without_time_is_refused():
    assert refusal("eumetsat", olci(properties={"date": ...})) == "no-datetime"


def test_one_broken_product_costs_itself():
    made = taken("eumetsat", answer([olci(), {"id": 5}, "text", seviri()]))
    assert [getattr(one, "code", "item") for one in made] == ["item", "bad-id", "bad-id", "item"]


@pytest.mark.parametrize(
    "document",
    [
        {"type": "FeatureCollection", "features": []},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"identifier": "x"}}]},
        {"type": "Collection"},
        {"EO:EUM:DAT:0407": {"title": "EO:EUM:DAT:0407"}},
        [{"id": 1}],
        "text",
    ],
)
def test_a_document_of_another_upstream_is_refused(document: Any):
    with pytest.raises(UpstreamChanged, match="test is no answer of EUMETSAT"):
        taken("eumetsat", document)


def test_an_empty_answer_is_one():
    assert taken("eumetsat", answer([])) == []


def test_the_reading_of_names_knows_the_store():
    vocabulary = definitions().vocabulary
    before = dict(vocabulary.unknown)
    item = one("eumetsat", seviri())
    assert item["properties"]["platform"] == "meteosat-10"
    assert item["id"] == SEVIRI
    assert dict(vocabulary.unknown) == before


def test_a_size_with_a_fraction_of_a_kilobyte_is_kept():
    item = one("eumetsat", seviri(properties={"productInformation": {"size": 123.7}}))
    assert item["assets"]["product"]["file:size"] == 123_700
