"""`kakehashi db recount`: what collections hold, counted from scratch."""

import asyncio
from collections.abc import Sequence

from catalog.errors import ConfigurationError
from catalog.settings import DatabaseSettings
from catalog.store.database import INGEST_ROLE, open_database
from catalog.store.pool import open_pool
from catalog.store.statistics import recount
from catalog.store.writer import existing_collections
from commands.say import say


def recount_collections(names: Sequence[str], database: DatabaseSettings) -> None:
    """Count collections anew, one line each on standard error.

    Args:
        names: their ids; none: all.
        database: which database.

    Raises:
        ConfigurationError: one of them is not in the catalogue.
        StoreError: there is no database, it is not set up, or it takes no writes.
    """
    with open_database(database) as found:
        asyncio.run(_recount(names, database.model_copy(update={"database_url": found.url})))


async def _recount(names: Sequence[str], database: DatabaseSettings) -> None:
    pool = await open_pool(database, INGEST_ROLE, read_only=False)
    try:
        async with pool.connection() as connection:
            existing = await existing_collections(connection)
            if unknown := sorted(set(names) - existing):
                raise ConfigurationError(f"there is no collection {', '.join(unknown)} in the catalogue")
            for name in names or sorted(existing):
                counted = await recount(connection, name)
                if counted is not None:
                    say(f"{name}: {counted.items:,} items")
    finally:
        await pool.close()
