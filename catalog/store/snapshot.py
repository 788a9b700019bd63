"""What a process remembers of the database for a while, so that searches need not ask for it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import asyncpg

from catalog.errors import StoreError

if TYPE_CHECKING:
    from catalog.store.connection import Connection
    from catalog.store.pool import Connections

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Snapshot(Generic[T]):
    """A value read from the database, read again when it is old or was invalidated.

    An old value is still given out while the new one is being read, so that no request waits for it;
    an invalidated one is not.
    """

    def __init__(
        self, pool: "Connections", load: "Callable[[Connection], Awaitable[T]]", ttl_s: float
    ) -> None:
        """Read nothing yet.

        Args:
            pool: where connections come from when an old value is renewed.
            load: reads the value.
            ttl_s: age in seconds from which on it is old.
        """
        self._pool = pool
        self._load = load
        self._ttl_s = ttl_s
        self._value: T | None = None
        self._read_at = 0.0
        self._generation = 0
        self._renewal: asyncio.Task[None] | None = None

    def invalidate(self) -> None:
        """Have it read again before it is used again."""
        self._value = None
        self._generation += 1

    async def get(self, connection: "Connection") -> T:
        """Return the value; reads it by this connection if there is none."""
        value = self._value
        if value is None:
            return await self._read(connection)
        if time.monotonic() - self._read_at > self._ttl_s and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._renew())
        return value

    async def close(self) -> None:
        """Give up a renewal that is under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    async def _read(self, connection: "Connection") -> T:
        generation = self._generation
        value = await self._load(connection)
        if generation == self._generation:
            self._value, self._read_at = value, time.monotonic()
        return value

    async def _renew(self) -> None:
        try:
            async with self._pool.connection() as connection:
                await self._read(connection)
        except (StoreError, asyncpg.PostgresError) as error:
            # Requests meet the same trouble and tell of it; the old value serves until then.
            logger.warning("what is known of the database could not be renewed: %s", error)
            self._read_at = time.monotonic()
