"""What a person sees while something long runs: a live bar on a terminal, plain lines in a log."""

import time
from types import TracebackType

import stamina.instrumentation
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from commands.bar import Bar
from commands.say import say
from ingest.report import Refusal, Summary

_LINE_EVERY_S = 10.0


class RunDisplay:
    """Shows the progress of one ingest run."""

    def __init__(self, source: str, limit: int | None, *, quiet: bool = False) -> None:
        """Show a bar if standard error is a terminal, a line now and then if not, nothing if quiet."""
        self._source = source
        self._quiet = quiet
        self._last_line = time.monotonic()
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[noun]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            description=source,
            total=limit,
            wanted=not quiet,
            rate="",
            noun="items",
        )

    def __enter__(self) -> "RunDisplay":
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def progress(self, summary: Summary) -> None:
        """Show how far a run is."""
        noun = "items" if summary.items or not summary.collections else "collections"
        count = summary.items or summary.collections
        rate = f"{count / summary.seconds:.0f}/s" if summary.seconds > 0.5 else ""
        self._bar.update(completed=count, rate=rate, noun=noun)
        if self._bar.is_live:
            return
        if not self._quiet and time.monotonic() - self._last_line > _LINE_EVERY_S:
            self._last_line = time.monotonic()
            say(f"{self._source}: {summary.pages} pages, {count} {noun} so far {rate}".rstrip())

    def refusal(self, refusal: Refusal) -> None:
        """Name a refused record."""
        self._bar.say(refusal.line())


def announce_retries() -> None:
    """Say in one line that a request is tried again, in place of the retry library's own log."""
    stamina.instrumentation.set_on_retry_hooks([_announce])


def _announce(details: stamina.instrumentation.RetryDetails) -> None:
    say(f"{details.caused_by}: next try in {details.wait_for:.1f} s")
