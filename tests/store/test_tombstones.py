"""What an upstream deleted goes from the catalogue, and nothing else does."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from catalog.store.deletion import Deleted, delete_items
from ingest.contract import Page, Selection
from ingest.harmonize import Harmonizer
from ingest.load import CatalogueSink, NdjsonSink
from ingest.pipeline import run
from ingest.recorded import as_stream
from ingest.report import Summary
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.odata_documents import deleted, page, product

_TILE = "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000"
_NEIGHBOUR = "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUF_20240115T033000"


async def _ingest(url: str, *documents: Any) -> Summary:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET ROLE kakehashi_ingest; SET search_path TO pgstac, public")
        source = make_source("cdse", definitions())
        sink = CatalogueSink(connection, "cdse", definitions(), source.describe, 100)
        pages = as_stream([Page(document, "test") for document in documents])
        harmonizer = Harmonizer(source, definitions().vocabulary)
        return await run(source, pages, sink, harmonizer, selection=Selection())
    finally:
        await connection.close()


async def _ids(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["id"] for row in await connection.fetch("SELECT id FROM pgstac.items ORDER BY id")]
    finally:
        await connection.close()


async def _noted(url: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT source, collection, id, deleted_at, reason FROM kakehashi.tombstone"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def test_a_deletion_takes_its_item_out_and_is_noted(fresh_database_url: str) -> None:
    await _ingest(fresh_database_url, page(product(f"{_TILE}.SAFE", 1), product(f"{_NEIGHBOUR}.SAFE", 2)))
    assert await _ids(fresh_database_url) == [_TILE, _NEIGHBOUR]
    summary = await _ingest(fresh_database_url, page(deleted(f"{_TILE}.SAFE", 1)))
    assert await _ids(fresh_database_url) == [_NEIGHBOUR]
    assert "  deleted upstream: 1 record, 1 item taken out" in summary.lines(loaded=True)
    expected = ("cdse", "sentinel-2-l2a", _TILE, datetime(2024, 3, 1, 12, tzinfo=UTC), "Corrupted product")
    assert await _noted(fresh_database_url) == [expected]
    # Again: nothing more happens.
    summary = await _ingest(fresh_database_url, page(deleted(f"{_TILE}.SAFE", 1)))
    assert summary.written.deleted == 0
    assert await _noted(fresh_database_url) == [expected]


async def test_of_two_copies_of_a_product_the_one_that_is_kept_stays(fresh_database_url: str) -> None:
    """CDSE deletes one of two records of a name as `Duplicated product`; the item is of the other."""
    await _ingest(fresh_database_url, page(product(f"{_TILE}.SAFE", 1)))
    cause = {"DeletionCause": "Duplicated product"}
    summary = await _ingest(fresh_database_url, page(deleted(f"{_TILE}.SAFE", 2, **cause)))
    assert await _ids(fresh_database_url) == [_TILE]
    assert (summary.tombstones, summary.written.deleted) == (1, 0)


async def test_items_of_the_same_page_go_in_its_order(fresh_database_url: str) -> None:
    given = page(product(f"{_TILE}.SAFE", 1), deleted(f"{_TILE}.SAFE", 1), product(f"{_NEIGHBOUR}.SAFE", 2))
    again = page(deleted(f"{_NEIGHBOUR}.SAFE", 2), product(f"{_NEIGHBOUR}.SAFE", 3))
    await _ingest(fresh_database_url, given, again)
    assert await _ids(fresh_database_url) == [_NEIGHBOUR]


async def test_an_item_of_another_source_stays(fresh_database_url: str) -> None:
    await _ingest(fresh_database_url, page(product(f"{_TILE}.SAFE", 1)))
    number = "00000000-0000-4000-8000-000000000001"
    gone = Deleted(_TILE, "sentinel-2-l2a", number, datetime(2024, 3, 1, tzinfo=UTC), None)
    connection = await asyncpg.connect(fresh_database_url)
    try:
        assert await delete_items(connection, "eumetsat", [gone]) == 0
        assert await delete_items(connection, "cdse", [gone, gone]) == 1
        assert await delete_items(connection, "cdse", []) == 0
    finally:
        await connection.close()


async def test_a_collection_that_was_not_asked_for_is_left_alone(fresh_database_url: str) -> None:
    await _ingest(fresh_database_url, page(product(f"{_TILE}.SAFE", 1)))
    source = make_source("cdse", definitions())
    connection = await asyncpg.connect(fresh_database_url)
    try:
        sink = CatalogueSink(connection, "cdse", definitions(), source.describe, 100)
        summary = await run(
            source,
            as_stream([Page(page(deleted(f"{_TILE}.SAFE", 1)), "test")]),
            sink,
            Harmonizer(source, definitions().vocabulary),
            selection=Selection(("sentinel-1-grd",)),
        )
    finally:
        await connection.close()
    assert (summary.outside, summary.tombstones) == (1, 0)
    assert await _ids(fresh_database_url) == [_TILE]


async def test_deletions_are_no_output_of_a_dry_run(tmp_path: Path) -> None:
    source = make_source("cdse", definitions())
    file = tmp_path / "items.ndjson"
    with file.open("wb") as output:
        pages = as_stream([Page(page(deleted(f"{_TILE}.SAFE", 1)), "test")])
        harmonizer = Harmonizer(source, definitions().vocabulary)
        summary = await run(source, pages, NdjsonSink(output), harmonizer, selection=Selection())
    assert file.read_bytes() == b""
    assert "  deleted upstream: 1 record" in summary.lines(loaded=False)
