"""How items are spread over time, from pgstac's statistics of its partitions, and how to walk it.

A search in the order of time needs the newest (or oldest) items alone. Asked of all partitions at once,
PostgreSQL plans, locks and opens every one of them, which takes seconds where there are thousands. Asked
of a slice of time that holds enough items, it touches those few. The statistics may be old or wrong: slices
cover all of time whatever they say, so that they decide how fast a page is found and never what is on it.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalog.store.planning import EVERYTHING, Part

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Partitions that PostgreSQL plans as fast as it would a slice of them.
_FEW_PARTITIONS = 4
_LEAST_ITEMS = 100
_WIDENING = 8
_MOST_SLICES = 6
_REMEMBERED = 200
# Rows of a partition that was never analysed, by its size: what pgstac keeps in line of an item.
_BYTES_PER_ITEM = 1500
_PARTITIONS = f"""
    SELECT
        stats.collection,
        extract(epoch FROM lower(span.known))::float8 AS first,
        extract(epoch FROM upper(span.known))::float8 AS last,
        CASE WHEN class.reltuples > 0 THEN class.reltuples
            ELSE pg_relation_size(class.oid) / {_BYTES_PER_ITEM} END::float8 AS items
    FROM pgstac.partition_stats AS stats
    JOIN pg_class AS class ON class.oid = to_regclass(format('pgstac.%I', stats.partition))
    CROSS JOIN LATERAL (
        SELECT CASE WHEN isempty(stats.dtrange) THEN NULL ELSE stats.dtrange END AS held
    ) AS items
    CROSS JOIN LATERAL (SELECT coalesce(items.held, stats.partition_dtrange) AS known) AS span
"""  # noqa: S608 - a constant of ours
# What an unknown end of a partition is taken for, in seconds since 1970: 1950.
_LONG_AGO = -631_152_000.0


@dataclass(frozen=True)
class Partition:
    """One table of items.

    Attributes:
        collection: whose items it holds.
        first: earliest `datetime` of them, in seconds since 1970, as far as known.
        last: latest.
        items: about how many.
    """

    collection: str
    first: float
    last: float
    items: float


class Timeline:
    """About how many items lie before any moment; between the ends of a partition they lie evenly."""

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self.partitions = len(partitions)
        self._times: list[float] = []
        self._items: list[float] = []
        changes: list[tuple[float, float, float]] = []
        for part in partitions:
            length = part.last - part.first
            if length <= 0:
                changes.append((part.first, part.items, 0.0))
            else:
                changes += [(part.first, 0.0, part.items / length), (part.last, 0.0, -part.items / length)]
        changes.sort()
        total = rate = 0.0
        for moment, jump, change in changes:
            if self._times:
                total += rate * (moment - self._times[-1])
            self._add(moment, total)
            if jump:
                total += jump
                self._add(moment, total)
            rate = max(0.0, rate + change)

    @property
    def items(self) -> float:
        """About how many there are."""
        return self._items[-1] if self._items else 0.0

    def before(self, moment: datetime | None) -> float:
        """Return about how many items lie before a moment (None: the end of time)."""
        if moment is None or not self._times:
            return self.items
        seconds = moment.timestamp()
        right = bisect_right(self._times, seconds)
        if right == 0:
            return 0.0
        if right == len(self._times):
            return self.items
        earlier, later = self._times[right - 1], self._times[right]
        share = (seconds - earlier) / (later - earlier)
        return self._items[right - 1] + share * (self._items[right] - self._items[right - 1])

    def moment(self, items: float) -> datetime:
        """Return a moment before which about so many items lie."""
        right = bisect_left(self._items, items)
        if right == 0 or right == len(self._items):
            seconds = self._times[min(right, len(self._times) - 1)]
        else:
            fewer, more = self._items[right - 1], self._items[right]
            share = (items - fewer) / (more - fewer)
            seconds = self._times[right - 1] + share * (self._times[right] - self._times[right - 1])
        return datetime.fromtimestamp(seconds, UTC)

    def slices(
        self, wanted: float, *, newest_first: bool, start: datetime | None, end: datetime | None
    ) -> Iterator[Part]:
        """Return slices of time in the order of a walk: the first holds the items wanted, later ones more.

        Args:
            wanted: items that the first slice shall hold.
            newest_first: direction of the walk.
            start: where an ascending walk begins; None: at the beginning of time.
            end: where a descending walk begins; None: at its end.
        """
        size = max(wanted, _LEAST_ITEMS)
        first = 0.0 if start is None else self.before(start)
        place = self.before(end) if newest_first else first
        last: datetime | None = None
        for _ in range(_MOST_SLICES - 1 if self.partitions > _FEW_PARTITIONS else 0):
            place += -size if newest_first else size
            left = place if newest_first else self.items - place
            if left <= size:
                break
            cut = self.moment(place)
            yield Part(cut, last) if newest_first else Part(last, cut)
            last = cut
            size *= _WIDENING
        yield EVERYTHING if last is None else Part(None, last) if newest_first else Part(last, None)

    def _add(self, moment: float, items: float) -> None:
        self._times.append(moment)
        self._items.append(items)


class Timelines:
    """The partitions at one moment, and the timelines of the sets of collections asked for since."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self._partitions = list(partitions)
        self._made: dict[frozenset[str], Timeline] = {}

    def of(self, collections: Iterable[str]) -> Timeline:
        """Return the timeline of collections; none: of all."""
        wanted = frozenset(collections)
        if wanted not in self._made:
            if len(self._made) >= _REMEMBERED:
                self._made.pop(next(iter(self._made)))
            chosen = [part for part in self._partitions if not wanted or part.collection in wanted]
            self._made[wanted] = Timeline(chosen)
        return self._made[wanted]


async def load_timelines(connection: "Connection") -> Timelines:
    """Read pgstac's statistics of its partitions."""
    rows = await connection.fetch(_PARTITIONS)
    now = time.time()
    partitions = []
    for row in rows:
        first, last = max(row["first"], _LONG_AGO), min(row["last"], now)
        partitions.append(Partition(row["collection"], min(first, last), last, row["items"]))
    return Timelines(partitions)
