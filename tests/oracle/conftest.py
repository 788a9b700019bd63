"""A database with the oracle's items, and a reader on it."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

from catalog.settings import DatabaseSettings
from catalog.store import pages, timeline
from catalog.store.database import READ_ROLE
from catalog.store.pool import open_pool
from catalog.store.reader import Reader
from catalog.store.writer import upsert_collections, upsert_items, upsert_queryables
from tests.oracle.items import COLLECTIONS, QUERYABLES, collection, make_items


class Store:
    """The items, and a reader that a test without an event loop of its own can ask."""

    def __init__(self, url: str, runner: asyncio.Runner, reader: Reader, items: list[dict[str, Any]]) -> None:
        self.url = url
        self.items = items
        self.reader = reader
        self.run = runner.run


async def _load(url: str, items: list[dict[str, Any]]) -> None:
    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    try:
        await upsert_queryables(connection, QUERYABLES)
        await upsert_collections(connection, [collection(name) for name in COLLECTIONS])
        await upsert_items(connection, items)
        await connection.execute("ANALYZE pgstac.items")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def oracle_url(make_database: Callable[[str], str]) -> str:
    url = make_database("oracle")
    asyncio.run(_load(url, make_items()))
    return url


@pytest.fixture(scope="module")
def store(oracle_url: str) -> Iterator[Store]:
    """Slices of time are as small as can be, so that a page of a few items is put together from several."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(timeline, "_LEAST_ITEMS", 2)
        patch.setattr(timeline, "_WIDENING", 2)
        patch.setattr(pages, "_SPARE", 1)
        patch.setattr(pages, "_SPARE_IF_TRIED", 1)
        pool = runner.run(open_pool(DatabaseSettings(database_url=oracle_url), READ_ROLE))
        reader = Reader(pool)
        yield Store(oracle_url, runner, reader, make_items())
        runner.run(reader.close())
        runner.run(pool.close())
