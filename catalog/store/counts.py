"""How many items a search matches: exactly where that is quick, else about how many, else not at all.

A count must read everything that matches, however short the page. So it is never what a page waits for:
few items are counted after the page; of many, the statistics of pgstac's partitions tell the number of a
search that only names collections and times; where a condition has to be tried on many, the count runs
beside the page on another connection and is given a moment more when the page is there.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import orjson

from catalog.errors import StoreError
from catalog.store.parameters import Statement
from catalog.store.planning import Selection
from catalog.store.search import Search
from catalog.store.timeline import Timeline

if TYPE_CHECKING:
    from catalog.store.connection import Connection
    from catalog.store.pool import Connections

# So many items, in so many partitions, are counted in about the time that a page takes.
_CHEAP_ITEMS = 20_000
_CHEAP_PARTITIONS = 100
_CHEAP_DEADLINE_S = 0.25
# How long a count beside the page may take in all, and how long at most a page that is ready waits for it.
_COSTLY_DEADLINE_S = 2.0
_MOST_PATIENCE_S = 0.1
# PostgreSQL's unit of cost; above it a count would not end in time and its estimate has to do.
_COSTLY_PLAN = 400_000.0
_MOST_AT_ONCE = 2
_REMEMBERED = 1_000
_REMEMBERED_FOR_S = 60.0


@dataclass(frozen=True)
class Count:
    """A number of items.

    Attributes:
        is_exact: whether they were counted, rather than estimated.
    """

    items: int
    is_exact: bool = True

    def __add__(self, other: "Count") -> "Count":
        return Count(self.items + other.items, self.is_exact and other.is_exact)


class Counts:
    """Counts of searches; those that took long are remembered for a minute."""

    def __init__(self, pool: "Connections") -> None:
        self._pool = pool
        self._running: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, tuple[float, Count | None]] = {}

    def begin(self, search: Search, selection: Selection, timeline: Timeline) -> None:
        """Start counting beside the page, if that is the way for this search."""
        if not search.is_tried_on_items or _is_cheap(search, timeline):
            return
        name = search.fingerprint
        if self._remembered(name) or name in self._running or len(self._running) >= _MOST_AT_ONCE:
            return
        task = asyncio.create_task(self._count_beside(name, selection.count()))
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))

    async def finish(
        self,
        connection: "Connection",
        search: Search,
        selection: Selection,
        timeline: Timeline,
        page_took_s: float,
    ) -> Count | None:
        """Return the count of a search whose page is there, or None: it is never the reason of an error.

        A page that took a moment waits as long again for its count, and no longer.
        """
        if _is_cheap(search, timeline):
            return await _count(connection, selection.count(), _CHEAP_DEADLINE_S)
        if not search.is_tried_on_items:
            return Count(round(_items(search, timeline)), is_exact=False)
        name = search.fingerprint
        if task := self._running.get(name):
            await asyncio.wait([task], timeout=min(page_took_s, _MOST_PATIENCE_S))
        remembered = self._remembered(name)
        return remembered[0] if remembered else None

    async def close(self) -> None:
        """Give up what is still being counted."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _remembered(self, name: str) -> tuple[Count | None] | None:
        """Return what was found of a search lately, in a tuple; None: nothing was looked for."""
        until, count = self._found.get(name, (0.0, None))
        return (count,) if until > time.monotonic() else None

    async def _count_beside(self, name: str, statement: Statement) -> None:
        count = None
        try:
            async with self._pool.connection() as connection:
                estimate, cost = await _estimate(connection, statement)
                count = Count(estimate, is_exact=False)
                if cost < _COSTLY_PLAN:
                    count = await _count(connection, statement, _COSTLY_DEADLINE_S) or count
        except (StoreError, asyncpg.PostgresError, TimeoutError):
            # The page meets the same trouble and tells of it.
            pass
        while len(self._found) >= _REMEMBERED:
            self._found.pop(next(iter(self._found)))
        self._found[name] = (time.monotonic() + _REMEMBERED_FOR_S, count)


def _is_cheap(search: Search, timeline: Timeline) -> bool:
    return timeline.partitions <= _CHEAP_PARTITIONS and _items(search, timeline) <= _CHEAP_ITEMS


def _items(search: Search, timeline: Timeline) -> float:
    """Return about how many items have the collections and times of a search."""
    if search.interval is None:
        return timeline.items
    start = timeline.before(search.interval.start) if search.interval.start else 0.0
    return max(0.0, timeline.before(search.interval.end) - start)


async def _count(connection: "Connection", statement: Statement, deadline_s: float) -> Count | None:
    try:
        return Count(await connection.fetchval(statement.sql, *statement.parameters, timeout=deadline_s))
    except (TimeoutError, asyncpg.QueryCanceledError):
        return None


async def _estimate(connection: "Connection", statement: Statement) -> tuple[int, float]:
    """Return PostgreSQL's estimate of the rows that are counted, and of the cost of counting them."""
    text = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) {statement.sql}", *statement.parameters, timeout=_COSTLY_DEADLINE_S
    )
    plan = orjson.loads(text)[0]["Plan"]
    cost: float = plan["Total Cost"]
    # Below the aggregates, of which a parallel plan has two, are the rows; a worker's share is not all.
    share = 1
    while "Aggregate" in plan["Node Type"] or plan["Node Type"].startswith("Gather"):
        share *= plan.get("Workers Planned", 0) + 1
        plan = plan["Plans"][0]
    return int(plan["Plan Rows"]) * share, cost
