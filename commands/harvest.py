"""`kakehashi harvest`: the standing job, which keeps the catalogue in step with its upstreams.

Every collection of the plan is asked for in turn, from a little before its watermark until now. The
watermark moves when all of that is committed, so a crash costs a repeat and never a gap.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path

from catalog.definitions import Definitions, load_definitions
from catalog.errors import StoreError, UpstreamError
from catalog.settings import DatabaseSettings
from catalog.store.bookkeeping import move_watermark, watermark_of
from catalog.store.database import INGEST_ROLE, open_database
from catalog.store.migrate import migrate
from catalog.store.pool import Pool, open_pool
from commands.ingest import Order, load_pages, opened_source
from commands.say import say
from ingest.contract import Selection
from ingest.plan import DEFAULT_PLAN, Entry, read_plan
from ingest.report import Summary
from ingest.settings import IngestSettings
from ingest.sources import SOURCES

# After a failure an entry is tried again sooner than its next round, but not at once.
_RETRY_AFTER_HOURS = 0.25


def harvest(
    settings: DatabaseSettings, ingest_settings: IngestSettings, plan: Path | None, *, once: bool
) -> bool:
    """Run the plan: one round, or for ever until SIGINT or SIGTERM.

    Returns:
        Whether everything that was tried last went through.

    Raises:
        ConfigurationError: the plan is not valid.
        StoreError: there is no database.
    """
    entries = read_plan(plan or DEFAULT_PLAN, SOURCES)
    with open_database(settings) as database:
        return asyncio.run(_Harvest(settings, database.url, ingest_settings, entries).run(once=once))


class _Harvest:
    """The state of the standing job."""

    def __init__(
        self,
        settings: DatabaseSettings,
        url: str,
        ingest_settings: IngestSettings,
        entries: tuple[Entry, ...],
    ) -> None:
        self._settings = settings.model_copy(update={"database_url": url})
        self._url = url
        self._ingest_settings = ingest_settings
        self._due = {(entry, collection): 0.0 for entry in entries for collection in entry.collections}
        self._failed: set[tuple[Entry, str]] = set()
        self._stop = asyncio.Event()

    async def run(self, *, once: bool) -> bool:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        await migrate(self._url, say=say)
        definitions = load_definitions()
        pool = await open_pool(self._settings, INGEST_ROLE, read_only=False)
        try:
            while not self._stop.is_set():
                await self._round(pool, definitions)
                if once:
                    break
                await self._sleep()
        finally:
            await pool.close()
        return not self._failed

    async def _round(self, pool: Pool, definitions: Definitions) -> None:
        """Ask for everything that is due, one after the other: upstreams ask for serial access."""
        for work, due in list(self._due.items()):
            if due > time.monotonic() or self._stop.is_set():
                continue
            entry, collection = work
            try:
                await self._harvest(pool, definitions, entry, collection)
            except (UpstreamError, StoreError) as error:
                self._failed.add(work)
                pause = min(entry.every, _RETRY_AFTER_HOURS)
                say(f"{entry.source} {collection}: {error}; next try in {pause * 60:.0f} minutes")
            else:
                self._failed.discard(work)
                pause = entry.every
            self._due[work] = time.monotonic() + pause * 3600

    async def _harvest(self, pool: Pool, definitions: Definitions, entry: Entry, collection: str) -> None:
        now = datetime.now(UTC)
        async with pool.connection() as connection:
            watermark = await watermark_of(connection, entry.source, collection)
        selection = Selection((collection,), entry.window(watermark, now), entry.bbox)
        order = Order(entry.source, selection)
        async with opened_source(order, self._ingest_settings, definitions) as (source, pages):
            work = load_pages(order, source, pages, pool, self._ingest_settings, definitions, quiet=True)
            summary = await self._unless_stopped(work)
        if summary is None:
            return
        async with pool.connection() as connection:
            await move_watermark(connection, entry.source, collection, now)
        for line in summary.lines(loaded=True):
            say(f"{collection}: {line.strip()}")

    async def _unless_stopped(self, work: Coroutine[None, None, Summary]) -> Summary | None:
        """Do some work, or break it off when the signal to stop comes; what was committed stays."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return None
        return task.result()

    async def _sleep(self) -> None:
        """Wait for the next thing that is due, or for the signal to stop."""
        pause = max(1.0, min(self._due.values()) - time.monotonic())
        try:
            async with asyncio.timeout(pause):
                await self._stop.wait()
        except TimeoutError:
            return
