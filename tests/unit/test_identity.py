"""One product, one item: joining what several hubs say."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.validation import Validator
from ingest.identity import join

PRIORITY = ("cdse", "eumetsat")
PRODUCT = "S3A_OL_2_WFR____20240116T010000_20240116T010300_20240116T030000_0180_108_045_1980_MAR_O_NR_003"


def record(
    source: str, *, product: str | None = "product", revision: int = 1, alternate: bool = False
) -> dict:
    assets = {"measurement": {"href": f"https://{source}.example/m.nc", "roles": ["data"]}}
    if product:
        assets[product] = {
            "href": f"https://{source}.example/{revision}",
            "title": f"Product at {source}",
            "roles": ["data"],
        }
        if alternate:
            assets[product]["alternate"] = {"https": {"href": f"https://{source}.example/alt"}}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": PRODUCT,
        "collection": "sentinel-3-olci-2-wfr-nrt",
        "geometry": {"type": "Point", "coordinates": [140, 35]},
        "bbox": [140, 35, 140, 35],
        "properties": {
            "datetime": "2024-01-16T01:00:00Z",
            "harvest:source": source,
            "harvest:time": "2026-11-23T00:00:00Z",
            "said": f"{source} {revision}",
        },
        "links": [
            {
                "rel": "collection",
                "href": "./collections/sentinel-3-olci-2-wfr-nrt",
                "type": "application/json",
            },
            {"rel": "via", "href": f"https://{source}.example/record/{revision}", "type": "application/json"},
        ],
        "assets": assets,
    }


def joined(records: list[dict]) -> dict:
    result = records[0]
    for one in records[1:]:
        result = join(result, one, PRIORITY)
    return result


def test_the_leading_hubs_record_is_the_item_and_the_other_one_is_linked():
    item = join(record("eumetsat"), record("cdse"), PRIORITY)
    assert item["properties"]["harvest:source"] == "cdse"
    assert item["properties"]["said"] == "cdse 1"
    assert item["assets"]["product"]["alternate"]["eumetsat"]["href"] == "https://eumetsat.example/1"
    vias = {link["harvest:source"]: link["href"] for link in item["links"] if link["rel"] == "via"}
    assert vias == {"cdse": "https://cdse.example/record/1", "eumetsat": "https://eumetsat.example/record/1"}
    Validator().check_item(item)


def test_an_own_alternate_address_of_the_leader_stays():
    item = join(record("eumetsat"), record("cdse", alternate=True), PRIORITY)
    assert set(item["assets"]["product"]["alternate"]) == {"https", "eumetsat"}


def test_a_leader_without_product_asset_gets_the_other_ones_beside_its_own():
    item = join(record("cdse", product=None), record("eumetsat"), PRIORITY)
    assert item["assets"]["product-eumetsat"]["href"] == "https://eumetsat.example/1"
    Validator().check_item(item)


def test_a_newer_record_of_a_hub_replaces_what_was_said_of_it():
    item = joined(
        [record("cdse"), record("eumetsat"), record("eumetsat", revision=2), record("cdse", revision=3)]
    )
    assert item["assets"]["product"]["href"] == "https://cdse.example/3"
    assert item["assets"]["product"]["alternate"]["eumetsat"]["href"] == "https://eumetsat.example/2"
    assert sum(link["rel"] == "via" for link in item["links"]) == 2


def test_one_hub_alone_is_left_as_it_is():
    assert join(record("cdse"), record("cdse"), PRIORITY) == record("cdse")


@pytest.mark.parametrize("products", list(itertools.product(["product", "Product", None], repeat=3)))
def test_the_order_of_arrival_makes_no_difference(products: tuple[str | None, ...]):
    hubs = ["cdse", "eumetsat", "tellus"]
    records = [record(hub, product=product) for hub, product in zip(hubs, products, strict=True)]
    results = [joined(list(order)) for order in itertools.permutations(records)]
    assert all(result == results[0] for result in results)


@given(st.lists(st.sampled_from(["cdse", "eumetsat", "tellus"]), min_size=1, max_size=8))
def test_saying_it_again_changes_nothing(order: list[str]):
    once = joined([record(hub) for hub in sorted(set(order))])
    assert joined([record(hub) for hub in [*order, *sorted(set(order))]]) == once
