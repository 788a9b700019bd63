"""A window of the present that always fails is set aside: what comes after it is followed, and it is not lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from catalog.store import cursors, ledger, turns
from catalog.store.ledger import claim
from catalog.store.window import SET_ASIDE_AFTER, Counts, NewWindow
from ingest.habits import Habits
from ingest.plan import Entry
from ingest.windows import Planner
from tests.harvest.conftest import CDSE, DAY, S2, SOME_DAY, Bench, cursor_of
from tests.replay.server import Answer, Request

PLAN = "  since: 1d\n  reconcile: never\n  every: 1s\n  overlap: 6h\n"
SCOPE = ("cdse", S2, None)


def fails_on(uuid: str) -> Any:
    """Answer 500 to whoever wants to know what changed when one product did."""

    def bend(request: Request, answer: Answer) -> Answer:
        if "/odata/" in request.path and uuid.encode() in answer.content:
            return Answer(status=500)
        return answer

    return bend


def test_following_goes_on_without_a_window_that_always_fails_and_loses_nothing_of_it(bench: Bench):
    plan = CDSE + PLAN
    assert bench.harvest(plan)
    bench.execute("UPDATE harvest_cursor SET until = until - interval '1 hour'")
    poison, beside = bench.living.add(bench.day, bench.day + timedelta(minutes=1))
    bench.living.bend = fails_on(poison.uuid)
    for attempt in range(SET_ASIDE_AFTER):
        assert not bench.harvest(plan)
        (window,) = bench.windows("follow")
        assert (window["state"], window["failures"]) == ("failed", attempt + 1)
        assert (window["aside_since"] is None) is (attempt + 1 < SET_ASIDE_AFTER)
        bench.execute("UPDATE harvest_source SET paused_until = now()")
        if attempt + 1 < SET_ASIDE_AFTER:
            bench.execute("UPDATE harvest_window SET not_before = now()")
    assert window["not_before"] - window["finished_at"] > timedelta(minutes=7), "it is tried ever more seldom"
    # What is new goes its way, in spite of the overlap, and what is set aside waits for its own time.
    (later,) = bench.living.add(bench.day + timedelta(minutes=2))
    asyncio.run(asyncio.sleep(1.1))
    assert not bench.harvest(plan), "it says that something failed"
    assert set(bench.held("cdse")) == {later.sentinel_2}
    aside, *others = sorted(bench.windows("follow"), key=lambda window: window["id"])
    assert [window["state"] for window in others] == ["done"] * len(others)
    assert all(
        window["window_end"] <= aside["window_start"] or window["window_start"] >= aside["window_end"]
        for window in others
    )
    (told,) = bench.fetch("SELECT until FROM harvest_cursor WHERE basis = 'changed'")
    assert told["until"] == max(window["window_end"] for window in others)
    # It is tried by itself, and is done when the upstream can be asked for it.
    bench.living.bend = lambda request, answer: answer
    bench.make_due()
    assert bench.harvest(plan)
    bench.equals("cdse")
    assert beside.sentinel_2 in bench.held("cdse")
    assert {window["aside_since"] for window in bench.windows()} == {None}
    bench.is_at_rest()


@pytest.fixture
async def connection(fresh_database_url: str) -> Any:
    session = {"search_path": "pgstac,public", "role": "kakehashi_ingest"}
    connection = await asyncpg.connect(fresh_database_url, server_settings=session)
    yield connection
    await connection.close()


async def number_of(connection: Any) -> int:
    number: int = await connection.fetchval("SELECT id FROM kakehashi.harvest_window")
    return number


@pytest.mark.parametrize("kind", ["follow", "backfill"])
async def test_a_window_that_takes_its_worker_down_each_time_is_set_aside_too(connection: Any, kind: Any):
    """No worker ever said that it failed, so that it was begun again at once, for ever."""
    await cursors.start_cursor(connection, SCOPE, "changed", SOME_DAY)
    window = NewWindow("cdse", S2, kind, "changed", SOME_DAY, SOME_DAY + DAY)
    await ledger.add_windows(connection, [window])
    waits = []
    for _ in range(SET_ASIDE_AFTER):
        await connection.execute("UPDATE kakehashi.harvest_window SET not_before = clock_timestamp()")
        assert await claim(connection, await number_of(connection), "a") is not None
        assert await turns.recover(connection) == 1
        row = await connection.fetchrow(
            "SELECT *, extract(epoch FROM not_before - clock_timestamp())::float8 / 60 AS wait FROM kakehashi.harvest_window"
        )
        waits.append(round(max(row["wait"], 0)))
    assert waits == [0, 0, 0, 1, 2]
    assert (row["aside_since"] is not None) is (kind == "follow")
    moved = await cursor_of(connection, SCOPE, "changed")
    assert moved == (SOME_DAY + DAY if kind == "follow" else SOME_DAY)


async def test_parts_of_a_window_that_is_set_aside_are_set_aside(connection: Any):
    start = datetime.now(UTC) - DAY
    await cursors.start_cursor(connection, SCOPE, "acquired", start)
    await ledger.add_windows(
        connection, [NewWindow("cdse", S2, "follow", "acquired", start, start + DAY / 2)]
    )
    for _ in range(SET_ASIDE_AFTER):
        window = await claim(connection, await number_of(connection), "a")
        assert window is not None
        await ledger.fail(connection, window, Counts(), "no", 0)
    window = await claim(connection, await number_of(connection), "a")
    assert window is not None
    await ledger.split(connection, window, [start + DAY / 4], None)
    planner = Planner([Entry("cdse", (S2,), None, Habits(reconcile=None, overlap=DAY, since=timedelta(0)))])
    await planner.plan(connection)
    rows = await connection.fetch(
        """
        SELECT window_start, window_end, aside_since IS NOT NULL AS is_aside FROM kakehashi.harvest_window
        WHERE state = 'pending' AND kind = 'follow' ORDER BY window_start
        """
    )
    assert [row["is_aside"] for row in rows] == [False, True, True, False]
    assert all(earlier["window_end"] == later["window_start"] for earlier, later in pairwise(rows))
