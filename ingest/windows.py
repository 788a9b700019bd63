"""From a plan to windows: which slices of the past, the present and of comparisons there are to be."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from catalog.store import cursors, ledger, schedule, upstreams
from catalog.store.upstreams import Manners
from catalog.store.window import EVERYTHING, Basis, Kind, NewWindow, Scope
from ingest.plan import Entry

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# What comes first, whatever the plan's own priorities (-1000 to 1000) say: the present, then deletions, then
# the past, then comparisons.
_FIRST: Mapping[Kind, int] = {"follow": 20_000, "deletions": 10_000, "backfill": 0, "reconcile": -10_000}
# A slice whose end is not past by this is still filling: it is not compared.
_SETTLED = timedelta(days=2)

# So long is kept how the present was followed.
_REMEMBERED = timedelta(days=30)


class Planner:
    """Puts the windows that a plan asks for into the ledger; doing it again changes nothing."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Use the entries of a plan."""
        self._entries = entries

    async def take_over(self, connection: "Connection") -> int:
        """Make this plan the one that holds: its manners, and its windows alone.

        Returns:
            How many windows of other plans were put aside.
        """
        await self.set_manners(connection)
        scopes: list[Scope] = [
            (entry.source, collection, entry.bbox)
            for entry in self._entries
            for collection in (*entry.collections, *((EVERYTHING,) if entry.habits.deletions else ()))
        ]
        return await schedule.keep_planned(connection, scopes)

    async def set_manners(self, connection: "Connection") -> None:
        """Record how the upstreams of the plan are to be treated."""
        for entry in self._entries:
            habits = entry.habits
            interval = habits.min_interval or timedelta(0)
            manners = Manners(habits.concurrency, interval.total_seconds(), habits.serial)
            await upstreams.set_manners(connection, entry.source, manners)

    async def plan(self, connection: "Connection") -> int:
        """Add the windows that are due by now; return how many.

        One process at a time plans; who comes meanwhile has nothing to do.
        """
        async with connection.transaction():
            if not await schedule.may_plan(connection):
                return 0
            now = await ledger.database_time(connection)
            added = 0
            for entry in self._entries:
                for collection in entry.collections:
                    added += await self._plan_one(connection, entry, collection, now)
            added += await self._plan_deletions(connection, now)
            await schedule.forget(connection, _REMEMBERED)
            return added

    async def _plan_one(self, connection: "Connection", entry: Entry, collection: str, now: datetime) -> int:
        habits = entry.habits
        scope: Scope = (entry.source, collection, entry.bbox)
        basis: Basis = habits.follows
        windows: list[NewWindow] = []
        # Data sets are listed anew each time; their past is no other.
        has_past = collection != EVERYTHING
        until = await schedule.backfill_end(connection, scope) or now
        if has_past:
            span = (habits.first_moment(now), until)
            windows += await self._slices(connection, entry, collection, "backfill", span)
        # The present begins where the past ends, even if it was not followed since.
        first = until if has_past else now - habits.every
        await cursors.start_cursor(connection, scope, basis, first)
        since = await schedule.follows_since(connection, scope, "follow", basis, habits.every)
        if since is not None:
            span = (since - (habits.overlap if has_past else timedelta(0)), now)
            for part in await schedule.without_aside(connection, scope, "follow", span):
                windows += _follow(entry, collection, "follow", basis, part)
        if habits.reconcile is not None and has_past:
            span = (habits.first_moment(now), now - _SETTLED)
            windows += await self._slices(connection, entry, collection, "reconcile", span, whole=True)
            await schedule.rearm(connection, scope, "reconcile", habits.reconcile)
        return await ledger.add_windows(connection, windows)

    async def _plan_deletions(self, connection: "Connection", now: datetime) -> int:
        """Follow a source's feed of deletions once, for all of its collections that the plan names."""
        added = 0
        for source in dict.fromkeys(entry.source for entry in self._entries if entry.habits.deletions):
            entries = [entry for entry in self._entries if entry.source == source and entry.habits.deletions]
            entry = entries[0]
            # What was deleted before is not listed any more, and so never comes here.
            scope: Scope = (source, EVERYTHING, None)
            await cursors.start_cursor(connection, scope, "deleted", now)
            since = await schedule.follows_since(
                connection, scope, "deletions", "deleted", entry.habits.every
            )
            if since is None:
                continue
            named = sorted({collection for one in entries for collection in one.collections})
            span = (since - entry.habits.overlap, now)
            for part in await schedule.without_aside(connection, scope, "deletions", span):
                windows = _follow(entry, EVERYTHING, "deletions", "deleted", part, {"collections": named})
                added += await ledger.add_windows(connection, windows)
        return added

    async def _slices(
        self,
        connection: "Connection",
        entry: Entry,
        collection: str,
        kind: Kind,
        span: schedule.Span,
        *,
        whole: bool = False,
    ) -> list[NewWindow]:
        """Return windows for the slices of a span that have none yet."""
        habits = entry.habits
        unit = habits.reconcile_window if kind == "reconcile" else habits.window
        if span[0] >= span[1]:
            return []
        scope = (entry.source, collection, entry.bbox)
        slices = await schedule.uncovered(connection, scope, kind, span, unit)
        options: dict[str, Any] = {"max_records": habits.max_records}
        delay = timedelta(0)
        if kind == "reconcile" and habits.reconcile is not None:
            options["max_share"] = habits.max_share
            # What was just loaded needs no comparison yet.
            delay = habits.reconcile
        return [
            NewWindow(
                entry.source,
                collection,
                kind,
                "acquired",
                start,
                end,
                entry.bbox,
                _FIRST[kind] + habits.priority,
                habits.order == "newest-first",
                options,
                delay.total_seconds(),
            )
            for start, end in slices
            if not whole or end - start == unit
        ]


def _follow(
    entry: Entry,
    collection: str,
    kind: Kind,
    basis: Basis,
    span: schedule.Span,
    options: Mapping[str, Any] | None = None,
) -> list[NewWindow]:
    """Return windows for a span of the present, the oldest first, in slices after a long pause."""
    habits = entry.habits
    start, end = span
    windows = []
    while start < end:
        # A last slice much shorter than the others is no slice of its own.
        cut = start + habits.window
        cut = end if cut + habits.window / 2 > end else cut
        windows.append(
            NewWindow(
                entry.source,
                collection,
                kind,
                basis,
                start,
                cut,
                None if kind == "deletions" else entry.bbox,
                _FIRST[kind] + habits.priority,
                newest_first=False,
                options={"max_records": habits.max_records, **(options or {})},
            )
        )
        start = cut
    return windows
