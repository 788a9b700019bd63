"""Edits of collections while others write: nothing that was committed is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import asyncpg
import pytest

from catalog.errors import Conflict, WriteRefused
from catalog.settings import DatabaseSettings
from catalog.store.collections import StoredCollection
from catalog.store.database import INGEST_ROLE
from catalog.store.editor import Editor
from catalog.store.pool import open_pool
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

Connection = Any


@pytest.fixture
async def editor(database_url: str) -> AsyncIterator[Editor]:
    pool = await open_pool(DatabaseSettings(), INGEST_ROLE, read_only=False, url=database_url)
    editor = Editor(pool)
    yield editor
    await editor.close()
    await pool.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Connection]:
    """Somebody else's connection, as a load has it."""
    connection = await _connect(database_url)
    yield connection
    await connection.close()


async def _connect(url: str) -> Connection:
    session = {"role": INGEST_ROLE, "search_path": "pgstac,public", "timezone": "UTC"}
    return await asyncpg.connect(url, server_settings=session)


async def _when_it_waits(
    watching: Connection, work: Awaitable[Any], waiting: int = 1
) -> "asyncio.Future[Any]":
    """Begin something, and return when the database keeps so many waiting for a lock."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(10):
        while await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < waiting:
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
    return task


async def _plain_insert(connection: Connection, name: str) -> None:
    """Write an item as a tool does that knows none of our locks."""
    await connection.execute(
        """
        INSERT INTO pgstac.items (id, geometry, collection, datetime, end_datetime, content)
        VALUES ('a', ST_GeomFromText('POINT(0 0)', 4326), $1, '2024-05-01Z', '2024-05-01Z', '{"properties": {}}')
        """,
        name,
    )


@pytest.mark.parametrize("by", ["a load", "another tool"])
async def test_a_collection_is_not_deleted_while_a_load_commits_items(
    editor: Editor, other: Connection, by: str
) -> None:
    """The question for items did not wait for the load; the deletion did, and took its items along."""
    name = by.replace(" ", "-")
    await upsert_collections(other, [collection(name)])
    # So that there is a partition.
    await upsert_items(other, [item(name, "before")])
    await other.execute("DELETE FROM pgstac.items WHERE collection = $1", name)
    async with other.transaction():
        if by == "a load":
            await upsert_items(other, [item(name, "a")])
        else:
            await _plain_insert(other, name)
        deletion = await _when_it_waits(other, editor.delete_collection(name, lambda _: None))
    with pytest.raises(Conflict, match="has items"):
        await deletion
    assert await other.fetchval("SELECT id FROM pgstac.items WHERE collection = $1", name) == "a"


async def test_a_load_that_begins_while_its_collection_is_deleted_is_refused(
    editor: Editor, other: Connection, database_url: str
) -> None:
    """Neither waits for what the other has, and no item goes unnoticed."""
    await upsert_collections(other, [collection("going")])
    await upsert_items(other, [item("going", "before")])
    await other.execute("DELETE FROM pgstac.items WHERE collection = 'going'")
    loading = await _connect(database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM pgstac.collections WHERE id = 'going' FOR KEY SHARE")
            deletion = await _when_it_waits(other, editor.delete_collection("going", lambda _: None))
            load = await _when_it_waits(other, upsert_items(loading, [item("going", "a")]), waiting=2)
        assert await deletion
        with pytest.raises(WriteRefused, match="there is no collection 'going'"):
            await load
    finally:
        await loading.close()


async def test_an_edit_sees_what_the_harvest_made_of_a_collection_meanwhile(
    editor: Editor, other: Connection
) -> None:
    """It read the collection before it waited for the harvest, and put the old one over the new one."""
    await upsert_collections(other, [collection("edited", title="One")])
    seen = []

    def change(old: StoredCollection) -> dict[str, Any]:
        seen.append(old.content["title"])
        return collection("edited", title=old.content["title"], keywords=["edited"])

    async with other.transaction():
        await upsert_collections(other, [collection("edited", title="Two")])
        edit = await _when_it_waits(other, editor.change_collection("edited", change))
    changed = (await edit).content
    assert (seen, changed["title"], changed["keywords"]) == (["Two"], "Two", ["edited"])


async def test_a_collection_that_the_harvest_makes_meanwhile_is_not_replaced(
    editor: Editor, other: Connection
) -> None:
    async with other.transaction():
        await upsert_collections(other, [collection("both", title="harvested")])
        making = await _when_it_waits(other, editor.create_collections([collection("both", title="made")]))
    with pytest.raises(Conflict, match="there is a collection both already"):
        await making
    stored = await other.fetchval("SELECT content ->> 'title' FROM pgstac.collections WHERE id = 'both'")
    assert stored == "harvested"


async def test_a_collection_is_replaced_while_others_load_items_of_it_and_add_up_its_figures(
    editor: Editor, other: Connection, database_url: str
) -> None:
    """Both hold its row; who wrote a collection waited for them, and they for it: a deadlock."""
    await upsert_collections(other, [collection("busy")])
    await upsert_items(other, [item("busy", "before")])  # makes the partition
    harvesting = await _connect(database_url)
    try:
        async with other.transaction(), asyncio.timeout(10):
            await upsert_items(other, [item("busy", "a")])
            await other.execute("SELECT FROM pgstac.collections WHERE id = 'busy' FOR KEY SHARE")
            assert await upsert_collections(harvesting, [collection("busy", title="Harvested")]) == 1
            await editor.change_collection("busy", lambda old: collection("busy", title=f"{old.id} edited"))
            assert await upsert_collections(harvesting, [collection("busy", title="busy edited")]) == 0
    finally:
        await harvesting.close()
