"""The index of what items say of themselves: it is there, is used, and pgstac leaves it alone."""

import asyncpg
import pytest

from catalog.freetext import Term
from catalog.store.item_text import collections_with_item_text, may_be_id, own_text_condition
from catalog.store.parameters import Parameters
from catalog.store.search import OwnText
from catalog.store.writer import upsert_collections
from tests.api.texts import COLLECTIONS, ITEMS

_INDEXES = """
    SELECT count(*) FROM pg_partition_tree('pgstac.items') AS part
    JOIN pg_index ON indrelid = part.relid JOIN pg_am ON amname = 'gin'
    JOIN pg_class ON pg_class.oid = indexrelid AND relam = pg_am.oid
    WHERE part.isleaf
"""


@pytest.fixture
async def connection(fresh_database_url: str):
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    monthly = [collection | {"kakehashi:partition": "month"} for collection in COLLECTIONS[:1]]
    await upsert_collections(connection, [*monthly, *COLLECTIONS[1:]])
    yield connection
    await connection.close()


async def _create(connection: "asyncpg.Connection[asyncpg.Record]", *names: str) -> None:
    import orjson

    for item in ITEMS:
        if item["id"] in names:
            await connection.execute("SELECT pgstac.create_item($1::jsonb)", orjson.dumps(item).decode())


async def test_other_tools_items_are_indexed_and_pgstac_keeps_the_index(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await _create(connection, "ALPSRP0002", "GC1SG1_03", "reef-001")
    partitions = await connection.fetchval(_INDEXES)
    assert partitions == 3
    await connection.execute("SELECT pgstac.maintain_partitions('items', true, false)")
    await connection.execute("SELECT pgstac.maintain_partitions('items', false, true)")
    assert await connection.fetchval(_INDEXES) == partitions
    orphans = await connection.fetch(
        "SELECT * FROM pgstac.queryable_indexes('items', true) WHERE queryable_id IS NULL"
    )
    assert orphans == []


async def test_only_collections_whose_items_say_something_are_looked_into(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert await collections_with_item_text(connection) == frozenset()
    await _create(connection, "GC1SG1_03", "reef-002")
    assert await collections_with_item_text(connection) == frozenset()
    await _create(connection, "ALPSRP0002", "reef-001")
    assert await collections_with_item_text(connection) == {"alos-palsar", "fiji-map"}
    # Built over what is there, an index may be as small as an empty one.
    await connection.execute("REINDEX TABLE pgstac.items")
    assert await collections_with_item_text(connection) == {"alos-palsar", "fiji-map"}


async def test_the_condition_of_a_search_uses_the_index(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await _create(connection, "ALPSRP0002", "reef-001")
    parameters = Parameters()
    condition = own_text_condition([OwnText(("alos-palsar", "fiji-map"), Term("富士山1234"))], parameters)
    await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_custom_plan")
    plan = await connection.fetch(
        f"EXPLAIN SELECT id FROM pgstac.items WHERE {condition}", *parameters.values
    )
    text = "\n".join(row[0] for row in plan)
    assert "item_words_idx" in text
    assert "_pk" in text
    assert "Seq Scan" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("S2A_MSIL2A_20240115T012701_N0510", True), ("ALAV2A277442870", True), ("item-001", True), ("ALOS-2", False),
     ("S2B_MSIL2A", True), ("GC1SG1_", True), ("sea_surface_temperature", False), ("L2_SR", False), ("Sentinel-2A", False), ("L2A", False), ("GOES-16", False), ("だいち2号", False), ("ALOS 277442870", False)],
)  # fmt: skip
def test_what_is_looked_for_among_ids(text: str, expected: bool) -> None:
    assert may_be_id(Term(text)) is expected
