"""However items with texts are found, by the index first or on a walk, they are the same."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from catalog.freetext import read_free_text
from catalog.settings import DatabaseSettings
from catalog.store import merging
from catalog.store.database import READ_ROLE
from catalog.store.pool import open_pool
from catalog.store.reader import Reader
from catalog.store.search import Search, SortKey
from catalog.store.writer import upsert_collections, upsert_items, upsert_translations
from tests.api.texts import COLLECTIONS, ITEMS, TRANSLATIONS

QUERIES = [
    "富士山",
    "fuji OR だいち",
    "NOT fuji",
    "だいち AND fuji",
    "GC1SG1_03 OR typhoon OR ALOS",
    "台風 -だいち",
]
SORTS = [
    (SortKey("datetime", descending=True),),
    (SortKey("collection"), SortKey("datetime")),
    (SortKey("id", descending=True),),
]


@pytest.fixture
async def reader(fresh_database_url: str) -> AsyncIterator[Reader]:
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        await upsert_collections(connection, COLLECTIONS)
        await upsert_translations(connection, "ja", TRANSLATIONS)
        await upsert_items(connection, ITEMS)
    finally:
        await connection.close()
    pool = await open_pool(DatabaseSettings(database_url=fresh_database_url), READ_ROLE)
    reader = Reader(pool)
    yield reader
    await reader.close()
    await pool.close()


async def _walk(reader: Reader, search: Search) -> list[str]:
    found = []
    page = await reader.search(search)
    found += [document.id for document in page.documents]
    while page.next:
        page = await reader.search(replace(search, token=page.next))
        found += [document.id for document in page.documents]
    return found


async def test_both_ways_are_the_same(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    searches = [
        Search(text=read_free_text(query), sort=sort, limit=limit)
        for query in QUERIES
        for sort in SORTS
        for limit in (2, 100)
    ]
    by_index = [await _walk(reader, search) for search in searches]
    assert all(by_index)
    monkeypatch.setattr(merging, "_FEW", 0)
    assert [await _walk(reader, search) for search in searches] == by_index


async def test_what_is_written_now_is_found_soon(reader: Reader, fresh_database_url: str) -> None:
    """A collection none of whose items said anything begins to."""
    search = Search(text=read_free_text("オーロラ"))
    assert (await reader.search(search)).documents == []
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        silent = next(item for item in ITEMS if item["id"] == "HS_H09_02")
        properties = {**silent["properties"], "title": "オーロラ"}
        await upsert_items(
            connection, [{**silent, "id": "new", "collection": "two-places", "properties": properties}]
        )
    finally:
        await connection.close()
    # What is remembered of the database is renewed after seconds, or when it tells of a change.
    reader.invalidate()
    page = await reader.search(search)
    assert [document.id for document in page.documents] == ["new"]
