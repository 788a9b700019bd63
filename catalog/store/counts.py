"""Counting what a search matches, within a moment or not at all."""

import time
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.keyset import Statement
from catalog.store.search import Search, count_statement

if TYPE_CHECKING:
    from catalog.store.pool import Connection

_TIMEOUT_MS = 300
# After a count was given up, the same search is not counted again for so many seconds.
_REST_S = 60.0
_REMEMBERED = 1_000


class BoundedCounts:
    """Exact counts; which searches are too slow to count is remembered for a while."""

    def __init__(self) -> None:
        self._uncountable: dict[str, float] = {}

    async def count(self, connection: "Connection", search: Search, where: Statement) -> int | None:
        """Return how many items match, or None: a count is never the reason of an error."""
        fingerprint = search.fingerprint
        if self._uncountable.get(fingerprint, 0.0) > time.monotonic():
            return None
        statement = count_statement(where)
        try:
            async with connection.transaction(readonly=True):
                await connection.execute(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
                matched: int = await connection.fetchval(statement.sql, *statement.parameters)
                return matched
        except asyncpg.QueryCanceledError:
            while len(self._uncountable) >= _REMEMBERED:
                self._uncountable.pop(next(iter(self._uncountable)))
            self._uncountable[fingerprint] = time.monotonic() + _REST_S
            return None
