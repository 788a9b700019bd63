"""A harvest of a living upstream into a database of a test's own."""

import asyncio
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import commands.harvest
from catalog import jsontext
from catalog.settings import DatabaseSettings
from catalog.store.window import Basis, Scope
from commands.harvest import Orders, harvest
from ingest.settings import IngestSettings
from tests.replay.living import S2, SGLI, Living
from tests.replay.server import Replay, running
from tests.unit.documents import definitions

DAY = timedelta(days=1)
# For tests of the ledger alone, which need some day and not one that has just been.
SOME_DAY = datetime(2026, 5, 1, tzinfo=UTC)
CDSE = f"- source: cdse\n  collections: {S2}\n  min_interval: 0s\n"
GPORTAL = f"- source: gportal\n  collections: {SGLI}\n  min_interval: 0s\n"


async def cursor_of(
    connection: "asyncpg.Connection[asyncpg.Record]", scope: Scope, basis: Basis
) -> datetime | None:
    """Return the time before which everything is committed; None before the first window was done."""
    found: datetime | None = await connection.fetchval(
        """
        SELECT until FROM kakehashi.harvest_cursor
        WHERE (source, collection) = ($1, $2) AND basis = $3 AND bbox IS NOT DISTINCT FROM $4::double precision[]
        """,
        *scope[:2],
        basis,
        scope[2],
    )
    return found


class Bench:
    """A living upstream, a database, and the standing job between them.

    Attributes:
        day: the midnight around which products are acquired. It is the same for the whole of a test, and far
            enough from both ends of the plans' past that a test may begin on one day and end on the next.
    """

    def __init__(self, url: str, folder: Path, living: Living, replay: Replay) -> None:
        self.url = url
        self.living = living
        self.replay = replay
        self.day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 3 * DAY
        self._plan = folder / "plan.yaml"

    def minutes(self, count: int, day: int = 0) -> list[datetime]:
        """Return the first minutes of the test's day, or of one so many days after it."""
        return [self.day + DAY * day + timedelta(minutes=minute) for minute in range(count)]

    def days(self, count: int = 2, each: int = 15) -> list[datetime]:
        """Return the first minutes of some days, the test's day and those around it."""
        return [moment for day in range(count) for moment in self.minutes(each, 1 - day)]

    def harvest(self, plan: str, **settings: Any) -> bool:
        """Run `kakehashi harvest --once` in this process."""
        self._plan.write_text(plan)
        orders = Orders(plan=self._plan, once=True, concurrency=2)
        return harvest(DatabaseSettings(database_url=self.url), self.settings(**settings), orders)

    @contextmanager
    def worker(self, plan: str, **settings: Any) -> Iterator[int]:
        """Run the same in a process of its own for the length of the block, at most; give its number."""
        with warnings.catch_warnings():
            # The server's thread stays behind; the child uses nothing of it.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if self.harvest(plan, **settings) else 1
            finally:
                os._exit(status)
        try:
            yield child
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def settings(self, **changes: Any) -> IngestSettings:
        quick: dict[str, Any] = {
            "http_attempts": 2,
            "http_max_wait_s": 0.05,
            "http_timeout_s": 20,
            "harvest_silent_s": 1,
            "harvest_first_wait_s": 60,
            "batch_size": 7,
            "sources": {
                "cdse": {"url": self.replay.url},
                "gportal": {"url": f"{self.replay.url}/csw"},
                "tellus": {"url": self.replay.url, "token": "very-secret"},
            },
        }
        return IngestSettings(**{**quick, **changes})

    # -- looking --------------------------------------------------------------------------------

    def fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return asyncio.run(self._fetch(statement, values))

    def execute(self, statement: str) -> None:
        self.fetch(statement)

    async def _fetch(self, statement: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(
            self.url, server_settings={"search_path": "kakehashi,pgstac,public", "timezone": "UTC"}
        )
        try:
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    def held(self, source: str) -> dict[str, int]:
        """What the catalogue has: cloud cover by id. No id may be there twice."""
        rows = self.fetch(
            """
            SELECT id, (pgstac.content_hydrate(items) #>> '{properties,eo:cloud_cover}')::float::int AS cover
            FROM pgstac.items WHERE collection = $1
            """,
            S2 if source == "cdse" else SGLI,
        )
        held = {row["id"]: row["cover"] for row in rows}
        assert len(held) == len(rows), "an id is there twice"
        return held

    def windows(self, kind: str | None = None) -> list[dict[str, Any]]:
        rows = self.fetch(
            "SELECT * FROM harvest_window WHERE kind = $1 OR $1 IS NULL ORDER BY kind, window_start", kind
        )
        return [{**row, "options": jsontext.loads(row["options"])} for row in rows]

    def is_at_rest(self) -> None:
        """Make sure that nothing is stuck: no window runs, and no job is in the queue."""
        assert self.fetch("SELECT * FROM harvest_window WHERE state = 'running'") == []
        assert self.fetch("SELECT * FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == []

    def equals(self, *sources: str) -> None:
        for source in sources:
            assert self.held(source) == self.living.expected(source)

    def make_due(self) -> None:
        """Let time pass: cursors are old enough for the next look, and failed windows may be tried."""
        self.execute("UPDATE harvest_cursor SET until = until - interval '2 days'")
        self.execute("UPDATE harvest_window SET not_before = now() WHERE state IN ('pending', 'failed')")
        self.execute("UPDATE harvest_window SET finished_at = finished_at - interval '1 day'")
        self.execute("UPDATE harvest_source SET paused_until = now()")


@pytest.fixture
def bench(fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    # Reading 700 collections takes longer than all the rest; they are the same every time.
    monkeypatch.setattr(commands.harvest, "load_definitions", definitions)
    living = Living(page_size=10)
    with ExitStack() as stack:
        replay = stack.enter_context(running(living))
        yield Bench(fresh_database_url, tmp_path, living, replay)
