"""Changing single items and collections for whoever may, each change in one transaction.

An item is locked by the same lock that loads take for its part of the collection
(`catalog.store.batch`), a collection by its row, so that what was read is what is replaced, whoever else
writes. What is written goes through the same code as a load.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from catalog.errors import Conflict, InvalidRequest, KakehashiError, NotFound, WriteRefused
from catalog.store.batch import LOCK_SHARDS
from catalog.store.collections import StoredCollection, read_collection
from catalog.store.deletion import delete_item
from catalog.store.hydrate import Document
from catalog.store.pool import Connections
from catalog.store.prepared import SHARDS, shard_of
from catalog.store.rows import ITEM, BaseItems, items_of
from catalog.store.statistics import fold_changes
from catalog.store.writer import upsert_collections, upsert_items
from catalog.store.written import Written

if TYPE_CHECKING:
    from catalog.store.connection import Connection

log = logging.getLogger(__name__)

_FOLD_AFTER_S = 30.0
# Whoever writes a collection holds its row (`catalog.store.following`).
_HOLD_TO_CHANGE = "SELECT FROM pgstac.collections WHERE id = $1 FOR NO KEY UPDATE"
# The same, and nobody can add items to it: their foreign key holds the row as well.
_HOLD_TO_DELETE = "SELECT FROM pgstac.collections WHERE id = $1 FOR UPDATE"
_EXISTING = "SELECT id FROM pgstac.items WHERE collection = $1 AND id = ANY($2::text[]) ORDER BY id LIMIT 1"

Item = Mapping[str, Any]
# Makes the new document of the one that is there; what it raises ends the transaction.
ChangeItem = Callable[[Document], Item]
ChangeCollection = Callable[[StoredCollection], Item]
# Looks at what is there; what it raises ends the transaction.
CheckItem = Callable[[Document], None]
CheckCollection = Callable[[StoredCollection], None]


class Editor:
    """Changes items and collections."""

    def __init__(self, pool: Connections, fold_after_s: float = _FOLD_AFTER_S) -> None:
        """Write through a pool of the ingest role, which is closed by whoever opened it.

        Args:
            pool: of connections.
            fold_after_s: seconds after an edit until the figures of its collection are brought up to date.
        """
        self._pool = pool
        self._fold_after_s = fold_after_s
        self._to_fold: set[str] = set()
        self._folding: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Leave the figures that are not brought up to date yet to others; before the pool is closed."""
        for task in self._folding:
            task.cancel()
        await asyncio.gather(*self._folding, return_exceptions=True)

    @asynccontextmanager
    async def _changing(self, collection: str) -> AsyncIterator["Connection"]:
        """Give a connection in a transaction that changes items; what it changed is added up soon."""
        async with self._pool.connection() as connection, connection.transaction():
            yield connection
        if collection not in self._to_fold:
            self._to_fold.add(collection)
            task = asyncio.create_task(self._fold(collection))
            self._folding.add(task)
            task.add_done_callback(self._folding.discard)

    async def _fold(self, collection: str) -> None:
        """Add up what was recorded, once for all edits of some seconds; where no harvest runs, nobody else does."""
        await asyncio.sleep(self._fold_after_s)
        self._to_fold.discard(collection)  # an edit from now on may come too late for this time
        try:
            async with self._pool.connection() as connection:
                await fold_changes(connection, [collection])
        except KakehashiError as error:
            log.warning("the figures of %s are brought up to date later: %s", collection, error)

    async def create_items(self, collection: str, items: Sequence[Item]) -> None:
        """Add items, all of them or none.

        Raises:
            NotFound: there is no such collection.
            Conflict: one of the items is there already, or comes twice.
            InvalidRequest: an item cannot be stored.
        """
        names = [str(item["id"]) for item in items]
        if len(set(names)) < len(names):
            raise Conflict("two of the items have the same id")
        async with self._changing(collection) as connection:
            await _lock(connection, collection, names)
            existing = await connection.fetchval(_EXISTING, collection, names)
            if existing is not None:
                raise Conflict(f"collection {collection} has an item {existing} already")
            await _write(connection, items)

    async def put_items(self, collection: str, items: Sequence[Item]) -> Written:
        """Add or replace items, all of them or none; of two with the same id the last one counts.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: an item cannot be stored.
        """
        async with self._changing(collection) as connection:
            await _lock(connection, collection, [str(item["id"]) for item in items])
            return await _write(connection, items)

    async def change_item(self, collection: str, name: str, change: ChangeItem) -> Document:
        """Replace an item by what is made of it; return what is there then.

        Raises:
            NotFound: there is no such item.
            InvalidRequest: the new item cannot be stored.
        """
        async with self._changing(collection) as connection:
            await _lock(connection, collection, [name])
            await _write(connection, [change(await _item(connection, collection, name))])
            return await _item(connection, collection, name)

    async def delete_item(self, collection: str, name: str, check: CheckItem) -> bool:
        """Delete an item; return whether there was one.

        Raises:
            NotFound: there is no such collection.
        """
        async with self._changing(collection) as connection:
            await _lock(connection, collection, [name])
            try:
                check(await _item(connection, collection, name))
            except NotFound:
                return False
            return await delete_item(connection, collection, name)

    async def create_collections(self, collections: Sequence[Item]) -> None:
        """Add collections, all of them or none.

        Raises:
            Conflict: one of them is there already, or comes twice.
            InvalidRequest: a collection cannot be stored.
        """
        names = [str(collection["id"]) for collection in collections]
        if len(set(names)) < len(names):
            raise Conflict("two of the collections have the same id")
        async with self._pool.connection() as connection, connection.transaction():
            # In one order, so that two who make the same collections never wait for each other.
            for collection in sorted(collections, key=lambda collection: str(collection["id"])):
                try:
                    await _write_collection(connection, collection, replace=False)
                except asyncpg.UniqueViolationError as error:
                    raise Conflict(f"there is a collection {collection['id']} already") from error

    async def change_collection(self, name: str, change: ChangeCollection) -> StoredCollection:
        """Replace a collection by what is made of it; return what is there then.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: the new collection cannot be stored.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_HOLD_TO_CHANGE, name)
            await _write_collection(connection, change(await _collection(connection, name)))
            return await _collection(connection, name)

    async def delete_collection(self, name: str, check: CheckCollection) -> bool:
        """Delete a collection without items; return whether there was one.

        Raises:
            Conflict: it has items. So much is not deleted by one request.
        """
        async with self._pool.connection() as connection, connection.transaction():
            # Before the row: a load that waited for it would keep us from its tables in turn.
            await connection.execute(LOCK_SHARDS, [name] * SHARDS, list(range(SHARDS)))
            await connection.execute(_HOLD_TO_DELETE, name)
            try:
                check(await _collection(connection, name))
            except NotFound:
                return False
            if await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pgstac.items WHERE collection = $1)", name
            ):
                raise Conflict(f"collection {name} has items; delete them first")
            await connection.execute("DELETE FROM pgstac.collections WHERE id = $1", name)
            return True


async def _lock(connection: "Connection", collection: str, names: Sequence[str]) -> None:
    """Keep others from writing some items of a collection until the transaction ends.

    Raises:
        NotFound: there is no such collection.
    """
    shards = sorted({shard_of(name) for name in names})
    await connection.execute(LOCK_SHARDS, [collection] * len(shards), shards)
    await _collection(connection, collection)


async def _item(connection: "Connection", collection: str, name: str) -> Document:
    rows = await connection.fetch(ITEM, collection, name)
    if not rows:
        raise NotFound(f"collection {collection} has no item {name}")
    return (await items_of(connection, rows, BaseItems()))[0]


async def _collection(connection: "Connection", name: str) -> StoredCollection:
    found = await read_collection(connection, name)
    if found is None:
        raise NotFound(f"there is no collection {name}")
    return found


async def _write(connection: "Connection", items: Sequence[Item]) -> Written:
    try:
        return await upsert_items(connection, items)
    except WriteRefused as error:
        raise InvalidRequest("body", str(error)) from error


async def _write_collection(connection: "Connection", collection: Item, *, replace: bool = True) -> None:
    try:
        await upsert_collections(connection, [collection], replace=replace)
    except asyncpg.UniqueViolationError:
        raise
    except (asyncpg.DataError, asyncpg.RaiseError, asyncpg.IntegrityConstraintViolationError) as error:
        raise InvalidRequest(
            "body", f"the collection cannot be stored: {' '.join(str(error).split())}"
        ) from error
