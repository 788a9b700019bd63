"""Counting what is in the catalogue."""

import asyncpg
import pytest

from catalog.store import contents
from catalog.store.contents import Contents, count_contents
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item


async def test_a_small_catalogue_is_counted_and_a_large_one_estimated(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        assert await count_contents(connection) == Contents(0, 0, is_exact=True)
        await upsert_collections(
            connection, [collection("a"), collection("b") | {"kakehashi:partition": "month"}]
        )
        months = [f"2024-{month:02}-01T00:00:00Z" for month in range(1, 13)]
        await upsert_items(connection, [item("b", month, month) for month in months])
        await upsert_items(connection, [item("a", str(number)) for number in range(8)])
        assert await count_contents(connection) == Contents(2, 20, is_exact=True)
        monkeypatch.setattr(contents, "_COUNT_UP_TO", 20)
        await connection.execute("ANALYZE pgstac.items")
        assert await count_contents(connection) == Contents(2, 20, is_exact=False)
        # Without statistics it is at least what was counted.
        monkeypatch.setattr(contents, "_COUNT_UP_TO", 5)
        await connection.execute("UPDATE pg_class SET reltuples = -1 WHERE relname LIKE '\\_items\\_%'")
        assert await count_contents(connection) == Contents(2, 5, is_exact=False)
    finally:
        await connection.close()
