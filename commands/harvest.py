"""`kakehashi harvest`: the standing job, which keeps the catalogue in step with its upstreams.

One process plans and works, more of them work beside it; all of them meet in the database alone, so that
they may be on any machines, and any of them may be killed at any time.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from catalog.definitions import Definitions, load_definitions
from catalog.errors import StoreError
from catalog.settings import DatabaseSettings
from catalog.store import ledger, turns, upstreams
from catalog.store.database import INGEST_ROLE, open_database
from catalog.store.migrate import migrate
from catalog.store.pool import Pool, open_pool
from commands.harvest_display import HarvestDisplay
from commands.helpers import Helpers
from commands.ingest import make_harmonizer, opened_upstream, schemas_of
from commands.say import say
from ingest.contract import FollowsChanges, Source, TellsDeletions
from ingest.jobs import Queue, QueueAway, open_queue
from ingest.plan import DEFAULT_PLAN, Upstream, read_plan
from ingest.settings import IngestSettings
from ingest.sources import SOURCES, make_source
from ingest.windows import Planner
from ingest.work import Workshop, work

# How often it is looked whether something is due, and whether a worker is gone.
_LOOK_EVERY_S = 5.0
_PLAN_EVERY_S = 30.0
_LONGEST_WAIT_FOR_DATABASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Orders:
    """How the job is to run.

    Attributes:
        plan: file; None for the built-in plan.
        once: plan, do what is due, and end.
        work_only: leave planning to another process.
        workers: processes.
        concurrency: windows at once in each of them.
        is_background: beside `kakehashi up`: other plans stay as they are, and little is said.
        parent: process with which the job ends; None: it stands by itself.
    """

    plan: Path | None = None
    once: bool = False
    work_only: bool = False
    workers: int = 1
    concurrency: int = 4
    is_background: bool = False
    parent: int | None = None


def known_upstreams(definitions: Definitions) -> dict[str, Upstream]:
    """Return what a plan has to know of each source."""
    known = {}
    for name in SOURCES:
        source = make_source(name, definitions)
        known[name] = Upstream(
            source.definition,
            frozenset(definition.id for definition in definitions.by_native(name).values()),
            describes_more=source.definition.describes_more,
            tells_deletions=isinstance(source, TellsDeletions),
            follows_changes=isinstance(source, FollowsChanges),
        )
    return known


def harvest(settings: DatabaseSettings, ingest_settings: IngestSettings, orders: Orders) -> bool:
    """Run the job: what is due, or for ever until SIGINT or SIGTERM.

    Returns:
        Whether nothing is left whose last attempt failed.

    Raises:
        ConfigurationError: the plan is not valid.
        StoreError: there is no database.
    """
    definitions = load_definitions()
    planner = None
    if not orders.work_only:
        planner = Planner(read_plan(orders.plan or DEFAULT_PLAN, known_upstreams(definitions)))
    with open_database(settings) as database:
        pointed = settings.model_copy(update={"database_url": database.url})
        return asyncio.run(_Job(pointed, database.url, ingest_settings, definitions, orders, planner).run())


class _Job:
    """The state of the standing job in one process."""

    def __init__(
        self,
        settings: DatabaseSettings,
        url: str,
        ingest_settings: IngestSettings,
        definitions: Definitions,
        orders: Orders,
        planner: Planner | None,
    ) -> None:
        # A window holds one connection while it loads, and takes further ones for a moment.
        size = max(settings.database_pool_size, 2 * orders.concurrency + 4)
        self._settings = settings.model_copy(update={"database_pool_size": size})
        self._url = url
        self._ingest_settings = ingest_settings
        self._definitions = definitions
        self._orders = orders
        self._planner = planner
        self._stop = asyncio.Event()
        self._display = HarvestDisplay(is_background=orders.is_background)

    async def run(self) -> bool:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        await migrate(self._url, say=say)
        pool = await open_pool(self._settings, INGEST_ROLE, read_only=False)
        try:
            return await self._run_with(pool)
        finally:
            await pool.close()

    async def _run_with(self, pool: Pool) -> bool:
        async with AsyncExitStack() as stack:
            sources = _Sources(pool, self._ingest_settings, self._definitions, stack)
            schemas = schemas_of(self._ingest_settings, self._settings.data_dir)
            workshop = Workshop(
                pool,
                self._definitions,
                self._ingest_settings.batch_size,
                sources.opened,
                lambda source: make_harmonizer(source, self._definitions, schemas),
                self._ingest_settings.harvest_first_wait_s,
            )
            queue: Queue | None = None

            async def do(window: int) -> None:
                outcome = await work(workshop, window)
                if outcome is not None:
                    self._display.outcome(outcome)
                    if queue is not None and not self._stop.is_set():
                        await queue.dispatch(outcome.window.source, window)

            silent_s = self._ingest_settings.harvest_silent_s
            queue = await stack.enter_async_context(open_queue(self._url, pool, do, silent_s=silent_s))
            async with pool.connection() as connection:
                began = await ledger.database_time(connection)
            if self._planner is not None:
                await self._take_over(pool, self._planner)
            with ExitStack() as helpers, self._display:
                if self._orders.workers > 1:
                    options = ("--work-only", "--concurrency", str(self._orders.concurrency))
                    helpers.enter_context(Helpers(self._orders.workers - 1, options, self._url))
                await self._until_stopped(pool, queue, began)
            return await self._is_well(pool)

    async def _take_over(self, pool: Pool, planner: Planner) -> None:
        async with pool.connection() as connection:
            if self._orders.is_background:
                await planner.set_manners(connection)
                return
            aside = await planner.take_over(connection)
        if aside:
            say(f"{aside} windows of other plans are put aside")

    async def _until_stopped(self, pool: Pool, queue: Queue, began: datetime) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._patiently(lambda: queue.work(self._orders.concurrency, self._stop)))
            group.create_task(self._patiently(lambda: self._schedule(pool, queue)))
            group.create_task(self._patiently(lambda: self._watch(pool, began)))

    async def _patiently(self, duty: Callable[[], Awaitable[None]]) -> None:
        """Do a duty until told to stop, and again whenever the database was away."""
        wait = 0.5
        while not self._stop.is_set():
            started = asyncio.get_running_loop().time()
            try:
                await duty()
            except (QueueAway, StoreError) as error:
                self._display.database_away(str(error))
            else:
                return
            if asyncio.get_running_loop().time() - started > _LONGEST_WAIT_FOR_DATABASE_S:
                wait = 0.5
            await self._pause(wait)
            wait = min(2 * wait, _LONGEST_WAIT_FOR_DATABASE_S)

    async def _schedule(self, pool: Pool, queue: Queue) -> None:
        """Plan what is due, give back what dead workers had, and put into the queue whose turn it is."""
        loop = asyncio.get_running_loop()
        planned = recovered = float("-inf")
        while not self._stop.is_set():
            if self._planner is not None and loop.time() - planned >= _PLAN_EVERY_S:
                async with pool.connection() as connection:
                    await self._planner.plan(connection)
                planned = loop.time()
            if loop.time() - recovered >= min(_LOOK_EVERY_S, self._ingest_settings.harvest_silent_s / 2):
                await queue.recover()
                recovered = loop.time()
            async with pool.connection() as connection:
                sources = await turns.sources_with_work(connection)
            for source in sources:
                await queue.dispatch(source)
            self._display.database_back()
            if self._orders.once and await self._is_drained(pool):
                self._stop.set()
            if self._orders.parent not in (None, os.getppid()):
                self._stop.set()
            await self._pause(0.2 if self._orders.once else 1.0)

    async def _is_drained(self, pool: Pool) -> bool:
        async with pool.connection() as connection:
            progress = await turns.progress(connection, await ledger.database_time(connection))
        return not progress.due and not progress.running

    async def _watch(self, pool: Pool, began: datetime) -> None:
        """Show how far it is."""
        while not self._stop.is_set():
            async with pool.connection() as connection:
                progress = await turns.progress(connection, began)
            self._display.progress(progress)
            await self._pause(self._display.interval_s)

    async def _is_well(self, pool: Pool) -> bool:
        async with pool.connection() as connection:
            progress = await turns.progress(connection, await ledger.database_time(connection))
        return not progress.failed

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return


class _Sources:
    """Sources of one process: each is opened once, and shared by its windows."""

    def __init__(
        self, pool: Pool, settings: IngestSettings, definitions: Definitions, stack: AsyncExitStack
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._definitions = definitions
        self._stack = stack
        self._open: dict[str, Source] = {}
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[Source]:
        async with self._opening:
            if name not in self._open:
                turns = _SharedTurns(self._pool, name)
                source = opened_upstream(name, None, self._settings, self._definitions, turns)
                self._open[name] = await self._stack.enter_async_context(source)
        yield self._open[name]


class _SharedTurns:
    """Turns that all workers share, in the database."""

    def __init__(self, pool: Pool, source: str) -> None:
        self._pool = pool
        self._source = source

    async def wait(self) -> None:
        async with self._pool.connection() as connection:
            seconds = await upstreams.next_turn(connection, self._source)
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def hold_back(self, seconds: float) -> None:
        async with self._pool.connection() as connection:
            await upstreams.hold_back(connection, self._source, seconds)
