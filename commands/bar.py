"""A live bar on a terminal, and nothing in a log: what the displays of long work have in common."""

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from commands.say import say


class Bar:
    """A bar on standard error, for the length of a block.

    Attributes:
        is_live: whether there is one: standard error is a terminal.
    """

    def __init__(
        self,
        *columns: ProgressColumn,
        description: str,
        total: float | None = None,
        wanted: bool = True,
        **texts: Any,
    ) -> None:
        """Prepare a bar.

        Args:
            columns: what it shows.
            description: of the work.
            total: of what is counted; None: nobody knows.
            wanted: false: there is none, terminal or not.
            texts: what columns show at first, by their names.
        """
        console = Console(stderr=True)
        self.is_live = console.is_terminal and wanted
        self._progress = Progress(*columns, console=console, transient=True) if self.is_live else None
        self._task = self._progress.add_task(description, total=total, **texts) if self._progress else None

    def __enter__(self) -> "Bar":
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def update(self, **changes: Any) -> None:
        """Show how far it is: `completed`, `total`, and texts by their names."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, **changes)

    def say(self, line: str) -> None:
        """Say a line to a person, above the bar if there is one."""
        if self._progress:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)
