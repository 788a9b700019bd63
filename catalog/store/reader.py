"""Reading the catalogue: items, searches, health. Writes nothing."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import asyncpg

from catalog.aggregation import Asked
from catalog.errors import InvalidRequest, NotFound, StoreError
from catalog.status import Status
from catalog.store.aggregating import aggregate
from catalog.store.collection_reader import CollectionReader
from catalog.store.counts import Count, Counts
from catalog.store.hydrate import Document
from catalog.store.item_text import collections_with_item_text, divide
from catalog.store.large_pages import LargePages, PageSize
from catalog.store.lookup import fetch_item
from catalog.store.merging import by_found_ids, merge_pages
from catalog.store.page import Page
from catalog.store.pages import fetch_page
from catalog.store.planning import select_items
from catalog.store.pool import Connections
from catalog.store.queryables import load_queryables
from catalog.store.rows import (
    HEALTH,
    BaseItems,
    items_of,
)
from catalog.store.search import Search
from catalog.store.snapshot import Snapshot
from catalog.store.status import read_status
from catalog.store.timeline import load_timelines
from catalog.store.token import Position, read_token, write_token

if TYPE_CHECKING:
    from catalog.store.connection import Connection

    _Fetched = tuple[list[asyncpg.Record], bool, Count | None]

# Ages in seconds from which on what is remembered of the database is read again.
_QUERYABLES_TTL_S = 10.0
_TIMELINES_TTL_S = 60.0
_ITEM_TEXT_TTL_S = 5.0
MAX_PAGE_BYTES = 33_554_432


@dataclass(frozen=True)
class Health:
    """What the database says of itself.

    Attributes:
        pgstac: version of pgstac.
        schema: number of the last migration of ours.
        collections: how many there are.
    """

    pgstac: str
    schema: int
    collections: int


class Reader:
    """The read path. What it remembers (`invalidate`) makes it fast, and is read again when it is old.

    Attributes:
        collections: reads the collections.
    """

    def __init__(
        self, pool: Connections, token_key: bytes | None = None, max_page_bytes: int = MAX_PAGE_BYTES
    ) -> None:
        """Read through a pool of the read role.

        Args:
            pool: closed by whoever opened it.
            token_key: secret that signs page tokens; None: the one kept in the database, so that
                all processes on it understand each other's tokens.
            max_page_bytes: a page whose items come to more is shorter than its limit.
        """
        self._pool = pool
        self._token_key = token_key
        self.collections = CollectionReader(pool, self._key)
        self._max_page_bytes = max_page_bytes
        self._large_pages = LargePages()
        self._counts = Counts(pool)
        self._bases = BaseItems()
        self._queryables = Snapshot(pool, load_queryables, _QUERYABLES_TTL_S)
        self._timelines = Snapshot(pool, load_timelines, _TIMELINES_TTL_S)
        self._with_text = Snapshot(pool, collections_with_item_text, _ITEM_TEXT_TTL_S)

    def invalidate(self) -> None:
        """Forget what is remembered of the database: somebody changed collections or queryables."""
        self._bases.invalidate()
        self._queryables.invalidate()
        self._timelines.invalidate()
        self._with_text.invalidate()

    async def close(self) -> None:
        """End what runs in the background. The pool stays open."""
        await self._counts.close()
        await self._queryables.close()
        await self._timelines.close()
        await self._with_text.close()

    async def search(self, search: Search) -> Page:
        """Return one page of the items that match.

        Raises:
            InvalidRequest: unknown sort key, a token of others, or a filter the database refuses.
            QueryTimeout: it took longer than the statement timeout.
            DatabaseUnreachable: no connection.
            DatabaseBusy: too many requests at once.
        """
        size = await self._large_pages.begin(search.limit)
        try:
            return await self._search(search, size)
        finally:
            size.end()

    async def _search(self, search: Search, size: PageSize) -> Page:
        async with self._pool.connection() as connection, _client_errors(search):
            position = None
            if search.token is not None:
                key = await self._key(connection)
                position = read_token(search.token, key, search.fingerprint)
            fetch = self._fetch if search.text is None else self._fetch_divided
            rows, more, count = await fetch(connection, search, position, size)
            if not rows and position is not None and not position.forward:
                # All that lay before the place was deleted: what follows it is the first page now.
                position = None
                rows, more, count = await fetch(connection, search, position, size)
            documents = await items_of(connection, rows, self._bases)
            following, previous = await self._tokens(connection, search, rows, position, more)
        return Page(documents, count, following, previous)

    async def _fetch(
        self, connection: "Connection", search: Search, position: Position | None, size: PageSize
    ) -> "_Fetched":
        """Return the rows of a page, whether more lie behind them, and how many there are in all."""
        selection = select_items(search, await self._queryables.get(connection))
        timeline = (await self._timelines.get(connection)).of(search.collections)
        begun = time.monotonic()
        if position is None:
            self._counts.begin(search, selection, timeline)
        rows, more = await fetch_page(
            connection, search, selection, position, timeline, self._max_page_bytes, size
        )
        if position is None and not more:
            return rows, more, Count(len(rows))
        took_s = time.monotonic() - begun
        return rows, more, await self._counts.finish(connection, search, selection, timeline, took_s)

    async def _fetch_divided(
        self, connection: "Connection", search: Search, position: Position | None, size: PageSize
    ) -> "_Fetched":
        """Return the same of a search with free text, which is several without."""
        queryables = await self._queryables.get(connection)
        keys = select_items(replace(search, text=None), queryables).keys
        parts = [
            found
            for part in await self.without_text(connection, search)
            if (found := await by_found_ids(connection, part, queryables)) is not None
        ]
        fetched = [await self._fetch(connection, part, position, size) for part in parts]
        if len(fetched) < 2:
            return fetched[0] if fetched else ([], False, Count(0))
        counts = [count for _, _, count in fetched if count is not None]
        count = sum(counts, Count(0)) if len(counts) == len(fetched) else None
        backward = position is not None and not position.forward
        pages = [(rows, more) for rows, more, _ in fetched]
        rows, more = await merge_pages(connection, pages, keys, search.limit, backward=backward)
        return rows, more, count

    async def aggregate(self, search: Search, asked: Sequence[Asked]) -> list[dict[str, Any]]:
        """Return aggregations of the items that match, in the form of the Aggregation extension.

        Raises:
            InvalidRequest: a filter the database refuses.
            QueryTimeout: it took longer than the statement timeout.
            DatabaseUnreachable: no connection.
        """
        async with self._pool.connection() as connection, _client_errors(search):
            queryables = await self._queryables.get(connection)
            # Its filter may be wrong also where no collection has its text.
            select_items(replace(search, text=None), queryables)
            parts = await self.without_text(connection, search)
            return await aggregate(connection, parts, asked, queryables)

    async def without_text(self, connection: "Connection", search: Search) -> list[Search]:
        """Return searches without free text that find between them, each once, what a search finds."""
        if search.text is None:
            return [search]
        collections, matches = await self.collections.matches(connection, search.text)
        return divide(search, collections, matches, await self._with_text.get(connection))

    async def item(self, collection: str, name: str) -> Document:
        """Return one item.

        Raises:
            NotFound: no such item, or no such collection; says which.
        """
        async with self._pool.connection() as connection:
            row = await fetch_item(connection, collection, name)
            if row is not None:
                return (await items_of(connection, [row], self._bases))[0]
            await _require_collection(connection, collection)
        raise NotFound(f"collection {collection} has no item {name}")

    async def require_collection(self, name: str) -> None:
        """Do nothing if there is a collection of this id.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            await _require_collection(connection, name)

    async def health(self) -> Health:
        """Ask the database how it is.

        Raises:
            StoreError: it is away, or not set up.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(HEALTH)
        if row is None or row["pgstac"] is None or row["schema"] is None:
            raise StoreError("the database is not set up (`kakehashi db migrate`)")
        return Health(row["pgstac"], row["schema"], row["collections"])

    async def status(self) -> Status:
        """Tell how fresh and how complete the catalogue is.

        Raises:
            StoreError: the database is away, or not set up.
        """
        async with self._pool.connection() as connection:
            return await read_status(connection)

    async def _key(self, connection: "Connection") -> bytes:
        if self._token_key is None:
            key = await connection.fetchval("SELECT value FROM kakehashi.secret WHERE name = 'page-token'")
            if not key:
                raise StoreError("the key of page tokens is missing from kakehashi.secret")
            self._token_key = bytes(key)
        return self._token_key

    async def _tokens(
        self,
        connection: "Connection",
        search: Search,
        rows: Sequence[asyncpg.Record],
        position: Position | None,
        more: bool,
    ) -> tuple[str | None, str | None]:
        """Return the tokens of the next and the previous page."""
        backward = position is not None and not position.forward
        has_next = bool(rows) and (more or backward)
        has_previous = bool(rows) and (more if backward else position is not None)
        if not (has_next or has_previous):
            return None, None
        key = await self._key(connection)

        def beside(row: asyncpg.Record, *, forward: bool) -> str:
            place = Position(
                forward, search.fingerprint, tuple(row["sort_values"]), row["collection"], row["id"]
            )
            return write_token(place, key)

        return (
            beside(rows[-1], forward=True) if has_next else None,
            beside(rows[0], forward=False) if has_previous else None,
        )


async def _require_collection(connection: "Connection", name: str) -> None:
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pgstac.collections WHERE id = $1)", name):
        raise NotFound(f"there is no collection {name}")


@asynccontextmanager
async def _client_errors(search: Search) -> AsyncIterator[None]:
    """Tell what a client's filter made the database refuse from a fault of ours.

    Raises:
        InvalidRequest: a value that does not fit its property, or a filter too large to plan.
    """
    try:
        yield
    except (
        asyncpg.DataError,
        asyncpg.RaiseError,
        asyncpg.ProgramLimitExceededError,
        asyncpg.UndefinedFunctionError,
        asyncpg.AmbiguousFunctionError,
        asyncpg.DatatypeMismatchError,
    ) as error:
        if search.filter is None:
            raise
        raise InvalidRequest("filter", " ".join(str(error).split())[:300]) from error
