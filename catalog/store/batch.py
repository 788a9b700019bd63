"""Writing a batch of items: one transaction, no staging table, no parsing that is not needed.

The digests of what is there tell which items are new, changed or the same. Old rows of the changed ones
go, and everything new is copied straight into the collection's partitions. Compared with pgstac's staging
tables an item's JSON is parsed and compressed once, and one that did not change is not sent at all.

Who writes the same items at the same time waits: the parts (shards) of collections that a batch touches
are locked, always in the same order. Rows that other tools write meanwhile are found by the unique index,
and the batch is done again.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import asyncpg

from catalog.errors import RecordRefused, WriteRefused
from catalog.store.base_item import Target, read_targets
from catalog.store.copy_rows import COLUMNS, copy_stream, item_row, moment
from catalog.store.held import NO_NOTE, Note, hold_items, sources_of
from catalog.store.partitions import KnownPartitions, Partitions
from catalog.store.prepared import Key, PreparedItem, prepare
from catalog.store.statistics import ItemChange, record_changes
from catalog.store.versions import link_versions
from catalog.store.written import Extent, Outcome

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# What the driver raises when one row is at fault; the message says which one.
_ROW_FAULTS = (
    asyncpg.DataError,
    asyncpg.RaiseError,  # an administrator's trigger
    asyncpg.NotNullViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InternalServerError,  # PostGIS: not a geometry
)
# What it raises when somebody else changed what we relied on.
_OVERTAKEN = (
    asyncpg.UniqueViolationError,
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UndefinedTableError,
)
_ATTEMPTS = 5
_LINE = re.compile(r"COPY \S+, line (\d+)")
# Up to so many partitions are asked one by one for the items that should be in them.
_FEW_PARTITIONS = 4

# In the order of the locks themselves, so that two loads never wait for each other.
LOCK_SHARDS = """
    SELECT pg_advisory_xact_lock(collection, shard) FROM (
        SELECT DISTINCT hashtext('kakehashi load ' || name) AS collection, shard
        FROM unnest($1::text[], $2::int[]) AS wanted (name, shard) ORDER BY 1, 2
    ) AS ordered
"""

Also = Callable[["Connection", Outcome], Awaitable[None]]
Guard = Callable[["Connection"], Awaitable[None]]
# Leaves out what may not be written, once nobody else can write these items.
Sieve = Callable[["Connection", Sequence[PreparedItem]], Awaitable[Sequence[PreparedItem]]]
# Makes one item of the one that is there and the one that comes.
Join = Callable[[dict[str, Any], PreparedItem], Mapping[str, Any]]


class Mode(Enum):
    """What happens to an item whose id is there already."""

    INSERT = "insert"  # it is refused, and what is there stays
    UPSERT = "upsert"  # it is replaced, if it differs


@dataclass(frozen=True, slots=True)
class _Write:
    """A row to be written.

    Attributes:
        item: what is written.
        came_as: what was given; another one if it was joined with what was there.
        private: of the row.
        is_new: whether no row of this id is there.
    """

    item: PreparedItem
    came_as: PreparedItem
    private: bytes
    is_new: bool


class BatchWriter:
    """Writes batches of items through one connection."""

    def __init__(
        self,
        connection: "Connection",
        mode: Mode = Mode.UPSERT,
        *,
        join: Join | None = None,
        guard: Guard | None = None,
        sieve: Sieve | None = None,
        known: KnownPartitions | None = None,
    ) -> None:
        """Use a connection of the ingest role.

        Args:
            connection: nobody else uses it while a batch is written.
            mode: what happens to an item that is there already.
            join: makes one item of several sources' records; None: an item replaces what is there.
            guard: asked at the beginning of each transaction; raises if nothing may be written.
            sieve: asked when the items' shards are locked; returns those that may be written.
            known: what other connections of the same load know of partitions.
        """
        self._connection = connection
        self._mode = mode
        self._join = join
        self._guard = guard
        self._sieve = sieve
        self._partitions = Partitions(connection, known)
        self._targets: dict[str, Target] = {}

    async def target(self, collection: str) -> Target:
        """Return what is to be known of a collection before its items are prepared.

        Raises:
            RecordRefused: `unknown-collection`.
        """
        if collection not in self._targets:
            self._targets |= await read_targets(self._connection, [collection])
        try:
            return self._targets[collection]
        except KeyError:
            raise RecordRefused(
                "unknown-collection", f"there is no collection {collection!r:.80} in the catalogue"
            ) from None

    async def write(
        self, items: Sequence[PreparedItem], also: Also | None = None, *, durable: bool = True
    ) -> Outcome:
        """Write items in one transaction; those that cannot be written are left out and told.

        Args:
            items: of two with the same collection and id, the last one counts.
            also: what else is done in the transaction that commits them, given what became of them.
            durable: whether to wait until the disk has it. Not needed where a durable transaction of
                any connection follows: the log is written in order.

        Raises:
            WriteRefused: others keep changing the same items or partitions.
            StoreError: a partition is in use for too long.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await self._attempt(items, also, durable=durable)
            except _OVERTAKEN as error:
                if attempt == _ATTEMPTS - 1:
                    raise WriteRefused(f"other programs keep changing the same items: {error}") from error
        raise AssertionError("unreachable")

    async def _attempt(self, items: Sequence[PreparedItem], also: Also | None, *, durable: bool) -> Outcome:
        outcome = Outcome()
        latest = {item.key: item for item in items}
        outcome.repeated = len(items) - len(latest)
        try:
            known = await self._of_known_collections(latest.values(), outcome)
            await self._partitions.cover(known)
            async with self._connection.transaction():
                await self._set_up(durable=durable)
                if self._guard is not None:
                    await self._guard(self._connection)
                await self._write(known, outcome)
                if also is not None:
                    await also(self._connection, outcome)
        except BaseException:
            self.forget()  # what was noted of partitions and collections may not have come true
            raise
        await self._partitions.prove()
        return outcome

    def forget(self) -> None:
        """Look anew at collections and partitions before the next batch."""
        self._partitions.forget()
        self._targets.clear()

    async def make_room(self, items: Iterable[PreparedItem]) -> None:
        """Make the partitions that items need, before the transaction that writes them."""
        await self._partitions.cover(await self._of_known_collections(items, Outcome()))

    async def _of_known_collections(
        self, items: Iterable[PreparedItem], outcome: Outcome
    ) -> list[PreparedItem]:
        known = []
        for item in items:
            try:
                await self.target(item.collection)
            except RecordRefused as error:
                outcome.refused.append((item, error))
            else:
                known.append(item)
        return known

    async def _set_up(self, *, durable: bool) -> None:
        # Our sessions are set up for searches: the time limit is for clients who wait, and a plan for one id
        # is a plan for any.
        settings = "SET LOCAL statement_timeout = 0; SET LOCAL plan_cache_mode = force_generic_plan"
        if not durable:
            settings += "; SET LOCAL synchronous_commit = off"
        await self._connection.execute(settings)

    async def _write(self, items: Sequence[PreparedItem], outcome: Outcome) -> None:
        if not items:
            return
        shards = {(item.collection, item.shard) for item in items}
        await self._connection.execute(
            LOCK_SHARDS, [name for name, _ in shards], [shard for _, shard in shards]
        )
        if self._sieve is not None:
            items = await self._sieve(self._connection, items)
        groups: dict[str, dict[str, PreparedItem]] = {}
        for item in items:
            groups.setdefault(item.collection, {})[item.id] = item
        written: list[_Write] = []
        for collection in sorted(groups):
            written += await self._write_collection(collection, groups[collection], outcome)
        await self._partitions.record_extents([write.item for write in written])
        await record_changes(self._connection, _changes(written))

    async def _write_collection(
        self, collection: str, items: Mapping[str, PreparedItem], outcome: Outcome
    ) -> list[_Write]:
        """Write the items of one collection, by id; return what was written."""
        target = self._targets[collection]
        counts = outcome.of(collection)
        notes = await self._notes(target, items.values())
        writes, doubtful = [], []
        for name, item in items.items():
            note = notes.get(name)
            if note is None:
                writes.append(
                    _Write(item, item, NO_NOTE.with_marks({item.source: item.digest}, item.text), is_new=True)
                )
            elif self._mode is Mode.INSERT:
                outcome.refused.append((item, RecordRefused("exists", "an item of this id is there already")))
            elif self._is_same(note, item):
                counts.unchanged += 1
            elif self._is_plain(note, item):
                writes.append(
                    _Write(item, item, note.with_marks({item.source: item.digest}, item.text), is_new=False)
                )
            else:
                doubtful.append(item)
        if doubtful:
            compared, equal = await self._compare(target, doubtful, notes)
            writes += compared
            counts.unchanged += equal
        done = await self._replace(collection, target, writes, outcome)
        await link_versions(self._connection, collection, target.table, [write.item.id for write in done])
        new = sum(write.is_new for write in done)
        counts.inserted += new
        counts.updated += len(done) - new
        return done

    def _is_same(self, note: Note, item: PreparedItem) -> bool:
        """Whether an item was loaded last exactly as it comes now."""
        return note.marks.get(item.source) == item.digest and (self._join is not None or len(note.marks) == 1)

    def _is_plain(self, note: Note, item: PreparedItem) -> bool:
        """Whether an item that is there may be replaced without a look at it."""
        return bool(note.marks) and (self._join is None or set(note.marks) == {item.source})

    async def _notes(self, target: Target, items: Iterable[PreparedItem]) -> dict[str, Note]:
        """Return what is noted of those items that are there, by id, in whatever partition they are."""
        missing = {item.id for item in items}
        expected: dict[str, list[str]] = {}
        for item in items:
            partition = self._partitions.of(item)
            if partition is not None:
                expected.setdefault(partition.name, []).append(item.id)
        notes: dict[str, Note] = {}
        tables = dict(expected) if len(expected) <= _FEW_PARTITIONS and self._mode is Mode.UPSERT else {}
        for table, names in [*tables.items(), (target.table, None)]:
            wanted = sorted(missing) if names is None else names
            if not wanted or (names is None and table in tables):
                continue
            rows = await self._connection.fetch(
                f"SELECT id, private::text FROM pgstac.{table} WHERE id = ANY ($1::text[])",  # noqa: S608
                wanted,
            )
            for row in rows:
                notes[row["id"]] = Note.read(row["private"])
                missing.discard(row["id"])
        return notes

    async def _compare(
        self, target: Target, items: Sequence[PreparedItem], notes: Mapping[str, Note]
    ) -> tuple[list[_Write], int]:
        """Compare items with those that are there, and join them where another source knows them too.

        Returns:
            What has to be written, and how many are the same.
        """
        held = await hold_items(self._connection, target, [item.id for item in items])
        writes, marked = [], {}
        for item in items:
            there = held.get(item.id)
            if there is None:  # another program has just taken it out
                writes.append(
                    _Write(
                        item,
                        item,
                        notes[item.id].with_marks({item.source: item.digest}, item.text),
                        is_new=True,
                    )
                )
                continue
            note, sources = notes[item.id], sources_of(there)
            marks = {item.source: item.digest}
            new = item
            if self._join is not None and (sources | set(note.marks)) - {item.source}:
                marks = {**dict.fromkeys(sources, ""), **note.marks, **marks}
                new = prepare(self._join(there, item), target.base)
            private = note.with_marks(marks, item.text)
            if prepare(there, target.base).digest == new.digest:
                marked[item.id] = private
            else:
                writes.append(_Write(new, item, private, is_new=False))
        await self._connection.execute(
            f"""
            UPDATE pgstac.{target.table} AS items SET private = marked.private
            FROM unnest($1::text[], $2::jsonb[]) AS marked (id, private) WHERE items.id = marked.id
            """,  # noqa: S608
            list(marked),
            [private.decode() for private in marked.values()],
        )
        await self._partitions.cover([write.item for write in writes])
        return writes, len(marked)

    async def _replace(
        self, collection: str, target: Target, writes: list[_Write], outcome: Outcome
    ) -> list[_Write]:
        """Take out old rows and copy new ones in; return what was written. A bad row is left out alone."""
        # In the order of partitions: COPY writes several rows of one at once, but only while it stays with it.
        writes.sort(key=lambda write: write.item.start)
        while writes:
            try:
                async with self._connection.transaction():
                    await self._remove(
                        collection, target, [write.item.id for write in writes if not write.is_new]
                    )
                    await self._connection.copy_to_table(
                        target.table,
                        schema_name="pgstac",
                        columns=COLUMNS,
                        source=copy_stream(_row(write) for write in writes),
                        format="binary",
                    )
            except _ROW_FAULTS as error:
                found = _LINE.search(getattr(error, "context", None) or "")
                if found is None or not 1 <= int(found[1]) <= len(writes):
                    raise
                bad = writes.pop(int(found[1]) - 1)
                outcome.refused.append((bad.came_as, RecordRefused("database", _one_line(error))))
            else:
                break
        return writes

    async def _remove(self, collection: str, target: Target, identifiers: Sequence[str]) -> None:
        if not identifiers:
            return
        await self._connection.execute(
            f"DELETE FROM pgstac.{target.table} WHERE id = ANY ($1::text[])",  # noqa: S608
            identifiers,
        )
        # pgstac's own trigger does this for statements on the table of all items.
        await self._connection.execute(
            "DELETE FROM pgstac.format_item_cache WHERE collection = $1 AND id = ANY ($2::text[])",
            collection,
            identifiers,
        )


def _changes(writes: Iterable[_Write]) -> list[ItemChange]:
    """Return what was done to each collection for each source, for its statistics."""
    groups: dict[Key, list[_Write]] = {}
    for write in writes:
        groups.setdefault((write.item.collection, write.came_as.source), []).append(write)
    return [_change(source, collection, group) for (collection, source), group in groups.items()]


def _change(source: str, collection: str, writes: Sequence[_Write]) -> ItemChange:
    items = [write.item for write in writes]
    new = sum(write.is_new for write in writes)
    change = ItemChange(source, collection, inserted=new, updated=len(writes) - new)
    extent = Extent.of(items)
    oldest, newest = extent.starts
    change.observed.merge_extent(moment(oldest), moment(newest), moment(extent.ends[1]), extent.box)
    change.observed.add_said(item.said for item in items)
    return change


def _row(write: _Write) -> bytes:
    item = write.item
    return item_row(
        item.id.encode(),
        item.geometry,
        item.collection.encode(),
        (item.start, item.end),
        item.content,
        write.private,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
