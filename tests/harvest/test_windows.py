"""Windows from a plan to the catalogue: the past, the present, deletions, comparisons, and how they are cut."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from catalog.store import cursors, ledger, turns
from catalog.store.deletion import Deleted, delete_items
from catalog.store.window import Counts, NewWindow
from ingest.habits import Habits
from ingest.plan import Entry
from ingest.windows import Planner
from tests.harvest.conftest import CDSE, DAY, GPORTAL, S2, SGLI, SOME_DAY, Bench, cursor_of
from tests.replay.server import Answer, Request

PAST = "  since: 6d\n  reconcile: never\n"
COMPARED = "  since: 6d\n  reconcile: 1s\n  reconcile_window: 1d\n"


def test_the_past_is_filled_in_slices_without_gaps_the_newest_first(bench: Bench):
    bench.living.add(*bench.minutes(12), *bench.minutes(3, -1))
    assert bench.harvest(CDSE + PAST)
    bench.equals("cdse")
    slices = bench.windows("backfill")
    assert all(earlier["window_end"] == later["window_start"] for earlier, later in pairwise(slices))
    assert slices[-1]["window_end"] - slices[0]["window_start"] == timedelta(days=6)
    begun = [window["started_at"] for window in slices]
    assert begun == sorted(begun, reverse=True)
    assert sum(window["inserted"] for window in slices) == 15
    told = [window["upstream_count"] for window in slices if window["records"]]
    assert told == [window["records"] for window in slices if window["records"]]
    # Again, nothing is due, and nothing is asked.
    asked = len(bench.replay.requests)
    assert bench.harvest(CDSE + PAST)
    assert len(bench.replay.requests) == asked
    # A longer past is filled where it is not; what is there stays.
    assert bench.harvest(CDSE + PAST.replace("6d", "8d"))
    assert len(bench.windows("backfill")) > len(slices)
    assert bench.windows("backfill")[-len(slices) + 1 :] == slices[1:]


def test_a_slice_that_is_too_large_is_cut_until_it_fits(bench: Bench):
    bench.living.add(*bench.minutes(60))
    assert bench.harvest(CDSE + PAST + "  max_records: 25\n")
    bench.equals("cdse")
    bench.is_at_rest()
    states = {window["state"] for window in bench.windows()}
    assert states == {"done", "split"}
    done = [window for window in bench.windows() if window["state"] == "done"]
    assert max(window["records"] for window in done) <= 25
    assert all(earlier["window_end"] == later["window_start"] for earlier, later in pairwise(done))


def test_the_present_is_followed_by_change_and_deletion(bench: Bench):
    bench.living.add(*bench.minutes(10))
    plan = CDSE + PAST + "  deletions: true\n"
    assert bench.harvest(plan)
    (new,) = bench.living.add(bench.day - 4 * DAY)
    bench.living.change(2)
    bench.living.delete(5)
    bench.make_due()
    assert bench.harvest(plan)
    bench.equals("cdse")
    (follow,) = [window for window in bench.windows("follow") if window["records"]]
    assert follow["basis"] == "changed"
    assert follow["updated"] == 1
    assert follow["inserted"] == 1
    (gone,) = [window for window in bench.windows("deletions") if window["deleted"]]
    assert gone["deleted"] == 1
    (tombstone,) = bench.fetch("SELECT * FROM tombstone")
    assert (tombstone["cause"], tombstone["is_removal"]) == ("feed", True)
    assert new.sentinel_2 in bench.held("cdse")
    cursors = bench.fetch("SELECT basis, until FROM harvest_cursor")
    assert all(datetime.now(UTC) - cursor["until"] < timedelta(hours=1) for cursor in cursors)


def test_what_vanished_without_a_word_is_taken_out_by_comparison(bench: Bench):
    bench.living.add(*bench.minutes(30))
    assert bench.harvest(GPORTAL + COMPARED + "  max_share: 0.1\n")
    for number in (3, 17):
        bench.living.delete(number)
    bench.make_due()
    assert bench.harvest(GPORTAL + COMPARED + "  max_share: 0.1\n")
    bench.equals("gportal")
    tombstones = bench.fetch("SELECT * FROM tombstone ORDER BY noted")
    assert [(one["cause"], one["is_removal"]) for one in tombstones] == [("reconcile", True)] * 2
    assert {window["deleted"] for window in bench.windows("reconcile")} == {0, 2}


@pytest.mark.parametrize("batch_size", [1000, 7], ids=["before it is written", "after"])
def test_a_deletion_that_is_applied_while_a_window_is_read_is_not_undone(bench: Bench, batch_size: int):
    """What was read before it brought the item back, for good if the feed is not read that far back again."""
    first, *_ = bench.living.add(*bench.minutes(25))
    gone = Deleted(first.sentinel_2, S2, first.uuid, datetime.now(UTC), "Corrupted product")

    async def apply() -> None:
        connection = await asyncpg.connect(bench.url, server_settings={"role": "kakehashi_ingest"})
        try:
            await delete_items(connection, "cdse", [gone])
        finally:
            await connection.close()

    def delete(request: Request, answer: Answer) -> Answer:
        is_last_page = request.path == "/search" and request.body.get("token") == "20"
        if is_last_page and first in bench.living.products():
            bench.living.delete(first.number)
            asyncio.run(apply())
        return answer

    bench.living.bend = delete
    assert bench.harvest(CDSE + PAST, batch_size=batch_size)
    assert len(bench.living.products()) == 24
    bench.equals("cdse")
    # An upstream that lists it again after that is believed.
    bench.living.bend = lambda request, answer: answer
    bench.living.restore(first)
    bench.execute("UPDATE harvest_window SET state = 'pending'")
    assert bench.harvest(CDSE + PAST)
    bench.equals("cdse")


def half_is_missing(request: Request, answer: Answer) -> Answer:
    if b'"features": [' not in answer.content:
        return answer
    return Answer(
        b'{"type": "FeatureCollection", "features": [], "properties": {"numberOfRecordsMatched": 0}}'
    )


def test_an_outage_is_no_deletion(bench: Bench):
    """First the upstream lists nothing, then it lacks a third, then it breaks off half way."""
    bench.living.add(*bench.minutes(30))
    plan = GPORTAL + COMPARED
    assert bench.harvest(plan)
    held = bench.held("gportal")
    bench.living.bend = half_is_missing
    bench.make_due()
    bench.harvest(plan)
    (refused,) = [window for window in bench.windows("reconcile") if window["state"] == "refused"]
    assert "does not list 30 of 30 items" in refused["last_error"]
    bench.living.bend = lambda request, answer: answer
    for number in range(1, 11):
        bench.living.delete(number)
    bench.make_due()
    bench.harvest(plan)
    (refused,) = [window for window in bench.windows("reconcile") if window["state"] == "refused"]
    assert "does not list 10 of 30 items, more than 5%" in refused["last_error"]
    bench.living.bend = lambda request, answer: (
        Answer(status=502) if request.query.get("startIndex") == "11" else answer
    )
    bench.make_due()
    assert not bench.harvest(plan)
    assert (
        "answers 502"
        in {window["last_error"] for window in bench.windows() if window["state"] == "failed"}.pop()
    )
    assert bench.held("gportal") == held
    assert bench.fetch("SELECT * FROM tombstone") == []


def test_windows_of_another_plan_are_put_aside_and_taken_up_again(bench: Bench):
    bench.living.add(*bench.minutes(5))
    bench.living.bend = lambda request, answer: Answer(status=503)
    assert not bench.harvest(CDSE + PAST)
    bench.living.bend = lambda request, answer: answer
    bench.make_due()
    assert bench.harvest(GPORTAL + PAST)
    assert bench.held("cdse") == {}
    assert all(window["state"] == "done" for window in bench.windows() if window["source"] == "gportal")
    bench.make_due()
    assert bench.harvest(CDSE + PAST)
    bench.equals("cdse")


async def test_a_claim_is_good_once_and_a_cursor_waits_for_all_before_it(fresh_database_url: str):
    connection: Any = await asyncpg.connect(
        fresh_database_url, server_settings={"search_path": "pgstac,public", "role": "kakehashi_ingest"}
    )
    try:
        await cursors.start_cursor(connection, ("cdse", S2, None), "changed", SOME_DAY)
        windows = [
            NewWindow("cdse", S2, "follow", "changed", SOME_DAY + DAY * day, SOME_DAY + DAY * (day + 1))
            for day in (0, 1)
        ]
        assert await ledger.add_windows(connection, windows) == 2
        assert await ledger.add_windows(connection, windows) == 0
        first, second = [
            row["id"] for row in await connection.fetch("SELECT id FROM kakehashi.harvest_window ORDER BY id")
        ]
        later = await ledger.claim(connection, second, "a")
        assert later is not None
        assert await ledger.claim(connection, second, "b") is None
        await ledger.finish(connection, later, Counts())
        assert await cursor_of(connection, ("cdse", S2, None), "changed") == SOME_DAY, (
            "an earlier one is open"
        )
        earlier = await ledger.claim(connection, first, "a")
        assert earlier is not None
        assert await turns.recover(connection) == 1, "no job is for it"
        again = await ledger.claim(connection, first, "b")
        assert again is not None
        with pytest.raises(ledger.WindowLost):
            await ledger.finish(connection, earlier, Counts())
        await ledger.finish(connection, again, Counts())
        assert await cursor_of(connection, ("cdse", S2, None), "changed") == SOME_DAY + 2 * DAY
    finally:
        await connection.close()


async def test_two_boxes_of_a_collection_are_followed_each_by_itself(fresh_database_url: str):
    """A cursor was of a collection, whatever the box: the second box was never followed."""
    west, east = (0.0, 40.0, 10.0, 50.0), (130.0, 30.0, 140.0, 40.0)
    connection: Any = await asyncpg.connect(
        fresh_database_url, server_settings={"search_path": "pgstac,public", "role": "kakehashi_ingest"}
    )
    boxes = "SELECT bbox FROM kakehashi.harvest_window WHERE kind = 'follow' ORDER BY bbox"
    try:
        both = Planner([Entry("cdse", (S2,), box, Habits(reconcile=None)) for box in (west, east)])
        await both.plan(connection)
        await connection.execute("UPDATE kakehashi.harvest_cursor SET until = until - interval '2 hours'")
        await both.plan(connection)
        assert [tuple(row["bbox"]) for row in await connection.fetch(boxes)] == [west, east]
        # What is done of one box moves its cursor alone.
        before = await cursor_of(connection, ("cdse", S2, west), "acquired")
        number = await connection.fetchval(
            "SELECT id FROM kakehashi.harvest_window WHERE kind = 'follow' AND bbox = $1", east
        )
        claimed = await ledger.claim(connection, number, "a")
        assert claimed is not None
        await ledger.finish(connection, claimed, Counts())
        assert await cursor_of(connection, ("cdse", S2, east), "acquired") == claimed.end
        assert await cursor_of(connection, ("cdse", S2, west), "acquired") == before
    finally:
        await connection.close()


async def test_the_present_begins_where_the_past_ends(fresh_database_url: str):
    """A box that was filled, but not followed, missed what came since."""
    connection: Any = await asyncpg.connect(
        fresh_database_url, server_settings={"search_path": "pgstac,public", "role": "kakehashi_ingest"}
    )
    try:
        await ledger.add_windows(
            connection, [NewWindow("cdse", S2, "backfill", "acquired", SOME_DAY - DAY, SOME_DAY)]
        )
        await Planner([Entry("cdse", (S2,), None, Habits(reconcile=None))]).plan(connection)
        assert await cursor_of(connection, ("cdse", S2, None), "acquired") == SOME_DAY
    finally:
        await connection.close()


async def test_tombstones_are_numbered_in_the_order_of_their_commits(fresh_database_url: str):
    """A reader at number n must never find a smaller one later: writers wait for each other."""
    first, second = [await asyncpg.connect(fresh_database_url) for _ in range(2)]
    insert = """
        INSERT INTO kakehashi.tombstone (source, collection, id, native_id, deleted_at) VALUES ('cdse', $1, 'x', 'x', now())
    """
    try:
        async with first.transaction():
            await first.execute(insert, S2)
            await second.execute("SET lock_timeout = '200ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await second.execute(insert, SGLI)
        await second.execute(insert, SGLI)
        rows = await first.fetch("SELECT collection FROM kakehashi.tombstone ORDER BY noted")
        assert [row["collection"] for row in rows] == [S2, SGLI]
    finally:
        await first.close()
        await second.close()


def test_a_tombstone_tells_whether_an_item_went_and_is_news_once(bench: Bench):
    """An upstream also deletes what was never here; and its feed is read again, as far as the overlap goes."""
    bench.living.add(*bench.minutes(3))
    bench.living.delete(1)
    plan = CDSE + PAST + "  deletions: true\n"
    assert bench.harvest(plan)
    bench.living.delete(2)
    bench.make_due()
    assert bench.harvest(plan)
    first = bench.fetch("SELECT * FROM tombstone ORDER BY deleted_at")
    assert [one["is_removal"] for one in first] == [False, True]
    bench.make_due()
    assert bench.harvest(plan)
    assert bench.fetch("SELECT * FROM tombstone ORDER BY deleted_at") == first
