"""The starter catalogue comes once, and changes nothing that is or was in the catalogue."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from catalog.settings import DatabaseSettings
from catalog.store.bookkeeping import remember_fingerprint
from catalog.store.deletion import Deleted, delete_item, delete_items
from catalog.store.writer import upsert_items
from commands.prepare import prepare
from commands.starter import load_starter
from tests.unit.documents import definitions

_COLLECTION = "sentinel-1-grd"


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[Any]:
    session = {"role": "kakehashi_ingest", "search_path": "pgstac,public", "timezone": "UTC"}
    connection = await asyncpg.connect(fresh_database_url, server_settings=session)
    yield connection
    await connection.close()


async def _items(connection: Any) -> dict[str, dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT id, pgstac.content_hydrate(items)::text AS item FROM pgstac.items WHERE collection = $1 ORDER BY id",
        _COLLECTION,
    )
    return {row["id"]: json.loads(row["item"]) for row in rows}


async def test_the_starter_catalogue_leaves_alone_what_was_harvested_and_deleted_since(
    connection: Any, fresh_database_url: str, tmp_path: Path
) -> None:
    """Loading it again after an upgrade took newer items back and revived deleted ones."""
    settings = DatabaseSettings(database_url=fresh_database_url, data_dir=tmp_path)
    await load_starter(settings, definitions())
    loaded = await _items(connection)
    changed, deleted, taken_out, absent, *_ = loaded
    newer = loaded[changed]
    newer["properties"]["title"] = "as it was harvested later"
    await upsert_items(connection, [newer])
    assert await delete_items(
        connection,
        "cdse",
        [Deleted(deleted, _COLLECTION, deleted, datetime(2024, 3, 1, tzinfo=UTC), None)],
    )
    async with connection.transaction():
        assert await delete_item(connection, _COLLECTION, taken_out)
    await connection.execute("DELETE FROM pgstac.items WHERE id = $1", absent)

    summaries = await load_starter(settings, definitions())

    assert sum(summary.written.inserted for summary in summaries) == 1
    assert sum(summary.written.updated for summary in summaries) == 0
    now = await _items(connection)
    assert now.keys() == loaded.keys() - {deleted, taken_out}
    assert now[changed]["properties"]["title"] == "as it was harvested later"


def test_an_upgrade_does_not_load_the_starter_catalogue_again(
    fresh_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def note() -> None:
        connection = await asyncpg.connect(fresh_database_url)
        await remember_fingerprint(connection, "starter catalogue", "of another release")
        await connection.close()

    asyncio.run(note())
    settings = DatabaseSettings(data_dir=tmp_path)
    assert prepare(settings, fresh_database_url).items == 0
    assert "starter" not in capsys.readouterr().err
