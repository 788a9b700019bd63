"""The index that searches by cloud cover find, in both directions and with nothing last."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.search_request import read_search
from catalog.store.pages import parts_of
from catalog.store.planning import page_statement, select_items
from catalog.store.queryables import load_queryables
from catalog.store.timeline import Timeline
from catalog.store.writer import upsert_collections, upsert_items, upsert_queryables
from tests.store.items import collection, item

_COVERS: list[Any] = [0, 9.7, 89.5, 100, None, "9.7", [5], True, 20]


@pytest.fixture
async def owner(fresh_database_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    properties = {"eo:cloud_cover": {"type": "number", "title": "Cloud cover"}}
    await upsert_queryables(connection, {"type": "object", "properties": properties})
    await upsert_collections(connection, [collection("c", **{"kakehashi:partition": "month"})])
    items = [
        item(
            "c",
            f"i{n:03}",
            f"2024-{1 + n % 3:02}-01T00:00:00Z",
            **{"eo:cloud_cover": _COVERS[n % len(_COVERS)]},
        )
        for n in range(300)
    ]
    await upsert_items(connection, items)
    await connection.execute("ANALYZE pgstac.items")
    await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
    yield connection
    await connection.close()


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_the_order_of_cloud_cover_is_read_from_an_index(
    owner: "asyncpg.Connection[asyncpg.Record]", direction: str
) -> None:
    body = {"sortby": [{"field": "eo:cloud_cover", "direction": direction}], "filter": "eo:cloud_cover < 50"}
    search = read_search(body, default_limit=5, max_limit=10, posted=True).search
    selection = select_items(search, await load_queryables(owner))
    valued, empty = parts_of(search, selection, None, Timeline([]))
    statement = page_statement(selection, 5, None, valued)
    plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {statement.sql}", *statement.parameters))
    assert plan.count("Merge Append") == 1, plan
    assert plan.count("jsonb_path_query_first_idx") == 3, plan
    assert "Index Cond: ((jsonb_path_query_first(content" in plan.replace("(((", "((")
    assert len(await owner.fetch(statement.sql, *statement.parameters)) == 5
    statement = page_statement(selection, 5, None, empty)
    assert await owner.fetch(statement.sql, *statement.parameters) == []


async def test_pgstac_does_not_take_the_index_for_an_orphan(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    orphans = "SELECT count(*) FROM pgstac.queryable_indexes('items', true) WHERE queryable_id IS NULL"
    assert await owner.fetchval(orphans) == 0
    await owner.execute("SELECT pgstac.maintain_partitions('items', true)")
    indexes = (
        r"SELECT count(*) FROM pg_indexes WHERE indexname LIKE '\_items\_1\_2%jsonb_path_query_first_idx'"
    )
    assert await owner.fetchval(indexes) == 3


async def test_few_ids_among_many_items_are_found_by_their_index(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    search = read_search({"ids": ["i001", "i002"]}, default_limit=5, max_limit=10, posted=True).search
    statement = page_statement(select_items(search, await load_queryables(owner)), 6, None)
    plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {statement.sql}", *statement.parameters))
    assert plan.count("Index Cond: (id = ANY") == 3, plan
