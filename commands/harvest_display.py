"""What a person sees of the standing job: a live bar on a terminal, plain lines in a log."""

import time
from types import TracebackType

import stamina.instrumentation
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

from catalog.store import turns
from commands.bar import Bar
from commands.display import announce_retries
from commands.say import say
from ingest.work import Outcome

_LINE_EVERY_S = 60.0
_BAR_EVERY_S = 1.0


class HarvestDisplay:
    """Tells what the standing job does."""

    def __init__(self, *, is_background: bool) -> None:
        """Show a bar if standard error is a terminal, lines if not; in the background little of either."""
        self._is_background = is_background
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            description="harvest",
            wanted=not is_background,
            told="",
        )
        self._started = time.monotonic()
        self._last_line = self._started
        self._was_busy = False
        self._new = 0
        self._silent_about_failures = False
        self._is_database_away = False

    @property
    def interval_s(self) -> float:
        """Seconds between two looks at the progress."""
        return _BAR_EVERY_S if self._bar.is_live else 2 * _BAR_EVERY_S

    def __enter__(self) -> "HarvestDisplay":
        if self._is_background:
            stamina.instrumentation.set_on_retry_hooks([])
        else:
            announce_retries()
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def outcome(self, outcome: Outcome) -> None:
        """Tell how an attempt at a window ended."""
        counts = outcome.counts
        self._new += counts.inserted + counts.updated
        if self._is_background:
            self._tell_in_background(outcome)
        elif outcome.state in ("failed", "refused", "split") or counts.records or counts.deleted:
            self._bar.say(line_of(outcome))

    def progress(self, progress: turns.Progress) -> None:
        """Show how far all workers together are."""
        is_busy = bool(progress.due or progress.running)
        told = progress_line(progress, time.monotonic() - self._started)
        if self._bar.is_live:
            total = progress.done + progress.due + progress.running
            self._bar.update(total=total or None, completed=progress.done, told=told)
        elif is_busy and not self._is_background and time.monotonic() - self._last_line > _LINE_EVERY_S:
            self._last_line = time.monotonic()
            say(f"harvest: {told}")
        if self._was_busy and not is_busy and self._new:
            self._bar.say(f"harvest: nothing more is due; {self._new:,} items are new or changed")
            self._new = 0
        self._was_busy = is_busy

    def database_away(self, reason: str) -> None:
        """Tell, once, that the database is away."""
        if not self._is_database_away:
            self._is_database_away = True
            self._bar.say(f"harvest: the database cannot be used ({reason}); waiting for it")

    def database_back(self) -> None:
        """Tell that the database is there again."""
        if self._is_database_away:
            self._is_database_away = False
            self._bar.say("harvest: the database is back")

    def _tell_in_background(self, outcome: Outcome) -> None:
        if outcome.state == "done":
            self._silent_about_failures = False
        elif outcome.state == "failed" and not self._silent_about_failures:
            self._silent_about_failures = True
            self._bar.say(
                f"harvest: {outcome.window.source} could not be asked ({outcome.error}); what is here is served, "
                "and upstreams are asked again later"
            )


def line_of(outcome: Outcome) -> str:
    """Return one line about an attempt at a window."""
    window, counts = outcome.window, outcome.counts
    span = f"{window.start:%Y-%m-%dT%H:%MZ}/{window.end:%Y-%m-%dT%H:%MZ}"
    name = f"{window.source} {window.collection} {window.kind} {span}"
    if outcome.state == "done":
        parts = [f"{counts.records} records", f"{counts.inserted} new"]
        for count, word in (
            (counts.updated, "changed"),
            (counts.unchanged, "unchanged"),
            (counts.refused, "refused"),
            (counts.deleted, "taken out"),
        ):
            if count:
                parts.append(f"{count} {word}")
        return f"{name}: {', '.join(parts)}"
    if outcome.state == "failed" and outcome.wait_s is not None:
        aside = "set aside, " if outcome.is_aside else ""
        return f"{name}: {outcome.error}; {aside}next try in {in_words(outcome.wait_s)}"
    return f"{name}: {outcome.state}: {outcome.error}" if outcome.error else f"{name}: {outcome.state}"


def progress_line(progress: turns.Progress, seconds: float) -> str:
    """Return how far a harvest is, how fast, and how long it takes.

    Args:
        progress: since the harvest began.
        seconds: how long ago that was.
    """
    left = progress.due + progress.running
    parts = [f"{progress.done:,} of {progress.done + left:,} windows", f"{progress.items:,} items"]
    if seconds >= 1 and progress.items:
        parts.append(f"{progress.items / seconds:,.0f}/s")
    if progress.done and left:
        parts.append(f"about {in_words(left * seconds / progress.done)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def in_words(seconds: float) -> str:
    """Return a length of time for a person: one unit of it, rounded."""
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
