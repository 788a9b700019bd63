"""What a person sees while something long runs: a live bar on a terminal, plain lines in a log."""

import time
from types import TracebackType

import stamina.instrumentation
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from commands.say import say
from ingest.report import Refusal, Summary

_LINE_EVERY_S = 10.0


class RunDisplay:
    """Shows the progress of one ingest run."""

    def __init__(self, source: str, limit: int | None, *, quiet: bool = False) -> None:
        """Show a bar if standard error is a terminal, a line now and then if not, nothing if quiet."""
        self._source = source
        self._limit = limit
        self._quiet = quiet
        self._last_line = time.monotonic()
        console = Console(stderr=True)
        self._bar = (
            Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[noun]}"),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            if console.is_terminal and not quiet
            else None
        )
        self._task = self._bar.add_task(source, total=limit, rate="", noun="items") if self._bar else None

    def __enter__(self) -> "RunDisplay":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def progress(self, summary: Summary) -> None:
        """Show how far a run is."""
        noun = "items" if summary.items or not summary.collections else "collections"
        count = summary.items or summary.collections
        rate = f"{count / summary.seconds:.0f}/s" if summary.seconds > 0.5 else ""
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=count, rate=rate, noun=noun)
        elif not self._quiet and time.monotonic() - self._last_line > _LINE_EVERY_S:
            self._last_line = time.monotonic()
            say(f"{self._source}: {summary.pages} pages, {count} {noun} so far {rate}".rstrip())

    def refusal(self, refusal: Refusal) -> None:
        """Name a refused record."""
        line = refusal.line()
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)


def announce_retries() -> None:
    """Say in one line that a request is tried again, in place of the retry library's own log."""
    stamina.instrumentation.set_on_retry_hooks([_announce])


def _announce(details: stamina.instrumentation.RetryDetails) -> None:
    say(f"{details.caused_by}: next try in {details.wait_for:.1f} s")
