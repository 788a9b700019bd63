"""Partitions of pgstac's items, made and widened before a load needs them, so that readers wait for nothing."""

import asyncio
import random
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import asyncpg

from catalog.errors import StoreError
from catalog.store.copy_rows import moment
from catalog.store.written import Extent

if TYPE_CHECKING:
    from catalog.store.connection import Connection
    from catalog.store.prepared import PreparedItem

# Somebody reads, changes or makes the partition at this moment; the function waits 50 ms at most by itself.
_BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.DuplicateTableError,
    asyncpg.UniqueViolationError,
)
_PATIENCE_S = 60.0
_SINCE_1970 = 946_684_800_000_000
_ALWAYS = (-(2**62), 2**62)


def _ends(span: str) -> str:
    """Return SQL for the ends of a range in seconds since 1970; the driver's times end with the year 9999."""
    return f"ARRAY[extract(epoch FROM lower({span})), extract(epoch FROM upper({span}))]"


_PREPARE = f"""
    SELECT partition, {_ends("bound")} AS bound, {_ends("takes_starts")} AS takes_starts,
        {_ends("takes_ends")} AS takes_ends, is_proven, {_ends("seen_starts")} AS starts,
        {_ends("seen_ends")} AS ends, west, south, east, north
    FROM kakehashi.prepare_partition($1, $2, $3)
"""  # noqa: S608 - constants
# In one order, so that two loads never wait for each other.
_HOLD_STATISTICS = f"""
    SELECT partition, {_ends("dtrange")} AS starts, {_ends("edtrange")} AS ends, public.ST_XMin(spatial) AS west,
        public.ST_YMin(spatial) AS south, public.ST_XMax(spatial) AS east, public.ST_YMax(spatial) AS north
    FROM pgstac.partition_stats WHERE partition = ANY ($1::text[]) ORDER BY partition FOR NO KEY UPDATE
"""  # noqa: S608 - constants
_TELL_STATISTICS = """
    UPDATE pgstac.partition_stats AS known SET
        dtrange = tstzrange(first_start, last_start, '[]'), edtrange = tstzrange(first_end, last_end, '[]'),
        spatial = public.ST_MakeEnvelope(west, south, east, north), last_updated = now()
    FROM unnest(
        $1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
        $6::float8[], $7::float8[], $8::float8[], $9::float8[]
    ) AS told (partition, first_start, last_start, first_end, last_end, west, south, east, north)
    WHERE known.partition = told.partition
"""


@dataclass(slots=True)
class Partition:
    """One partition of a collection, as it was when we last looked.

    Attributes:
        name: of the table in schema `pgstac`.
        bound: the times that belong here, first and first that does not; microseconds since 2000.
        starts: which starts its constraint admits, both included.
        ends: which ends its constraint admits, both included.
    """

    name: str
    bound: tuple[int, int]
    starts: tuple[int, int]
    ends: tuple[int, int]

    def admits(self, item: "PreparedItem") -> bool:
        """Whether its constraint admits an item that belongs here."""
        return self.starts[0] <= item.start <= self.starts[1] and self.ends[0] <= item.end <= self.ends[1]


class KnownPartitions:
    """What the connections of one load found out about partitions, for all of them."""

    def __init__(self) -> None:
        """Know none yet."""
        self.by_collection: dict[str, list[Partition]] = {}
        # One connection at a time makes partitions: others would wait for its locks.
        self.turn = asyncio.Lock()

    def add(self, collection: str, found: Partition) -> None:
        """Take note of a partition as it is now."""
        known = [other for other in self.by_collection.get(collection, ()) if other.name != found.name]
        self.by_collection[collection] = sorted([*known, found], key=lambda partition: partition.bound)


class Partitions:
    """The partitions that a connection writes to."""

    def __init__(self, connection: "Connection", known: KnownPartitions | None = None) -> None:
        """Start with what other connections know."""
        self._connection = connection
        self._known = known or KnownPartitions()
        # What pgstac's statistics say, by partition, as far as this connection committed or read it.
        self._seen: dict[str, Extent] = {}
        self._unproven: set[str] = set()

    def forget(self) -> None:
        """Look anew: somebody else changed partitions, or what we noted was rolled back."""
        self._known.by_collection.clear()
        self._seen.clear()

    def of(self, item: "PreparedItem") -> Partition | None:
        """Return the partition that admits an item, None if it is not known to be there."""
        known = self._known.by_collection.get(item.collection)
        if not known:
            return None
        at = bisect_right(known, item.start, key=lambda partition: partition.bound[0]) - 1
        if at < 0:
            return None
        found = known[at]
        return found if item.start < found.bound[1] and found.admits(item) else None

    async def cover(self, items: Sequence["PreparedItem"]) -> None:
        """Make sure that each item has a partition to go to.

        Args:
            items: their collections exist.

        Raises:
            StoreError: a partition is in use for so long that it cannot be changed.
        """
        if all(self.of(item) is not None for item in items):
            return
        async with self._known.turn:
            groups: dict[tuple[str, tuple[int, int]], list[PreparedItem]] = {}
            for item in items:
                if self.of(item) is None:
                    groups.setdefault((item.collection, _month(item.start)), []).append(item)
            for (collection, _), members in sorted(groups.items()):
                # A partition may hold more than a month, and a month may lie in two.
                while uncovered := [item for item in members if self.of(item) is None]:
                    first = min(uncovered, key=lambda item: item.start)
                    await self._prepare(collection, Extent.of(uncovered))
                    if self.of(first) is None:
                        raise StoreError(f"no partition of collection {collection} takes item {first.id}")

    async def prove(self) -> None:
        """Have widened constraints proven, so that searches rely on them again; does nothing in a transaction."""
        if not self._unproven or self._connection.is_in_transaction():
            return
        for name in sorted(self._unproven):
            await self._patiently("SELECT kakehashi.prove_partition($1)", name)
        self._unproven.clear()

    async def record_extents(self, items: Sequence["PreparedItem"]) -> None:
        """Bring pgstac's statistics of partitions in line with what was written, in that transaction."""
        await self.cover(items)  # another connection may have made us forget where they are
        groups: dict[str, list[PreparedItem]] = {}
        for item in items:
            partition = self.of(item)
            if partition is not None:
                groups.setdefault(partition.name, []).append(item)
        extents = {name: Extent.of(members) for name, members in groups.items()}
        wider = {
            name: extent
            for name, extent in extents.items()
            if (seen := self._seen.get(name)) is None or not seen.contains(extent)
        }
        if not wider:
            return
        rows = await self._connection.fetch(_HOLD_STATISTICS, list(wider))
        told: list[tuple[str, Extent]] = []
        for row in rows:
            name, known = row["partition"], _extent(row)
            # What the statistics do not say is read from the partition itself, once.
            found = known.joined(wider[name]) if known else await self._measured(name)
            if found is not None:
                self._seen[name] = found
                told.append((name, found))
        await self._connection.execute(
            _TELL_STATISTICS,
            [name for name, _ in told],
            [moment(extent.starts[0]) for _, extent in told],
            [moment(extent.starts[1]) for _, extent in told],
            [moment(extent.ends[0]) for _, extent in told],
            [moment(extent.ends[1]) for _, extent in told],
            *([extent.box[side] for _, extent in told] for side in range(4)),
        )

    async def _measured(self, name: str) -> Extent | None:
        row = await self._connection.fetchrow(
            f"""
            SELECT ARRAY[extract(epoch FROM min(datetime)), extract(epoch FROM max(datetime))] AS starts,
                ARRAY[extract(epoch FROM min(end_datetime)), extract(epoch FROM max(end_datetime))] AS ends,
                public.ST_XMin(public.ST_Extent(geometry)) AS west, public.ST_YMin(public.ST_Extent(geometry)) AS south,
                public.ST_XMax(public.ST_Extent(geometry)) AS east, public.ST_YMax(public.ST_Extent(geometry)) AS north
            FROM pgstac.{quoted(name)}
            """  # noqa: S608 - the name of a table, quoted
        )
        return _extent(row) if row else None

    async def _prepare(self, collection: str, extent: Extent) -> None:
        row = await self._patiently(
            _PREPARE,
            collection,
            _range(extent.starts),
            _range(extent.ends),
        )
        if row is None:
            raise StoreError(f"no partition of collection {collection} can be made")
        found = Partition(
            name=row["partition"],
            bound=_numbers(row["bound"]),
            starts=_numbers(row["takes_starts"]),
            ends=_numbers(row["takes_ends"]),
        )
        seen = _extent(row)
        if seen is not None:
            self._seen[found.name] = seen
        if not row["is_proven"]:
            self._unproven.add(found.name)
        self._known.add(collection, found)

    async def _patiently(self, statement: str, *values: object) -> "asyncpg.Record | None":
        """Run a statement that gives way when others use what it needs, until it gets its turn."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                async with self._connection.transaction():
                    await self._connection.execute("SET LOCAL statement_timeout = 0")
                    return await self._connection.fetchrow(statement, *values)
            except _BUSY as error:
                if time.monotonic() > end:
                    raise StoreError(f"a partition was in use for {_PATIENCE_S:g} s: {error}") from error
            await asyncio.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - no secret


def quoted(name: str) -> str:
    """Return the name of a table as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def _month(start: int) -> tuple[int, int]:
    found = moment(start)
    return found.year, found.month


def _range(ends: tuple[int, int]) -> "asyncpg.Range[datetime]":
    return asyncpg.Range(moment(ends[0]), moment(ends[1]), upper_inc=True)


def _numbers(ends: Sequence[Decimal | None]) -> tuple[int, int]:
    """Return the ends of a range in microseconds since 2000; an end that is open is beyond all times."""
    lower, upper = (
        None if end is None or not end.is_finite() else int(end * 1_000_000) - _SINCE_1970 for end in ends
    )
    return _ALWAYS[0] if lower is None else lower, _ALWAYS[1] if upper is None else upper


def _extent(row: "asyncpg.Record") -> Extent | None:
    """Return an extent if all of it is known."""
    told = (*row["starts"], *row["ends"], row["west"])
    if any(value is None for value in told):
        return None
    box = (row["west"], row["south"], row["east"], row["north"])
    return Extent(_numbers(row["starts"]), _numbers(row["ends"]), box)
