"""An item is found by its id, whatever date the id seems to name."""

import asyncpg
import pytest

from catalog.store.lookup import fetch_item
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

DAY = "2024-01-31T10:00:00Z"


@pytest.mark.parametrize(
    "name",
    ["S2A_20240131T100000", "S2A_20240201T000000_evening_before", "S2A_19990101", "nothing", "20240231"],
)
async def test_found(database_url: str, name: str) -> None:
    connection = await asyncpg.connect(
        database_url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    try:
        await upsert_collections(connection, [collection("lookup") | {"kakehashi:partition": "month"}])
        await upsert_items(connection, [item("lookup", name, DAY), item("lookup", f"{name}_other", DAY)])
        row = await fetch_item(connection, "lookup", name)
        assert row is not None
        assert row["id"] == name
        assert await fetch_item(connection, "lookup", f"{name}_none") is None
        assert await fetch_item(connection, "none", name) is None
    finally:
        await connection.close()
