"""What the application holds while it runs: the pool and the reader on it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from app.settings import ApiSettings
from catalog.errors import DatabaseUnreachable
from catalog.settings import DatabaseSettings
from catalog.store.database import READ_ROLE
from catalog.store.pool import open_pool
from catalog.store.reader import Reader


class ReaderHolder:
    """Where routes find the reader, which exists between start and stop alone."""

    def __init__(self) -> None:
        self._reader: Reader | None = None

    @property
    def reader(self) -> Reader:
        """The reader.

        Raises:
            DatabaseUnreachable: the application has not started, or has stopped.
        """
        if self._reader is None:
            raise DatabaseUnreachable("the server is not running")
        return self._reader

    @asynccontextmanager
    async def opened(self, database: DatabaseSettings, token_key: bytes | None) -> AsyncIterator[None]:
        """Have a reader inside the block. The database need not be there yet."""
        pool = await open_pool(database, READ_ROLE)
        try:
            self._reader = Reader(pool, token_key)
            yield
        finally:
            if self._reader is not None:
                await self._reader.close()
            self._reader = None
            await pool.close()


def make_lifespan(
    holder: ReaderHolder, settings: ApiSettings, database: DatabaseSettings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of an application, which opens and closes its pool."""
    key = settings.page_token_key
    token_key = key.get_secret_value().encode() if key else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with holder.opened(database, token_key):
            yield

    return lifespan
