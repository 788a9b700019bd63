"""Writing a batch of items: one transaction, no staging table, no parsing that is not needed.

The digests of what is there tell which items are new, changed or the same. Old rows of the changed ones
go, and everything new is copied straight into the collection's partitions. Compared with pgstac's staging
tables an item's JSON is parsed and compressed once, and one that did not change is not sent at all.

Who writes the same items at the same time waits: the parts (shards) of collections that a batch touches
are locked, always in the same order. Rows that other tools write meanwhile are found by the unique index,
and the batch is done again.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import asyncpg

from catalog.errors import RecordRefused, WriteRefused
from catalog.store.base_item import Target, read_targets
from catalog.store.copy_rows import moment
from catalog.store.deciding import Decider, Join, Mode, Write
from catalog.store.partitions import KnownPartitions, Partitions
from catalog.store.prepared import Key, PreparedItem
from catalog.store.replacing import replace_rows
from catalog.store.statistics import ItemChange, record_changes
from catalog.store.versions import link_versions
from catalog.store.written import Extent, Outcome

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# What the driver raises when somebody else changed what we relied on.
_OVERTAKEN = (
    asyncpg.UniqueViolationError,
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UndefinedTableError,
)
_ATTEMPTS = 5

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
        self._guard = guard
        self._sieve = sieve
        self._partitions = Partitions(connection, known)
        self._decider = Decider(connection, self._partitions, mode, join)
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
        written: list[Write] = []
        for collection in sorted(groups):
            written += await self._write_collection(collection, groups[collection], outcome)
        await self._partitions.record_extents([write.item for write in written])
        await record_changes(self._connection, _changes(written))

    async def _write_collection(
        self, collection: str, items: Mapping[str, PreparedItem], outcome: Outcome
    ) -> list[Write]:
        """Write the items of one collection, by id; return what was written."""
        target = self._targets[collection]
        writes = await self._decider.decide(collection, target, items, outcome)
        done = await replace_rows(self._connection, collection, target, writes, outcome)
        await link_versions(self._connection, collection, target.table, [write.item.id for write in done])
        counts = outcome.of(collection)
        new = sum(write.is_new for write in done)
        counts.inserted += new
        counts.updated += len(done) - new
        return done


def _changes(writes: Iterable[Write]) -> list[ItemChange]:
    """Return what was done to each collection for each source, for its statistics."""
    groups: dict[Key, list[Write]] = {}
    for write in writes:
        groups.setdefault((write.item.collection, write.came_as.source), []).append(write)
    return [_change(source, collection, group) for (collection, source), group in groups.items()]


def _change(source: str, collection: str, writes: Sequence[Write]) -> ItemChange:
    items = [write.item for write in writes]
    new = sum(write.is_new for write in writes)
    change = ItemChange(source, collection, inserted=new, updated=len(writes) - new)
    extent = Extent.of(items)
    oldest, newest = extent.starts
    change.observed.merge_extent(moment(oldest), moment(newest), moment(extent.ends[1]), extent.box)
    change.observed.add_said(item.said for item in items)
    return change
