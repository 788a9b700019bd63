"""What a person sees of a load: a bar with rate and time left on a terminal, a line now and then in a log."""

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from commands.bar import Bar
from commands.say import say

if TYPE_CHECKING:
    from catalog.errors import RecordRefused
    from commands.load import LoadSummary
    from ingest.stac_files import StacFile

_REFRESH_S = 0.2
_LINE_EVERY_S = 10.0
# Of one kind of refusal so many are named; a file of the wrong kind would fill the screen.
_NAMED = 10


class LoadDisplay:
    """Shows how far a load is, by the bytes that were read."""

    def __init__(self, files: Sequence["StacFile"]) -> None:
        """Show files that are read one after the other."""
        self._files = files
        sizes = [file.size for file in files]
        self._total = None if None in sizes else sum(size for size in sizes if size is not None)
        self._named: Counter[str] = Counter()
        self._next = self._last_line = time.monotonic()
        self._bar = Bar(
            TextColumn("loading"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[done]}"),
            TimeRemainingColumn(),
            description="load",
            total=self._total,
            done="",
        )

    def __enter__(self) -> "LoadDisplay":
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def progress(self, summary: "LoadSummary") -> None:
        """Show how far it is; cheap enough to be called for every item."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _REFRESH_S
        rate = f", {summary.items / summary.seconds:,.0f}/s" if summary.seconds > 0.5 else ""
        done = f"{summary.items:,} items{rate}"
        if self._bar.is_live:
            self._bar.update(completed=sum(file.position for file in self._files), done=done)
        elif now - self._last_line > _LINE_EVERY_S:
            self._last_line = now
            say(f"{done} so far")

    def refusal(self, place: str, name: str, error: "RecordRefused") -> None:
        """Name a document that was refused, unless enough of its kind were named."""
        self._named[error.code] += 1
        if self._named[error.code] > _NAMED:
            return
        more = " (further ones of this kind are only counted)" if self._named[error.code] == _NAMED else ""
        known = f": {name:.120}" if name else ""
        self._bar.say(f"refused: {place}{known}: {error.code}: {error.reason}{more}")
