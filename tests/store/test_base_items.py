"""What items share with their collection, as it is remembered."""

import asyncio
from typing import Any, TypeAlias

import asyncpg
import orjson
import pytest

from catalog.store.rows import ITEM, BaseItems, items_of
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def make(connection: Connection, media_type: str) -> None:
    """Make the collection of the test, and an item that shares its asset's type."""
    shared = {"data": {"type": media_type}}
    await upsert_collections(connection, [collection("c", item_assets=shared)])
    one = item("c", "i", "2024-01-01T00:00:00Z") | {"assets": {"data": {"href": "x", "type": media_type}}}
    await upsert_items(connection, [one])


async def asset(connection: Connection, bases: BaseItems) -> dict[str, Any]:
    """Return the item's asset as it is served."""
    rows = await connection.fetch(ITEM, "c", "i")
    found: dict[str, Any] = orjson.loads((await items_of(connection, rows, bases))[0].members)["assets"][
        "data"
    ]
    return found


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_collection_that_is_made_again_does_not_change_its_items_for_long(
    fresh_database_url: str, is_told: bool
) -> None:
    """A replica tells of no changes: items had the members of the collection that was, until a restart."""
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        bases = BaseItems(ttl_s=60 if is_told else 0.1)
        await make(connection, "image/png")
        assert await asset(connection, bases) == {"href": "x", "type": "image/png"}
        await connection.execute("DELETE FROM pgstac.collections")
        await make(connection, "image/tiff")
        if is_told:
            bases.invalidate()
        else:
            await asyncio.sleep(0.1)
        assert await asset(connection, bases) == {"href": "x", "type": "image/tiff"}
    finally:
        await connection.close()


async def test_forgetting_while_another_base_item_is_read(fresh_database_url: str) -> None:
    """What a request knew was taken from it while it waited for the rest."""
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        for name in "ab":
            await upsert_collections(connection, [collection(name)])
            await upsert_items(connection, [item(name, "i", "2024-01-01T00:00:00Z")])
        rows = [await connection.fetchrow(ITEM, name, "i") for name in "ab"]
        bases = BaseItems()
        await items_of(connection, [rows[0]], bases)
        reading = asyncio.create_task(items_of(connection, rows, bases))
        await asyncio.sleep(0)
        bases.invalidate()
        assert [document.collection for document in await reading] == ["a", "b"]
    finally:
        await connection.close()
