"""Sinks: the catalogue, written in batches, and a file of NDJSON."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from catalog import jsontext
from catalog.definitions import Definitions
from catalog.errors import RecordRefused
from catalog.homes import load_homes
from catalog.store.batch import Guard
from catalog.store.defined import upsert_defined
from catalog.store.deletion import Deleted, delete_items
from catalog.store.loader import Loader
from catalog.store.overtaken import without_known, without_overtaken, without_renewed
from catalog.store.prepared import Key, PreparedItem
from catalog.store.quarantine import Quarantined, quarantine
from catalog.store.writer import existing_collections, upsert_collections, upsert_translations
from catalog.store.written import Written
from ingest.contract import Collection, Item, Record, Tombstone
from ingest.identity import join, parted
from ingest.report import Refusal

if TYPE_CHECKING:
    from catalog.store.connection import Connection

Describe = Callable[[str], Awaitable[Collection | None]]
# When the upstream was asked for a record, by the database's clock.
AskedAt = Callable[[Record], datetime]
# When a record was refused that is tried again.
RefusedAt = Callable[[Record], datetime]
_MAX_NATIVE = 1_000_000


class CatalogueSink:
    """Writes items in batches, each in one transaction; one that cannot be stored is left out alone.

    Full batches are written in the background, so that the database works while records are read. A
    collection that is not in the catalogue yet is made when its first item comes: from our
    definitions, else from what the upstream says of it.
    """

    def __init__(
        self,
        connection: "Connection",
        source: str,
        definitions: Definitions,
        describe: Describe,
        batch_size: int,
        guard: Guard | None = None,
        asked_at: AskedAt | None = None,
        *,
        refused_at: RefusedAt | None = None,
        only_new: bool = False,
    ) -> None:
        """Use a connection of the ingest role.

        Args:
            connection: for the sink alone as long as it is used.
            source: whose items come.
            definitions: our collections.
            describe: asks the upstream for a collection.
            batch_size: items of one transaction.
            guard: asked at the beginning of each transaction that writes; raises if it must not.
            asked_at: when each record was asked for: what the upstream deleted since is not written. None: it
                is written whatever was deleted, such as a file that somebody chose to load.
            refused_at: where refused records are tried again: an item that was made of what the upstream said
                after its record was refused stays as it is.
            only_new: whether nothing is written of an item that the catalogue has, or had.
        """
        self._connection = connection
        self._source = source
        self._definitions = definitions
        self._describe = describe
        self._guard = guard
        self._asked_at = asked_at
        self._refused_at = refused_at
        sieve = without_known if only_new else self._not_overtaken if asked_at else None
        self._loader = Loader(
            [connection], join=self._joined, guard=guard, sieve=sieve, batch_size=batch_size
        )
        # What was taken and may still be refused, until its batch is written.
        self._waiting: dict[Key, tuple[Item, Record]] = {}
        self._collections: set[str] | None = None
        self._refused: dict[str, RecordRefused] = {}
        self._deleted = 0
        self._overtaken: set[Key] = set()

    @property
    def written(self) -> Written:
        """What became of the items that were written so far."""
        total = self._loader.outcome.total()
        total.deleted += self._deleted
        total.overtaken += len(self._overtaken)
        return total

    async def collection(self, collection: Collection) -> None:
        """Take an upstream's description, unless the collection is one that we define ourselves."""
        if collection["id"] in self._definitions.collections:
            await self._ensure_collection(collection["id"])
            return
        await self._take_described(collection)
        (await self._known()).add(collection["id"])

    async def item(self, item: Item, record: Record) -> list[Refusal]:
        """Take an item; it is written with its batch.

        Raises:
            RecordRefused: it cannot be stored.
        """
        await self._ensure_collection(item["collection"])
        key = (item["collection"], item["id"])
        before = self._waiting.get(key)
        self._waiting[key] = (item, record)
        try:
            await self._loader.add(item)
        except RecordRefused:
            if before is None:
                del self._waiting[key]
            else:
                self._waiting[key] = before
            raise
        self._waiting[key] = self._waiting.pop(key)  # at the end: the order is that of the last time
        late = self._late()
        while len(self._waiting) > self._loader.pending:
            del self._waiting[next(iter(self._waiting))]
        return late

    async def tombstone(self, tombstone: Tombstone) -> list[Refusal]:
        """Write what is waiting, then take out what was deleted."""
        late = await self.flush()
        async with self.transaction():
            self._deleted += await delete_items(
                self._connection, self._source, [_deleted(tombstone)], part=self._parted
            )
        return late

    async def refused(self, refusal: Refusal) -> None:
        """Put a refused record into quarantine."""
        record = refusal.record
        collection = record.native.get("collection")
        await self._loader.settle()
        await quarantine(
            self._connection,
            self._source,
            [
                Quarantined(
                    native=_native_text(record),
                    native_id=storable(record.native_id) if record.native_id else None,
                    collection=storable(collection) if isinstance(collection, str) else None,
                    code=refusal.error.code,
                    reason=storable(refusal.error.reason),
                    kind=record.kind.value,
                    asked_at=self._asked_at(record) if self._asked_at else None,
                )
            ],
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Write what is written within the block together, or nothing of it.

        Nothing may be taken within it: what waits is written by `flush`.
        """
        await self._loader.settle()
        await self._loader.make_room()
        try:
            async with self._connection.transaction():
                if self._guard is not None:
                    await self._guard(self._connection)
                yield
        except BaseException:
            self._loader.forget()  # what it noted within may not have come true
            raise

    async def flush(self) -> list[Refusal]:
        """Write what is waiting; return the items that the database refuses."""
        await self._loader.finish()
        late = self._late()
        self._waiting.clear()
        return late

    async def close(self) -> None:
        """Call off what is being written; what was committed stays."""
        await self._loader.call_off()

    def _late(self) -> list[Refusal]:
        """Return what was refused since the last time."""
        refused = self._loader.take_refused()
        return [Refusal(self._waiting[item.key][1], error, "the batch") for item, error in refused]

    async def _not_overtaken(
        self, connection: "Connection", items: Sequence[PreparedItem]
    ) -> Sequence[PreparedItem]:
        """Return the items of which the upstream has not said otherwise since."""
        kept = items
        if self._asked_at is not None:
            asked_at = {item.key: self._asked_at(self._waiting[item.key][1]) for item in kept}
            kept = await without_overtaken(connection, self._source, kept, asked_at)
        if self._refused_at is not None:
            refused_at = {item.key: self._refused_at(self._waiting[item.key][1]) for item in kept}
            kept = await without_renewed(connection, self._source, kept, refused_at)
        self._overtaken |= {item.key for item in items} - {item.key for item in kept}
        return kept

    def _joined(self, held: Item, new: PreparedItem) -> Item:
        """Join an item with what other hubs say of the same product."""
        item, _ = self._waiting[new.key]
        return join(held, item, load_homes().priority)

    def _parted(self, held: Item) -> Item | None:
        """Return what other hubs leave of an item that ours has no more."""
        return parted(held, self._source, load_homes().priority)

    async def _ensure_collection(self, identifier: str) -> None:
        known = await self._known()
        if identifier in known:
            return
        if identifier in self._definitions.collections:
            await self._loader.settle()
            await upsert_defined(self._connection, self._definitions, [identifier])
        else:
            await self._take_described(await self._described(identifier))
        known.add(identifier)

    async def _take_described(self, collection: Collection) -> None:
        """Write an upstream's description, and its Japanese from the glossary."""
        await self._loader.settle()
        await upsert_collections(self._connection, [collection])
        translation = {collection["id"]: self._definitions.glossary.translation(collection)}
        await upsert_translations(self._connection, "ja", translation)

    async def _described(self, identifier: str) -> Collection:
        """Ask the upstream for a collection, once, also when there is nothing to be had."""
        if identifier not in self._refused:
            try:
                described = await self._describe(identifier)
            except RecordRefused as error:
                self._refused[identifier] = error
            else:
                if described is not None:
                    return described
                nowhere = f"collection {identifier} is described nowhere"
                self._refused[identifier] = RecordRefused("unknown-collection", nowhere)
        raise self._refused[identifier]

    async def _known(self) -> set[str]:
        if self._collections is None:
            await self._loader.settle()
            self._collections = await existing_collections(self._connection)
        return self._collections


class NdjsonSink:
    """Writes items and collections as newline-delimited JSON; needs no database."""

    def __init__(self, output: IO[bytes]) -> None:
        """Write to an open binary file."""
        self._output = output
        self._written = Written()

    @property
    def written(self) -> Written:
        """Nothing: a file is no catalogue."""
        return self._written

    async def collection(self, collection: Collection) -> None:
        """Write a collection as a line."""
        self._line(collection)

    async def item(self, item: Item, record: Record) -> list[Refusal]:
        """Write an item as a line."""
        self._line(item)
        return []

    async def tombstone(self, tombstone: Tombstone) -> list[Refusal]:
        """Leave it to the summary: a file has no item to take out."""
        return []

    async def refused(self, refusal: Refusal) -> None:
        """Leave it to the run, which names the record on standard error."""

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """A file has none."""
        return nullcontext()

    async def flush(self) -> list[Refusal]:
        """Push what was written to the file."""
        self._output.flush()
        return []

    def _line(self, document: Mapping[str, Any]) -> None:
        self._output.write(jsontext.dumps(document))
        self._output.write(b"\n")


def _deleted(tombstone: Tombstone) -> Deleted:
    return Deleted(
        id=tombstone.id,
        collection=tombstone.collection,
        native_id=tombstone.native_id,
        deleted_at=tombstone.deleted_at,
        reason=tombstone.reason,
    )


def _native_text(record: Record) -> str:
    """Return a native record as JSON, cut off where it is absurdly long.

    Not by `jsontext`: what is odd about it, such as `NaN`, is what it is kept for.
    """
    try:
        text = json.dumps(record.native, ensure_ascii=False)
    except RecursionError:
        text = '"nested too deep to be written"'
    return storable(text)[:_MAX_NATIVE]


def storable(text: str) -> str:
    """Return a text that PostgreSQL can hold: without NUL, halves of surrogate pairs escaped."""
    return text.replace("\x00", "").encode("utf-8", "backslashreplace").decode()
