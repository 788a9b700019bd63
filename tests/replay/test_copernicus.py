"""EUMETSAT, ECMWF's stores and Copernicus Marine over real HTTP: paging, limits, errors, and the command itself."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged, UpstreamUnavailable
from ingest.contract import Page, Selection, Window
from ingest.fetch import Patience, open_fetcher
from ingest.protocols import opensearch
from ingest.sources import make_source
from tests.replay.copernicus import DataStore, Files, served
from tests.unit.copernicus_documents import (
    DATASET,
    PRODUCT,
    catalogue,
    data_set,
    dataset,
    disks,
    olci,
    product,
)
from tests.unit.documents import definitions

ROOT = Path(__file__).resolve().parents[2]
QUICK = Patience(timeout_s=10, attempts=3, max_wait_s=2)


def pages_of(name: str, url: str, **selected: Any) -> list[Page]:
    async def read() -> list[Page]:
        async with open_fetcher(QUICK) as http:
            source = make_source(name, definitions(), http, url)
            return [page async for page in source.pages(Selection(**selected))]

    return asyncio.run(read())


def searched(url: str, *, size: int = 500, reach: int, **parameters: str) -> list[Any]:
    async def read() -> list[Any]:
        query = {"pi": "EO:EUM:DAT:MSG:HRSEVIRI", **parameters}
        async with open_fetcher(QUICK) as http:
            address = f"{url}/data/search-products/1.0.0/os"
            pages = opensearch.search(http, address, query, size, max_results=reach)
            return [feature async for page in pages for feature in page.document["features"]]

    return asyncio.run(read())


def ingest(*arguments: str) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run the command as a person does."""
    command = [sys.executable, "-m", "cli", "ingest", *arguments, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


# -- EUMETSAT ---------------------------------------------------------------------------------------


def test_products_beyond_the_window_are_listed_once_each():
    store = DataStore(disks(130), reach=40)
    with served(store) as url:
        found = [one["id"] for one in searched(url, size=15, reach=40)]
    assert found == [one["id"] for one in store.products]


def test_a_product_that_goes_while_pages_are_walked_hides_no_other():
    """A later page began one too late; a slice of the past was not asked for again before weeks had passed."""
    store = DataStore(disks(30), reach=40)
    kept = [one["id"] for one in store.products[1:]]
    answer = store.answer

    def lose_the_first(path: str, query: dict[str, str]) -> Any:
        given = answer(path, query)
        store.products = [one for one in store.products if one["id"] in kept]
        return given

    store.answer = lose_the_first  # type: ignore[method-assign]
    with served(store) as url:
        found = [one["id"] for one in searched(url, size=10, reach=40)]
    assert set(kept) <= set(found)
    assert len(set(found)) == len(found) == 30


def test_the_real_window_of_10000_is_passed():
    store = DataStore(disks(10_700))
    with served(store) as url:
        found = searched(url, reach=opensearch.MAX_RESULTS)
    assert len(found) == len({one["id"] for one in found}) == 10_700
    assert all("c=500" in request for request in store.requests)


def test_more_products_of_one_moment_than_can_be_listed_are_an_error_and_no_gap():
    with (
        served(DataStore(disks(60, every_s=0), reach=40)) as url,
        pytest.raises(UpstreamChanged, match="told apart"),
    ):
        searched(url, size=20, reach=40)


def test_results_out_of_order_are_an_error_before_anything_is_skipped():
    products = disks(60)
    products.reverse()
    store = DataStore(products, reach=40, unsorted=True)
    with served(store) as url, pytest.raises(UpstreamChanged, match="not in the order"):
        searched(url, size=20, reach=40)


def test_the_order_does_not_matter_where_one_window_holds_everything():
    products = disks(30)
    products.reverse()
    with served(DataStore(products, reach=40, unsorted=True)) as url:
        assert len(searched(url, size=20, reach=40)) == 30


def test_a_429_is_waited_for_as_long_as_its_body_says():
    store = DataStore(disks(3), throttled=2)
    with served(store) as url:
        found = searched(url, reach=100)
    assert len(found) == 3
    assert len(store.requests) == 3


def test_a_429_without_end_is_an_upstream_that_is_not_available():
    with served(DataStore(disks(3), throttled=99)) as url, pytest.raises(UpstreamUnavailable, match="429"):
        searched(url, reach=100)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"message": "x"}', b'{"message": {"retryAfter": "soon"}}']
)
def test_a_body_that_names_no_time_names_none(body: bytes):
    assert opensearch.pause_until(body) is None


def test_a_time_that_is_over_is_no_pause():
    pause = opensearch.pause_until(b'{"message": {"retryAfter": 1000}}')
    assert pause is not None
    assert pause.total_seconds() == 0


def test_a_box_is_asked_for_swaths_and_not_for_disks():
    store = DataStore([*disks(2), olci()])
    collections = ("eumetsat-msg-seviri-l15", "eumetsat-sentinel-3-olci-l2-wfr")
    with served(store) as url:
        pages = pages_of(
            "eumetsat", url, collections=collections, bbox=(120.0, 20.0, 150.0, 50.0), window=Window()
        )
    assert sum(len(page.document["features"]) for page in pages) == 3
    boxed = [request for request in store.requests if "bbox=" in request]
    assert len(boxed) == 1
    assert "0407" in boxed[0]


def test_an_unknown_collection_is_named_before_anything_is_asked():
    store = DataStore([])
    with served(store) as url, pytest.raises(ConfigurationError, match="eumetsat-x"):
        pages_of("eumetsat", url, collections=("eumetsat-x",))
    assert store.requests == []


def test_the_command_ingests_from_a_data_store():
    with served(DataStore([*disks(4), olci()])) as url:
        done, items = ingest(
            "eumetsat",
            "--url",
            url,
            "--collection",
            "eumetsat-msg-seviri-l15",
            "--datetime",
            "2024-06-01/2024-06-02",
        )
    assert done.returncode == 0, done.stderr
    assert [item["collection"] for item in items] == ["eumetsat-msg-seviri-l15"] * 4
    assert "4 items" in done.stderr


# -- ECMWF's stores ---------------------------------------------------------------------------------

CDS = "/api/catalogue/v1"


def _two_pages() -> Files:
    first = {
        "collections": [data_set("first"), data_set("second")],
        "links": [{"rel": "next", "href": "collections/more"}],
    }
    documents = {f"{CDS}/collections": first, f"{CDS}/collections/more": {"collections": [data_set("third")]}}
    return Files({**documents, f"{CDS}/collections/third": data_set("third")})


def test_the_command_takes_all_collections_of_a_store():
    with served(_two_pages()) as url:
        done, collections = ingest("cds", "--url", url + CDS)
    assert done.returncode == 0, done.stderr
    assert [one["id"] for one in collections] == ["first", "second", "third"]
    assert "3 collections" in done.stderr


def test_the_command_takes_the_collections_that_are_asked_for():
    with served(_two_pages()) as url:
        done, collections = ingest("cds", "--url", url + CDS, "--collection", "second")
        missing, _ = ingest("cds", "--url", url + CDS, "--collection", "fourth")
    assert [one["id"] for one in collections] == ["second"]
    assert "2 records outside" in done.stderr
    assert missing.returncode == 1
    assert "no data set fourth" in missing.stderr


def test_a_limit_counts_collections_where_there_is_nothing_else():
    with served(_two_pages()) as url:
        _, collections = ingest("cds", "--url", url + CDS, "--limit", "1")
    assert len(collections) == 1


def test_a_circle_of_pages_is_an_error():
    page = {"collections": [data_set()], "links": [{"rel": "next", "href": "collections"}]}
    with served(Files({f"{CDS}/collections": page})) as url, pytest.raises(UpstreamChanged, match="circle"):
        pages_of("cds", url + CDS)


def test_a_data_set_is_described_by_the_store_that_has_it():
    async def describe(url: str, identifier: str) -> Any:
        async with open_fetcher(QUICK) as http:
            return await make_source("cds", definitions(), http, url + CDS).describe(identifier)

    with served(_two_pages()) as url:
        described = asyncio.run(describe(url, "third"))
        assert described["id"] == "third"
        assert asyncio.run(describe(url, "fourth")) is None


# -- Copernicus Marine ------------------------------------------------------------------------------


def _marine() -> Files:
    other = "BLACKSEA_EXAMPLE_001_001"
    return Files(
        {
            "/metadata/catalog.stac.json": catalogue(PRODUCT, "GONE_001", "BROKEN_001", "COPY_001", other),
            f"/metadata/{PRODUCT}/product.stac.json": product(
                items=(DATASET, "gone_202301", "soon_202301", "html_202301")
            ),
            f"/metadata/{PRODUCT}/{DATASET}/dataset.stac.json": dataset(),
            f"/metadata/{PRODUCT}/soon_202301/dataset.stac.json": dataset(
                "soon_202301", properties={"admp_in_preparation": True}
            ),
            f"/metadata/{PRODUCT}/html_202301/dataset.stac.json": b"<html>",
            "/metadata/BROKEN_001/product.stac.json": {"type": "Catalog"},
            "/metadata/COPY_001/product.stac.json": product(),
            f"/metadata/{other}/product.stac.json": product(other, items=("b_202001",)),
            f"/metadata/{other}/b_202001/dataset.stac.json": dataset("b_202001", other),
        }
    )


def test_the_command_crawls_the_catalogue_and_counts_what_is_missing():
    with served(_marine()) as url:
        done, made = ingest("cmems", "--url", f"{url}/metadata")
        strict, _ = ingest("cmems", "--url", f"{url}/metadata", "--strict")
    assert done.returncode == 0, done.stderr
    assert [(one["type"], one["id"]) for one in made] == [
        ("Collection", PRODUCT),
        ("Feature", DATASET),
        ("Collection", "BLACKSEA_EXAMPLE_001_001"),
        ("Feature", "b_202001"),
    ]
    for line in ("not-found: 2", "in-preparation: 1", "bad-document: 2", "repeated: 1"):
        assert f"refused, {line}" in done.stderr
    assert strict.returncode == 1


def test_products_that_are_not_asked_for_are_not_read():
    upstream = _marine()
    with served(upstream) as url:
        done, made = ingest("cmems", "--url", f"{url}/metadata", "--collection", "BLACKSEA_EXAMPLE_001_001")
    assert [one["id"] for one in made] == ["BLACKSEA_EXAMPLE_001_001", "b_202001"]
    assert len(upstream.requests) == 3
    assert done.returncode == 0


def test_a_limit_counts_datasets():
    with served(_marine()) as url:
        _, made = ingest("cmems", "--url", f"{url}/metadata", "--limit", "1")
    assert [one["type"] for one in made] == ["Collection", "Feature"]


def test_a_catalogue_that_is_not_there_is_an_error():
    with served(Files({})) as url, pytest.raises(UpstreamChanged, match="no catalogue"):
        pages_of("cmems", url)
