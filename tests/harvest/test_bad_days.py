"""The standing job on bad days: whatever dies, hangs or lies, in the end the catalogue equals the upstream."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from catalog.store.upstreams import Manners, hold_back, next_turn, set_manners
from tests.harvest.conftest import CDSE, GPORTAL, Bench
from tests.replay.server import Answer, Request

SINCE = "  since: 7d\n  reconcile: never\n"


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something, however long it takes on a busy machine; the test's own limit ends it."""
    while True:
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.02)


# A worker is killed


@pytest.mark.parametrize(
    ("phase", "lock"),
    [
        ("before its COPY", None),
        ("in its COPY", "LOCK TABLE pgstac.items IN EXCLUSIVE MODE"),
        ("after its COPY", "SELECT FROM kakehashi.harvest_window FOR SHARE"),
        ("between commit and acknowledgement", "LOCK TABLE kakehashi.procrastinate_jobs IN SHARE MODE"),
    ],
)
def test_a_worker_that_is_killed_loses_nothing_and_leaves_nothing_stuck(
    bench: Bench, phase: str, lock: str | None
):
    bench.living.add(*bench.days())
    asked, go_on, plan = threading.Event(), threading.Event(), CDSE + SINCE

    def wait(request: Request, answer: Answer) -> Answer:
        """Hold the second page of a day back, so that the worker stands still with the first in hand."""
        if request.path == "/search" and "token" in request.body:
            asked.set()
            go_on.wait(60)
        return answer

    bench.living.bend = wait

    async def kill() -> None:
        with bench.worker(plan) as worker:
            await until(asked.is_set)
            if lock is None:
                os.kill(worker, signal.SIGKILL)
                return
            connection = await asyncpg.connect(bench.url)
            try:
                await connection.execute("BEGIN")
                await connection.execute(lock)
                go_on.set()
                await until(lambda: _is_blocked(bench))
                os.kill(worker, signal.SIGKILL)
                await until(lambda: not _is_blocked(bench, worker_gone=True))
            finally:
                await connection.close()

    asyncio.run(kill())
    go_on.set()
    bench.living.bend = lambda request, answer: answer
    assert any(window["state"] != "done" for window in bench.windows()), "it was killed before the end"
    assert bench.harvest(plan)
    bench.equals("cdse")
    bench.is_at_rest()
    assert all(window["state"] == "done" for window in bench.windows())


def _is_blocked(bench: Bench, *, worker_gone: bool = False) -> bool:
    """Whether a session waits for a lock; the server ends a dead client's when it gets the lock or notices."""
    if worker_gone:
        bench.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        )
    return bool(
        bench.fetch(
            """
            SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                AND backend_type = 'client backend'
            """
        )
    )


# The database has a bad day


def test_a_database_that_drops_every_session_under_load_costs_time_alone(bench: Bench):
    """What a restart is to its clients: all sessions end, new ones are refused for a while."""
    bench.living.add(*bench.days(4, 25))
    name = bench.fetch("SELECT current_database() AS name")[0]["name"]
    drops, count = threading.Event(), 0

    async def drop() -> None:
        other = await asyncpg.connect(bench.url.replace(f"/{name}?", "/postgres?"))
        try:
            await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
            await asyncio.sleep(0.3)
            await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        finally:
            await other.close()

    def trouble(request: Request, answer: Answer) -> Answer:
        nonlocal count
        if request.path == "/search" and not drops.is_set():
            count += 1
            if count in (3, 9):
                asyncio.run(drop())
            if count == 9:
                drops.set()
        return answer

    bench.living.bend = trouble
    bench.harvest(CDSE + SINCE)
    while not all(window["state"] == "done" for window in bench.windows()):
        bench.make_due()
        bench.harvest(CDSE + SINCE)
    assert drops.is_set()
    bench.equals("cdse")
    bench.is_at_rest()


@pytest.mark.parametrize(
    ("state", "says"),
    [("25006", "is read-only"), ("53100", "no room left")],
    ids=["read-only", "disk full"],
)
def test_a_database_that_takes_nothing_fails_the_window_with_a_reason(
    bench: Bench, state: str, says: str, capfd: pytest.CaptureFixture[str]
):
    bench.living.add(*bench.days(1))
    assert bench.harvest(CDSE + SINCE)
    bench.living.add(bench.day + timedelta(hours=1))
    bench.living.change(1)
    bench.execute(
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$
        """
    )
    for table in bench.fetch(
        "SELECT relid::regclass::text AS name FROM pg_partition_tree('pgstac.items') WHERE isleaf"
    ):
        bench.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table['name']} EXECUTE FUNCTION refuse()"
        )
    bench.make_due()
    capfd.readouterr()
    assert not bench.harvest(CDSE + SINCE)
    (failed,) = [window for window in bench.windows() if window["state"] == "failed"]
    assert says in failed["last_error"]
    assert "Traceback" not in capfd.readouterr().err
    bench.execute("DROP FUNCTION refuse CASCADE")
    bench.make_due()
    assert bench.harvest(CDSE + SINCE)
    bench.equals("cdse")
    bench.is_at_rest()


# The upstream has a bad day


def cut_short(request: Request, answer: Answer) -> Answer:
    return Answer(answer.content[: len(answer.content) // 2], headers=answer.headers)


def hangs(request: Request, answer: Answer) -> Answer:
    return Answer(answer.content, headers=answer.headers, after_s=30)


def lies_about_its_count(request: Request, answer: Answer) -> Answer:
    text = answer.content.replace(b'"numberOfRecordsMatched": ', b'"numberOfRecordsMatched": 9')
    return Answer(text, headers=answer.headers)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (cut_short, "cut short"),
        (hangs, "no answer"),
        (lies_about_its_count, "are said to match"),
        (lambda request, answer: Answer(status=503), "answers 503"),
    ],
)
def test_an_upstream_that_fails_takes_no_window_for_done_and_is_asked_again(
    bench: Bench, fault: Any, says: str
):
    bench.living.add(*bench.days())
    bench.living.bend = fault
    assert not bench.harvest(GPORTAL + SINCE, http_timeout_s=0.3)
    failed = [window for window in bench.windows() if window["state"] == "failed"]
    assert failed
    assert all(says in window["last_error"] for window in failed)
    assert all(window["failures"] == 1 and window["not_before"] > window["finished_at"] for window in failed)
    bench.living.bend = lambda request, answer: answer
    bench.make_due()
    assert bench.harvest(GPORTAL + SINCE)
    bench.equals("gportal")
    bench.is_at_rest()
    assert {window["failures"] for window in bench.windows()} == {0}


def test_an_upstream_that_asks_for_minutes_is_left_alone_for_minutes_by_all(bench: Bench):
    bench.living.add(*bench.days())
    bench.living.bend = lambda request, answer: Answer(status=429, headers={"retry-after": "240"})
    assert not bench.harvest(CDSE + SINCE)
    assert len(bench.replay.requests) == 1, "one answer was enough"
    (failed,) = [window for window in bench.windows() if window["state"] == "failed"]
    assert timedelta(seconds=239) < failed["not_before"] - failed["finished_at"] < timedelta(seconds=300)
    (source,) = bench.fetch("SELECT paused_until - failed_at AS pause, last_error FROM harvest_source")
    assert timedelta(seconds=239) < source["pause"] < timedelta(seconds=241)
    assert "answers 429" in source["last_error"]
    bench.harvest(CDSE + SINCE)
    assert len(bench.replay.requests) == 1, "nor did the next worker ask"
    bench.living.bend = lambda request, answer: answer
    bench.make_due()
    assert bench.harvest(CDSE + SINCE)
    bench.equals("cdse")


@pytest.mark.parametrize("asked", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_upstream_that_asks_for_years_is_asked_again_the_next_day(bench: Bench, asked: str):
    bench.living.add(*bench.days())
    bench.living.bend = lambda request, answer: Answer(status=429, headers={"retry-after": asked})
    assert not bench.harvest(CDSE + SINCE)
    (source,) = bench.fetch("SELECT paused_until - failed_at AS pause FROM harvest_source")
    assert timedelta(hours=23) < source["pause"] < timedelta(hours=25)


def test_a_token_that_expires_fails_the_window_and_is_in_no_message(
    bench: Bench, capfd: pytest.CaptureFixture[str]
):
    plan = "- source: tellus\n  collections: tellus-0f0f0f0f-0000-4000-8000-000000000000\n  since: 2d\n  min_interval: 0s\n"
    bench.living.bend = lambda request, answer: Answer(
        f'{{"code": "x", "detail": "{request.headers["authorization"]}"}}'.encode(), 401
    )
    assert not bench.harvest(plan)
    (failed,) = [window for window in bench.windows("backfill") if window["state"] == "failed"]
    assert "refuses the access token" in failed["last_error"]
    assert "very-secret" not in capfd.readouterr().err + failed["last_error"]


def test_pages_that_shift_while_they_are_walked_are_walked_again(bench: Bench):
    """G-Portal counts from the start each time: a deletion on page one makes page two begin too late.

    A slice of the past was looked at no more before the next comparison, weeks later.
    """
    bench.living.add(*bench.days(1, 25))
    shifted = threading.Event()

    def shift(request: Request, answer: Answer) -> Answer:
        if b"GC1SG1_" in answer.content and not shifted.is_set():
            shifted.set()
            bench.living.delete(3)
        return answer

    bench.living.bend = shift
    plan = GPORTAL + SINCE
    assert bench.harvest(plan)
    assert shifted.is_set()
    assert not bench.living.expected("gportal").keys() - bench.held("gportal").keys()
    (window,) = [window for window in bench.windows() if window["inserted"]]
    assert (window["records"], window["upstream_count"]) == (25, 25), "each record counts once"


def test_an_upstream_whose_clock_is_behind_hides_nothing(bench: Bench):
    """Its changes bear times that we have asked about already; the overlap finds them."""
    bench.living.skew = timedelta(minutes=-20)
    bench.living.add(*bench.days(1))
    plan = CDSE + SINCE + "  every: 1s\n  overlap: 1h\n"
    assert bench.harvest(plan)
    bench.living.add(bench.day + timedelta(hours=2))
    bench.living.change(1)
    bench.living.delete(2)
    bench.execute("UPDATE harvest_cursor SET until = until - interval '2 seconds'")
    assert bench.harvest(plan)
    bench.equals("cdse")


# Two workers


def test_a_worker_that_was_taken_for_dead_changes_nothing_any_more(bench: Bench):
    """It hangs at the upstream, another one takes its window and finishes it; then it wakes up."""
    bench.living.add(*bench.days(1))
    asked, go_on, first = threading.Event(), threading.Event(), threading.Event()

    def wait(request: Request, answer: Answer) -> Answer:
        if request.path == "/search" and "token" in request.body and not first.is_set():
            first.set()
            asked.set()
            go_on.wait(60)
        return answer

    bench.living.bend = wait
    plan = CDSE + SINCE

    async def overtake() -> None:
        # Its batches are larger than a page, so that it has written nothing and holds no lock yet.
        with bench.worker(plan, batch_size=1000) as worker:
            await until(asked.is_set)
            os.kill(worker, signal.SIGSTOP)  # no sign of life from now on
            await asyncio.to_thread(_in_child, bench, plan)
            bench.living.delete(1)
            await asyncio.to_thread(bench.execute, "DELETE FROM pgstac.items")
            go_on.set()
            os.kill(worker, signal.SIGCONT)
            await asyncio.to_thread(os.waitid, os.P_PID, worker, os.WEXITED | os.WNOWAIT)

    asyncio.run(overtake())
    assert bench.held("cdse") == {}, "what it had in hand was not written"
    assert {window["state"] for window in bench.windows()} == {"done"}
    bench.is_at_rest()


def _in_child(bench: Bench, plan: str) -> None:
    with bench.worker(plan) as worker:
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)


async def test_turns_of_two_workers_are_one_row(bench: Bench):
    """Their moments are apart by the interval, whoever takes them; nothing is slept for it here."""
    connections = [await asyncpg.connect(bench.url) for _ in range(3)]
    try:
        await set_manners(connections[0], "cdse", Manners(min_interval_s=10.0))
        taken = await asyncio.gather(*(_turns(connection, 4) for connection in connections))
        moments = sorted(moment for turns in taken for moment in turns)
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert all(abs(gap - 10.0) < 0.5 for gap in gaps), gaps
        await hold_back(connections[0], "cdse", 500)
        assert 499 < await next_turn(connections[1], "cdse") < 501
    finally:
        for connection in connections:
            await connection.close()


async def _turns(connection: Any, count: int) -> list[float]:
    """Return the moments of some turns, by the database's clock."""
    moments = []
    for _ in range(count):
        seconds = await next_turn(connection, "cdse")
        moments.append(
            seconds + await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        )
    return moments
