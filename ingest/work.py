"""Working through one window: claim it, ask the upstream, load what comes, and say in the ledger how it ended."""

import asyncio
import logging
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, KakehashiError, TooManyResults, UpstreamUnavailable
from catalog.store import ledger, upstreams
from catalog.store.ledger import WindowLost
from catalog.store.pool import Pool
from catalog.store.statistics import fold_changes
from catalog.store.vanished import comparable_items, remove_vanished
from catalog.store.window import EVERYTHING, Claim, Counts
from ingest.contract import FollowsChanges, Page, Selection, Source, TellsDeletions, Window
from ingest.harmonize import Harmonizer
from ingest.load import CatalogueSink
from ingest.pipeline import Sink, run
from ingest.reconcile import Listing, TooMuchMissing, check_complete, check_share
from ingest.report import Summary

if TYPE_CHECKING:
    from catalog.store.connection import Connection

log = logging.getLogger(__name__)

# After a failure a window waits this long, twice as long after each further one, up to the longest wait.
_FIRST_WAIT_S = 60.0
_LONGEST_WAIT_S = 6 * 3600.0
# An upstream that asks for a longer pause (`Retry-After`) is asked once a day all the same: it may be wrong.
_LONGEST_PAUSE_S = 24 * 3600.0
# What is wrong on our side does not mend itself soon.
_WAIT_FOR_OPERATOR_S = 3600.0
# A window this short is not split further.
_SHORTEST = timedelta(seconds=2)
_PARTS = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt at a window ended, for whoever watches.

    Attributes:
        state: `done`, `failed`, `split`, `refused`, or `lost` to another worker.
        error: why it failed or was refused, in one line.
        wait_s: seconds until a failed one may be tried again.
        is_aside: whether it failed so often that it does not hold up others any more.
    """

    window: Claim
    state: str
    counts: Counts
    error: str | None = None
    wait_s: float | None = None
    is_aside: bool = False


@dataclass(frozen=True)
class Workshop:
    """What it takes to work on windows.

    Attributes:
        open_source: opens a source that is named, for the length of a block.
        make_harmonizer: what turns the records of a source into items.
    """

    pool: Pool
    definitions: Definitions
    batch_size: int
    open_source: Callable[[str], AbstractAsyncContextManager[Source]]
    make_harmonizer: Callable[[Source], Harmonizer]
    first_wait_s: float = _FIRST_WAIT_S


def worker_name() -> str:
    """Return what a worker is called in the ledger: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def work(workshop: Workshop, number: int) -> Outcome | None:
    """Work through a window that is waiting; None if there is nothing to do about it any more.

    Whatever goes wrong with the upstream, the window or our own side is in the ledger afterwards, and the
    window is tried again later; only what goes wrong with the ledger itself rises.

    Args:
        workshop: what it takes.
        number: id of the window.

    Raises:
        StoreError: the database is away; the window is found again by `turns.recover`.
    """
    async with workshop.pool.connection() as connection:
        window = await ledger.claim(connection, number, worker_name())
    if window is None:
        return None
    summary, taken = Summary(window.source), Counts()
    try:
        return await _Attempt(workshop, window, summary, taken).outcome()
    except WindowLost:
        return Outcome(window, "lost", taken)
    except asyncio.CancelledError:
        async with workshop.pool.connection() as connection:
            await ledger.release(connection, window)
        raise
    except KakehashiError as error:
        return await _failed(workshop, window, taken, error)
    except Exception as error:  # a bug of ours; the window is not lost for it
        log.exception("window %s of %s %s", window.id, window.source, window.collection)
        return await _failed(workshop, window, taken, error)


async def _failed(workshop: Workshop, window: Claim, taken: Counts, error: Exception) -> Outcome:
    reason = str(error) if isinstance(error, KakehashiError) else f"{type(error).__name__}: {error}"
    async with workshop.pool.connection() as connection:
        if isinstance(error, UpstreamUnavailable):
            failures = await upstreams.failures_of(connection, window.source)
            pause = min(error.after_s or _backoff(workshop.first_wait_s, failures), _LONGEST_PAUSE_S)
            await upstreams.note_failure(connection, window.source, reason, pause)
            # Others may go through meanwhile, so the upstream's pause alone can stay short for ever.
            wait = max(pause, _backoff(workshop.first_wait_s, window.failures))
        elif isinstance(error, ConfigurationError):
            wait = _WAIT_FOR_OPERATOR_S
        else:
            wait = _backoff(workshop.first_wait_s, window.failures)
        is_aside = await ledger.fail(connection, window, taken, reason, wait)
    return Outcome(window, "failed", taken, reason, wait, is_aside)


def _backoff(first_s: float, failures: int) -> float:
    """Return a pause that doubles with each failure, with jitter so that many do not come back at once."""
    longest = min(first_s * 2.0 ** min(failures, 20), _LONGEST_WAIT_S)
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - no secret


class _Attempt:
    """One attempt at one window."""

    def __init__(self, workshop: Workshop, window: Claim, summary: Summary, taken: Counts) -> None:
        self._shop = workshop
        self._window = window
        self._summary = summary
        self._taken = taken

    async def outcome(self) -> Outcome:
        window = self._window
        async with AsyncExitStack() as stack:
            try:
                source = await stack.enter_async_context(self._shop.open_source(window.source))
            except ConfigurationError as error:  # such as no token: no window of it can be had
                raise UpstreamUnavailable(str(error), _WAIT_FOR_OPERATOR_S) from error
            try:
                async with self._shop.pool.connection() as connection:
                    state, reason = await self._through(source, connection)
            except TooManyResults as too_many:
                return await self._split(too_many)
        async with self._shop.pool.connection() as connection:
            await upstreams.note_success(connection, window.source)
            await fold_changes(connection)
        return Outcome(window, state, self._taken, reason)

    async def _through(self, source: Source, connection: "Connection") -> tuple[str, str | None]:
        window = self._window

        async def guard(writing: "Connection") -> None:
            await ledger.hold(writing, window)

        harmonizer = self._shop.make_harmonizer(source)
        sink = CatalogueSink(
            connection,
            source.name,
            self._shop.definitions,
            harmonizer.describe,
            self._shop.batch_size,
            guard,
            lambda record: window.claimed_at,
        )

        async def ending(summary: Summary) -> None:
            await ledger.finish(connection, window, self._count(summary))

        try:
            if window.kind == "reconcile":
                return await self._reconcile(source, harmonizer, sink, connection)
            await self._run(source, harmonizer, sink, ending)
        finally:
            await sink.close()
        return "done", None

    async def _run(
        self,
        source: Source,
        harmonizer: Harmonizer,
        sink: Sink,
        ending: Callable[[Summary], Awaitable[None]] | None,
    ) -> None:
        limit = self._window.options.get("max_records")
        is_divisible = (
            self._window.end - self._window.start > _SHORTEST and self._window.collection != EVERYTHING
        )
        await run(
            source,
            self._pages(source),
            sink,
            harmonizer,
            selection=self._selection(),
            summary=self._summary,
            max_records=limit if is_divisible else None,
            ending=ending,
            on_progress=self._note,
        )

    def _note(self, summary: Summary) -> None:
        """Keep what was taken so far, for the outcome of an attempt that fails."""
        self._count(summary)

    def _selection(self) -> Selection:
        window = self._window
        collections = () if window.collection == EVERYTHING else (window.collection,)
        if window.kind == "deletions":
            return Selection(tuple(window.options.get("collections", ())))
        # What is listed as a whole has no times to choose by.
        is_by_time = window.basis == "acquired" and window.collection != EVERYTHING
        acquired = Window(window.start, window.end) if is_by_time else Window()
        return Selection(collections, acquired, window.bbox)

    def _pages(self, source: Source) -> AsyncIterator[Page]:
        window = self._window
        if window.basis == "deleted" and isinstance(source, TellsDeletions):
            return source.deletions(window.start, window.end)
        if window.basis == "changed" and isinstance(source, FollowsChanges):
            return source.changed_pages(self._selection(), Window(window.start, window.end))
        if window.basis != "acquired":
            raise ConfigurationError(f"{source.name} cannot be asked for what was {window.basis}")
        return source.pages(self._selection())

    async def _reconcile(
        self, source: Source, harmonizer: Harmonizer, sink: CatalogueSink, connection: "Connection"
    ) -> tuple[str, str | None]:
        """Load a window again, and take out what the upstream does not list any more."""
        window, listing = self._window, Listing(sink)
        await self._run(source, harmonizer, listing, None)
        check_complete(self._summary)
        held = await comparable_items(connection, window)
        vanished = held - listing.seen
        if vanished:
            # A record may slip to the page before while pages are walked: it is looked for once more.
            again, summary = Listing(), Summary(window.source)
            pages = self._pages(source)
            await run(source, pages, again, harmonizer, selection=self._selection(), summary=summary)
            check_complete(summary)
            vanished -= again.seen
        counts = self._count(self._summary)
        async with sink.transaction():
            try:
                check_share(len(held), len(vanished), float(window.options["max_share"]))
            except TooMuchMissing as refusal:
                await ledger.refuse(connection, window, counts, str(refusal))
                return "refused", str(refusal)
            counts.deleted = await remove_vanished(connection, window, vanished, listing.unread)
            await ledger.finish(connection, window, counts)
        return "done", None

    async def _split(self, too_many: TooManyResults) -> Outcome:
        window = self._window
        if window.end - window.start <= _SHORTEST or window.collection == EVERYTHING:
            return await _failed(self._shop, window, self._taken, too_many)
        async with self._shop.pool.connection() as connection:
            await ledger.split(connection, window, self._cuts(too_many.count), too_many.count)
        self._taken.upstream = too_many.count
        return Outcome(window, "split", self._taken, str(too_many))

    def _cuts(self, count: int | None) -> list[datetime]:
        """Return where to cut: into so many parts that each should fit, with some room."""
        window, limit = self._window, self._window.options.get("max_records")
        wanted = 2 if count is None or not limit else -(-2 * count // limit)
        length = window.end - window.start
        parts = max(2, min(_PARTS, wanted, int(length / timedelta(seconds=1))))
        # Whole seconds, so that no upstream's precision makes a gap.
        return [(window.start + length * number / parts).replace(microsecond=0) for number in range(1, parts)]

    def _count(self, summary: Summary) -> Counts:
        taken = self._taken
        written = summary.written
        taken.pages, taken.records, taken.upstream = summary.pages, summary.records, summary.matched
        taken.refused = sum(summary.refused.values())
        taken.inserted, taken.updated = written.inserted, written.updated
        taken.unchanged, taken.deleted = written.unchanged, written.deleted
        return taken
