"""What the application holds while it runs: connections, the reader on them, who watches the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from app.memory import keep_freed_memory, long_lived_objects
from app.settings import ApiSettings
from catalog.errors import DatabaseUnreachable
from catalog.settings import DatabaseSettings
from catalog.store.changes import Changes
from catalog.store.database import INGEST_ROLE, READ_ROLE
from catalog.store.editor import Editor
from catalog.store.pool import database_url_of, open_pool, session_settings
from catalog.store.reader import Reader
from catalog.store.replicas import Replicas, Server, open_replicas


class ReaderHolder:
    """Where routes find the reader, which exists between start and stop alone.

    Attributes:
        changes: whether the catalogue itself changed.
    """

    def __init__(self, catalogue_ttl_s: float) -> None:
        """Begin without a reader.

        Args:
            catalogue_ttl_s: seconds that answers are remembered while the database tells of no changes.
        """
        self.changes = Changes(catalogue_ttl_s, self._forget)
        self._reader: Reader | None = None
        self._replicas: Replicas | None = None

    @property
    def reader(self) -> Reader:
        """The reader.

        Raises:
            DatabaseUnreachable: the application has not started, or has stopped.
        """
        if self._reader is None:
            raise DatabaseUnreachable("the server is not running")
        return self._reader

    @property
    def servers(self) -> list[Server]:
        """The database servers that are read from, as they were seen last."""
        return self._replicas.servers if self._replicas else []

    @asynccontextmanager
    async def opened(self, database: DatabaseSettings, settings: ApiSettings) -> AsyncIterator[None]:
        """Have a reader inside the block. The database need not be there yet."""
        key = settings.page_token_key
        token_key = key.get_secret_value().encode() if key else None
        self._replicas = await open_replicas(database, READ_ROLE)
        self._reader = reader = Reader(self._replicas, token_key, settings.max_page_bytes)
        watching = asyncio.ensure_future(self._watch(database, self._replicas))
        try:
            yield
        finally:
            self._reader = None
            await reader.close()
            watching.cancel()
            await asyncio.wait((watching,))
            await self._replicas.close()

    def _forget(self) -> None:
        if self._reader is not None:
            self._reader.invalidate()

    async def _watch(self, database: DatabaseSettings, replicas: Replicas) -> None:
        """Keep an eye on the servers if there are several; listen for changes if there is one."""
        if len(replicas.servers) > 1 or database.database_read_urls:
            # A standby takes no listeners, and has a change a little later than the primary tells of it.
            await replicas.watch()
        else:
            await self.changes.listen(database_url_of(database), session_settings(database, READ_ROLE))


class EditorHolder:
    """Where routes find the editor, if the catalogue may be changed through this application."""

    def __init__(self) -> None:
        self._editor: Editor | None = None

    @property
    def editor(self) -> Editor:
        """The editor.

        Raises:
            DatabaseUnreachable: the application has not started, or has stopped.
        """
        if self._editor is None:
            raise DatabaseUnreachable("the server is not running")
        return self._editor

    @asynccontextmanager
    async def opened(self, database: DatabaseSettings) -> AsyncIterator[None]:
        """Have an editor inside the block. The database need not be there yet."""
        pool = await open_pool(database, INGEST_ROLE, read_only=False)
        self._editor = editor = Editor(pool)
        try:
            yield
        finally:
            self._editor = None
            await editor.close()
            await pool.close()


def make_lifespan(
    holder: ReaderHolder, editors: EditorHolder | None, settings: ApiSettings, database: DatabaseSettings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of an application, which opens and closes its pools."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(holder.opened(database, settings))
            if editors is not None:
                await stack.enter_async_context(editors.opened(database))
            keep_freed_memory()
            stack.enter_context(long_lived_objects())
            yield

    return lifespan
