"""Two hubs have the same product: it is one item, whichever is harvested first."""

import itertools
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from catalog.definitions import load_definitions
from catalog.errors import RecordRefused
from catalog.store.database import INGEST_ROLE
from catalog.store.written import Written
from ingest.contract import Record, Tombstone
from ingest.identity import settle
from ingest.load import CatalogueSink

COLLECTION = "sentinel-3-olci-2-wfr-nrt"
PRODUCT = "S3A_OL_2_WFR____20240116T010000_20240116T010300_20240116T030000_0180_108_045_1980_MAR_O_NR_003"


def said_by(source: str, *, collection: str = COLLECTION, revision: int = 1) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": PRODUCT,
        "collection": collection,
        "geometry": {"type": "Point", "coordinates": [140.0, 35.0]},
        "bbox": [140.0, 35.0, 140.0, 35.0],
        "properties": {
            "datetime": None,
            "start_datetime": "2024-01-16T01:00:00Z",
            "end_datetime": "2024-01-16T01:03:00Z",
            "harvest:source": source,
            "harvest:time": "2026-11-23T00:00:00Z",
            "said": f"{source} {revision}",
        },
        "links": [
            {"rel": "collection", "href": f"./collections/{collection}", "type": "application/json"},
            {"rel": "via", "href": f"https://{source}.example/record", "type": "application/json"},
        ],
        "assets": {"product": {"href": f"https://{source}.example/{revision}", "roles": ["data"]}},
    }


async def load(url: str, source: str, item: dict[str, Any]) -> str:
    definitions = load_definitions()

    async def nothing(collection: str) -> None:
        return None

    connection = await asyncpg.connect(
        url, server_settings={"role": INGEST_ROLE, "search_path": "pgstac,public"}
    )
    try:
        sink = CatalogueSink(connection, source, definitions, nothing, 10)
        assert not await sink.item(settle(item, definitions.collections), Record({}, item["id"]))
        assert not await sink.flush()
        written = sink.written
        return next(name for name in ("inserted", "updated", "unchanged") if getattr(written, name))
    finally:
        await connection.close()


async def bury(url: str, source: str, tombstone: Tombstone) -> int:
    connection = await asyncpg.connect(
        url, server_settings={"role": INGEST_ROLE, "search_path": "pgstac,public"}
    )
    try:
        sink = CatalogueSink(connection, source, load_definitions(), lambda collection: nobody(), 10)
        assert not await sink.tombstone(tombstone)
        return sink.written.deleted
    finally:
        await connection.close()


async def nobody() -> None:
    return None


async def items(url: str) -> list[dict[str, Any]]:
    import orjson

    connection = await asyncpg.connect(url, server_settings={"search_path": "pgstac,public"})
    try:
        rows = await connection.fetch("SELECT pgstac.content_hydrate(items)::text AS item FROM pgstac.items")
        return [orjson.loads(row["item"]) for row in rows]
    finally:
        await connection.close()


EUMETSAT = said_by("eumetsat", collection="eumetsat-sentinel-3-olci-l2-wfr")


@pytest.mark.parametrize("order", list(itertools.permutations(["cdse", "eumetsat"])))
async def test_one_product_of_two_hubs_is_one_item_whichever_comes_first(
    fresh_database_url: str, order: tuple[str, ...]
) -> None:
    records = {"cdse": said_by("cdse"), "eumetsat": EUMETSAT}
    for source in order:
        await load(fresh_database_url, source, records[source])
    (item,) = await items(fresh_database_url)
    assert (item["collection"], item["id"]) == (COLLECTION, PRODUCT)
    assert item["properties"]["said"] == "cdse 1"
    assert item["assets"]["product"]["alternate"]["eumetsat"]["href"] == "https://eumetsat.example/1"
    assert {link["harvest:source"] for link in item["links"] if link["rel"] == "via"} == {"cdse", "eumetsat"}


async def test_harvesting_both_again_changes_nothing(fresh_database_url: str) -> None:
    for source, record in (("cdse", said_by("cdse")), ("eumetsat", EUMETSAT)):
        await load(fresh_database_url, source, record)
    assert await load(fresh_database_url, "cdse", said_by("cdse")) == "unchanged"
    assert await load(fresh_database_url, "eumetsat", EUMETSAT) == "unchanged"


async def test_an_update_of_the_leading_hub_keeps_what_the_other_one_said(fresh_database_url: str) -> None:
    await load(fresh_database_url, "cdse", said_by("cdse"))
    await load(fresh_database_url, "eumetsat", EUMETSAT)
    assert await load(fresh_database_url, "cdse", said_by("cdse", revision=2)) == "updated"
    (item,) = await items(fresh_database_url)
    assert item["properties"]["said"] == "cdse 2"
    assert "eumetsat" in item["assets"]["product"]["alternate"]


async def test_a_product_that_one_hub_deletes_stays_for_the_other(fresh_database_url: str) -> None:
    """A deletion at CDSE took the item out with what EUMETSAT said, which does not say it again."""
    await load(fresh_database_url, "cdse", said_by("cdse"))
    await load(fresh_database_url, "eumetsat", EUMETSAT)
    deletion = Tombstone(PRODUCT, COLLECTION, "cdse.example/1", datetime(2026, 11, 24, tzinfo=UTC), None)
    assert await bury(fresh_database_url, "cdse", deletion) == 0
    (item,) = await items(fresh_database_url)
    assert item["properties"]["harvest:source"] == "eumetsat"
    assert item["assets"]["product"]["href"] == "https://eumetsat.example/1"
    assert "cdse.example" not in str(item)
    # The other hub's record brings the rest when it comes again; when that hub deletes it too, it goes.
    assert await load(fresh_database_url, "eumetsat", EUMETSAT) == "updated"
    (item,) = await items(fresh_database_url)
    assert item["properties"]["said"] == "eumetsat 1"
    deletion = Tombstone(PRODUCT, COLLECTION, "eumetsat.example/1", datetime(2026, 11, 24, tzinfo=UTC), None)
    assert await bury(fresh_database_url, "eumetsat", deletion) == 1
    assert await items(fresh_database_url) == []


async def test_a_refused_version_of_an_item_makes_nothing_forgotten_that_is_not_written(
    fresh_database_url: str,
) -> None:
    """It counted as taken last, and another item, still to be joined, was forgotten in its place."""
    await load(fresh_database_url, "cdse", {**said_by("cdse"), "id": "c"})
    connection = await asyncpg.connect(
        fresh_database_url, server_settings={"role": INGEST_ROLE, "search_path": "pgstac,public"}
    )
    try:
        sink = CatalogueSink(connection, "eumetsat", load_definitions(), lambda collection: nobody(), 2)
        for name in ("a", "b", "c"):
            await sink.item({**said_by("eumetsat"), "id": name}, Record({}, name))
        with pytest.raises(RecordRefused):
            await sink.item({**said_by("eumetsat"), "id": "a", "geometry": None}, Record({}, "a"))
        await sink.item({**said_by("eumetsat"), "id": "d"}, Record({}, "d"))
        assert await sink.flush() == []
        assert sink.written == Written(inserted=3, updated=1)
    finally:
        await connection.close()


def test_a_product_without_home_stays_where_its_hub_has_it():
    item = {**said_by("eumetsat"), "id": "W_XX-EUMETSAT-Darmstadt", "collection": "eumetsat-msg-hrseviri"}
    assert settle(item, load_definitions().collections) is item


def test_a_home_that_is_not_defined_is_none():
    assert settle(EUMETSAT, {"eumetsat-sentinel-3-olci-l2-wfr"}) is EUMETSAT
