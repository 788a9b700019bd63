"""What a person sees of the standing job."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.store.turns import Progress
from catalog.store.window import Claim, Counts
from commands.harvest_display import HarvestDisplay, in_words, line_of, progress_line
from ingest.work import Outcome

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def outcome(state: str = "done", **more: Any) -> Outcome:
    window = Claim(
        1, "cdse", "a", "backfill", "acquired", NOON, NOON + timedelta(hours=1), None, {}, 0, 1, 0, NOON
    )
    return Outcome(window, state, **{"counts": Counts(records=5, inserted=3, unchanged=2), **more})


def test_a_window_is_one_line():
    span = "cdse a backfill 2026-05-01T12:00Z/2026-05-01T13:00Z"
    assert line_of(outcome()) == f"{span}: 5 records, 3 new, 2 unchanged"
    failed = outcome("failed", error="it is away", wait_s=90.0)
    assert line_of(failed) == f"{span}: it is away; next try in 90 s"
    assert line_of(outcome("lost")) == f"{span}: lost"


def test_progress_tells_rate_and_time_left():
    done = Progress(waiting=30, due=8, running=2, failed=1, done=5, items=12_000)
    assert progress_line(done, 100.0) == (
        "5 of 15 windows, 12,000 items, 120/s, about 3 minutes left, 1 failed"
    )
    assert progress_line(Progress(0, 0, 0, 0, 0, 0), 0.0) == "0 of 0 windows, 0 items"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (90, "90 s"), (600, "10 minutes"), (7300, "2 hours"), (180_000, "2 days")],
)
def test_lengths_of_time_in_words(seconds: float, words: str):
    assert in_words(seconds) == words


def test_in_the_background_failures_are_told_once_until_something_works(capfd: pytest.CaptureFixture[str]):
    display = HarvestDisplay(is_background=True)
    for state in ("failed", "failed", "done", "failed"):
        display.outcome(outcome(state, error="no answer"))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("asked again later" in line for line in lines)


def test_a_database_that_is_away_is_told_once(capfd: pytest.CaptureFixture[str]):
    display = HarvestDisplay(is_background=False)
    for _ in range(3):
        display.database_away("gone")
    display.database_back()
    display.database_back()
    assert capfd.readouterr().err.splitlines() == [
        "harvest: the database cannot be used (gone); waiting for it",
        "harvest: the database is back",
    ]
