"""Products and datasets of Copernicus Marine become collections and items."""

from typing import Any

import pytest

from catalog import jsontext
from catalog.errors import UpstreamChanged
from tests.unit.copernicus_documents import DATASET, PRODUCT, WIDE, catalogue, data_set, dataset, product
from tests.unit.copernicus_golden import assert_golden, one, refusal, taken


def test_a_product():
    assert_golden("cmems/product", one("cmems", product()))


def test_a_dataset():
    assert_golden("cmems/dataset", one("cmems", dataset()))


def test_a_dataset_without_collection_is_of_the_product_that_it_links_to():
    native = dataset()
    product_id = native.pop("collection")
    native["links"] = [
        {"rel": "collection", "href": "../product.stac.json", "title": product_id},
        *native["links"],
    ]
    assert one("cmems", native)["collection"] == product_id
    native["links"] = [link for link in native["links"] if link["rel"] != "collection"]
    assert refusal("cmems", native) == "bad-id"


def test_people_are_left_out():
    for document in (product(), dataset()):
        assert "person" not in str(one("cmems", document)).lower()


def test_a_series_keeps_its_null_datetime():
    properties = one("cmems", dataset())["properties"]
    assert properties["datetime"] is None
    assert (properties["start_datetime"], properties["end_datetime"]) == (
        "2020-11-01T00:00:00Z",
        "2024-05-02T00:00:00Z",
    )


def test_a_number_wider_than_64_bits_is_written_as_it_came():
    item = one("cmems", dataset())
    assert item["properties"]["cube:variables"]["so"]["nodata"] == WIDE
    assert str(WIDE).encode() in jsontext.dumps(item)


def test_long_axes_are_cut_down_to_their_extent():
    item = one("cmems", dataset())
    dimensions = item["properties"]["cube:dimensions"]
    assert dimensions["longitude"]["extent"] == [0.0, 1999.0]
    assert "values" not in dimensions["longitude"]
    assert dimensions["elevation"]["values"] == [-10.0, -0.5]
    assert len(jsontext.dumps(item)) < 4000


def test_a_global_grid_that_stops_short_of_the_antimeridian_stays_global():
    """Its edge of 359.75 degrees is no edge of 0.25 the other way round."""
    assert one("cmems", dataset())["bbox"] == [-180.0, -80.0, 179.75, 90.0]


def test_a_grid_from_0_to_360_is_cut_at_the_antimeridian():
    ring = [[0, -60], [0, 60], [359.5, 60], [359.5, -60], [0, -60]]
    item = one("cmems", dataset(geometry={"coordinates": [ring]}))
    assert item["bbox"] == [-180.0, -60.0, 180.0, 60.0]
    assert item["geometry"]["type"] == "MultiPolygon"
    assert sorted(min(x for x, _ in part[0]) for part in item["geometry"]["coordinates"]) == [-180.0, 0.0]


def test_other_shapes_are_taken_as_they_are():
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 0]]]}
    assert one("cmems", dataset(geometry=triangle))["geometry"]["coordinates"] == (
        ((0, 0), (10, 0), (10, 10), (0, 0)),
    )


def test_relative_addresses_start_from_the_document():
    assets = one("cmems", dataset())["assets"]
    assert (
        assets["wmts"]["href"] == f"https://stac.marine.copernicus.eu/metadata/{PRODUCT}/{DATASET}/wmts.html"
    )
    assert assets["wmts"]["roles"] == ["visual"]
    assert not {"viewDims", "viewVariables", "id"} & assets["time-chunked"].keys()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (dataset(properties={"admp_in_preparation": True}), "in-preparation"),
        (dataset(collection=...), "bad-id"),
        (dataset(geometry=None), "no-geometry"),
        (dataset(properties={"end_datetime": "2019-01-01"}), "reversed-times"),
        (dataset(assets=[]), "bad-structure"),
        (product(properties={"isStaging": True}), "in-preparation"),
        (product(extent={"spatial": {"bbox": []}}), "bad-extent"),
    ],
)
def test_what_cannot_be_taken_is_refused(document: Any, code: str):
    assert refusal("cmems", document) == code


def test_lists_of_products_hold_no_record():
    roots = {"catalogues": [{"stacRoot": "https://s3.example.org/mdl-metadata/metadata/"}]}
    assert taken("cmems", catalogue(PRODUCT)) == taken("cmems", roots) == []


@pytest.mark.parametrize(
    "document", [data_set(), {"type": "Feature"}, {"type": "Catalog", "links": []}, [], {"a": 1}]
)
def test_a_document_of_another_upstream_is_refused(document: Any):
    with pytest.raises(UpstreamChanged, match="test is no document of Copernicus Marine"):
        taken("cmems", document)
