"""The queue of windows: any number of workers on any machines share it (procrastinate, in PostgreSQL).

The ledger says what there is to do, the queue who does it now. It is kept short: for each upstream no more
jobs than it may have windows at once. A job holds the number of a window and nothing else that matters, so
a job that is lost, or done twice, costs a look into the ledger and no more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.jobs import DeleteJobCondition, Status

from catalog.store import turns
from catalog.store.database import INGEST_ROLE
from catalog.store.pool import Pool

TASK = "harvest window"
Do = Callable[[int], Awaitable[None]]

# How often a worker looks for jobs by itself; the database also calls it when there is one.
_POLL_S = 1.0
# How long running windows may go on after the signal to stop; what is committed by then stays.
_GRACE_S = 1.0


class QueueAway(Exception):
    """The database that holds the queue is away."""


class Queue:
    """The queue, as a worker and a scheduler see it."""

    def __init__(self, app: procrastinate.App, pool: Pool, silent_s: float) -> None:
        """Use an open app; made by `open_queue`."""
        self._app = app
        self._pool = pool
        self._silent_s = silent_s

    async def dispatch(self, source: str, finished: int | None = None) -> int:
        """Put the windows of an upstream into the queue whose turn it is; return how many.

        Args:
            source: the upstream.
            finished: a window whose job is about to leave the queue, and so makes room.

        Raises:
            QueueAway: the database is away.
        """
        async with self._pool.connection() as connection, connection.transaction():
            chosen = await turns.choose(connection, source, finished)
            for one in chosen:
                await self._defer(source, one)
        return len(chosen)

    async def _defer(self, source: str, one: turns.Next) -> None:
        # That a collection is asked for by one at a time, and an upstream by no more than it bears, is a matter
        # of choosing. A lock of the queue's own would keep the next window waiting until a worker looks again.
        job = self._app.tasks[TASK].configure(
            queue=source, queueing_lock=f"window {one.window}", priority=one.priority
        )
        with _as_ours():
            try:
                await job.defer_async(window=one.window, lane=one.lane, collection=one.collection)
            except exceptions.AlreadyEnqueued:
                return

    async def recover(self) -> int:
        """Give back the windows of workers that are gone; return how many.

        A worker that sent no sign of life for a while counts as gone. If it is not, it finds out when it
        writes next (`ledger.hold`).

        Raises:
            QueueAway: the database is away.
        """
        manager = self._app.job_manager
        with _as_ours():
            await manager.prune_stalled_workers(self._silent_s)
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._silent_s):
                if job.id is not None:
                    await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        async with self._pool.connection() as connection:
            return await turns.recover(connection)

    async def work(self, concurrency: int, stop: asyncio.Event) -> None:
        """Work on jobs until told to stop; windows that are under way then are given back.

        Args:
            concurrency: windows at once in this process.
            stop: the signal.

        Raises:
            QueueAway: the database is away.
        """
        worker = asyncio.create_task(
            self._app.run_worker_async(
                concurrency=concurrency,
                wait=True,
                fetch_job_polling_interval=_POLL_S,
                shutdown_graceful_timeout=_GRACE_S,
                listen_notify=True,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=self._silent_s / 3,
                stalled_worker_timeout=self._silent_s,
            )
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            is_done = worker.done()
            worker.cancel()
            ended = (await asyncio.gather(worker, return_exceptions=True))[0]
        if isinstance(ended, Exception):
            raise QueueAway(_reason(ended)) from ended
        if is_done and not stop.is_set():
            raise QueueAway("the connection to the queue was lost")


@asynccontextmanager
async def open_queue(url: str, pool: Pool, do: Do, *, silent_s: float) -> AsyncIterator[Queue]:
    """Open the queue for the length of the block.

    Args:
        url: of the database, which is migrated.
        pool: of the ingest role.
        do: works through a window that is named; never raises for what is wrong with the window.
        silent_s: a worker that gave no sign of life for so many seconds counts as gone.

    Raises:
        QueueAway: the database is away.
    """
    connector = procrastinate.PsycopgConnector(
        conninfo=url,
        configure=_configure,
        min_size=1,
        max_size=4,
        timeout=10,
        kwargs={"application_name": "kakehashi queue"},
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=TASK)
    async def window(window: int, **_: Any) -> None:
        await do(window)

    _silence()
    with _as_ours():
        await app.open_async()
    try:
        with _quiet_about_lost_jobs():
            yield Queue(app, pool, silent_s)
    finally:
        await app.close_async()


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Give a session the rights of the ingest role, and our schema, where the queue's tables are."""
    await connection.execute(f"SET ROLE {INGEST_ROLE}")
    await connection.execute("SET search_path TO kakehashi, public")
    await connection.commit()


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except (exceptions.ConnectorException, psycopg.Error, TimeoutError, OSError) as error:
        raise QueueAway(_reason(error)) from error


@contextmanager
def _quiet_about_lost_jobs() -> Iterator[None]:
    """Say nothing of jobs whose end could not be written in the queue, within the block.

    The queue's worker leaves such an error in a task that nobody looks at, and asyncio would print it with its
    traceback. The ledger knows how the window ended, and `recover` clears the job away.
    """
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), exceptions.ConnectorException):
            return
        if before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error.__cause__ or error).split())
    return text[:300] if text else type(error).__name__


def _silence() -> None:
    """Keep the libraries from logging what is told here in a line of ours, or is in the ledger."""
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
