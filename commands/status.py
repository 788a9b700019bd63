"""`kakehashi status`: how fresh and how complete the catalogue is, for people and for machines."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catalog.settings import DatabaseSettings
from catalog.status import Changes, CollectionStatus, SourceStatus, Status
from catalog.store.database import READ_ROLE, open_database
from catalog.store.pool import open_pool
from catalog.store.status import read_status

# Of a table that is not read on a terminal.
_WIDTH = 200
_MOST_ERRORS = 10
# Between two columns; and the least of a column that is cut: less tells nothing.
_GAP = 3
_LEAST_WIDTH = 15
_UNITS = ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def show_status(settings: DatabaseSettings, *, as_json: bool) -> None:
    """Print the status on standard output, as tables or as one JSON document.

    Raises:
        StoreError: there is no database, or it is not set up.
    """
    with open_database(settings) as database:
        status = asyncio.run(_read(settings.model_copy(update={"database_url": database.url})))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(status, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2))
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
        return
    console = Console()
    print_status(status, Console(width=_WIDTH) if not console.is_terminal else console, _language())


async def _read(settings: DatabaseSettings) -> Status:
    pool = await open_pool(settings, READ_ROLE)
    try:
        async with pool.connection() as connection:
            return await read_status(connection)
    finally:
        await pool.close()


def print_status(status: Status, console: Console, language: str = "en") -> None:
    """Print the status for people.

    Args:
        status: what to print.
        console: where; its width decides what is cut off.
        language: of the titles of collections, `en` or `ja`.
    """
    for line in _headlines(status):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if status.sources:
        _sources_table(status).print(console)
    if status.collections:
        _collections_table(status, language).print(console)
    if status.quarantine:
        _quarantine_table(status).print(console)
    for line in _errors(status):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _headlines(status: Status) -> list[str]:
    items = f"{'' if status.items_exact else 'about '}{_of(status.items, 'item')}"
    newest = f", the newest of {_moment(status.newest)} ({_ago(status.lag_s)})" if status.newest else ""
    windows = status.windows
    lines = [
        f"{items} in {_of(status.collections_total, 'collection')}{newest}",
        f"today (UTC): {_changes(status.today) or 'no change'}",
        f"harvest: {_of(windows.due, 'window')} due, {windows.waiting} waiting, {windows.running} running, {windows.failed} failed",
    ]
    if windows.aside:
        lines.append(
            f"look at this: {_of(windows.aside, 'window')} of the present failed again and again and "
            f"{'is' if windows.aside == 1 else 'are'} tried apart from what came after"
        )
    if windows.refused:
        lines.append(
            f"look at this: {_of(windows.refused, 'comparison')} found so much missing upstream that nothing was taken out"
        )
    if status.quarantined:
        lines.append(f"quarantine: {_of(status.quarantined, 'record')}")
    return lines


def _sources_table(status: Status) -> "_Columns":
    table = _Columns("sources")
    for source in status.sources:
        windows = source.windows
        table.add(
            Cell("source", source.source),
            Cell("last success", _since(_last_success(source), status.generated)),
            Cell("due", _number(windows.due), is_number=True),
            Cell("waiting", _number(windows.waiting), is_number=True),
            Cell("running", _number(windows.running), is_number=True),
            Cell("failed", _number(windows.failed), is_number=True),
            Cell("today", _changes(source.today), is_number=True),
            Cell("quarantine", _number(source.quarantined), is_number=True),
            Cell("state", _state(source)),
        )
    return table


def _last_success(source: SourceStatus) -> datetime | None:
    run = source.last_run
    ran = run.finished if run and run.state == "done" else None
    return max((moment for moment in (source.last_success, ran) if moment), default=None)


def _state(source: SourceStatus) -> str:
    if source.paused_until:
        return f"paused until {_moment(source.paused_until)}"
    if source.failures:
        return f"failed {source.failures} times in a row"
    if source.last_run and source.last_run.state == "failed":
        return f"ingest of {_moment(source.last_run.started)} failed"
    return "ok"


def _collections_table(status: Status, language: str) -> "_Columns":
    table = _Columns("collections")
    for row in status.collections:
        windows = row.windows
        title = row.title.get(language) or row.title.get("en") or ""
        table.add(
            Cell("source", row.source or ""),
            Cell("collection", row.collection),
            Cell("title", title, may_be_cut=True),
            Cell("items", f"{'' if row.items_exact else '~'}{row.items:,}", is_number=True),
            Cell("newest", _moment(row.newest)),
            Cell("lag", _span(row.lag_s), is_number=True),
            Cell("complete until", _moment(row.covered_until)),
            Cell("today", _changes(row.today), is_number=True),
            Cell("waiting", _number(windows.waiting), is_number=True),
            Cell("failed", _number(windows.failed + windows.refused), is_number=True),
            Cell("quarantine", _number(row.quarantined), is_number=True),
            Cell("upstream", _compared(row), is_number=True),
        )
    return table


def _compared(row: CollectionStatus) -> str:
    found = row.comparison
    if found is None:
        return ""
    return f"{found.came:,} of {found.upstream:,}" if found.came < found.upstream else "all came"


def _quarantine_table(status: Status) -> "_Columns":
    table = _Columns("quarantine")
    for refusals in status.quarantine:
        table.add(
            Cell("source", refusals.source),
            Cell("reason", refusals.code),
            Cell("records", f"{refusals.records:,}", is_number=True),
            Cell("last refused", _since(refusals.last_seen, status.generated)),
        )
    return table


@dataclass(frozen=True)
class Cell:
    """One value of a table, and the column that it stands in."""

    column: str
    text: str
    is_number: bool = False
    may_be_cut: bool = False


class _Columns:
    """A table that leaves out the columns in which nothing stands."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: list[tuple[Cell, ...]] = []

    def add(self, *cells: Cell) -> None:
        self._rows.append(cells)

    def print(self, console: Console) -> None:
        """Print it; what may be cut is cut, or left out, so that it fits. The rest is never cut."""
        columns = [column for column in zip(*self._rows, strict=True) if any(cell.text for cell in column)]
        spare = console.width - sum(_width(column) + _GAP for column in columns if not column[0].may_be_cut)
        columns = [column for column in columns if not column[0].may_be_cut or spare >= _LEAST_WIDTH]
        table = Table(title=self._title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            width = _width(column)
            table.add_column(
                column[0].column,
                justify="right" if column[0].is_number else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=min(width, spare - _GAP) if column[0].may_be_cut else width,
            )
        for row in zip(*columns, strict=True):
            table.add_row(*(escape(_printable(cell.text)) for cell in row))
        terminal = console.width
        console.width = max(terminal, sum(map(_width, columns)) + _GAP * len(columns) + 1)
        console.print(table, crop=False)
        console.width = terminal


def _width(column: Sequence[Cell]) -> int:
    """Return how many places of a terminal a column takes; a Japanese letter takes two."""
    return max(map(cell_len, (column[0].column, *(_printable(cell.text) for cell in column))))


def _errors(status: Status) -> list[str]:
    """Return what went wrong last, one line for each source and collection."""
    found: list[tuple[datetime, str]] = []
    for source in status.sources:
        if source.last_error and source.last_error_at:
            found.append((source.last_error_at, f"{source.source}: {source.last_error}"))
        run = source.last_run
        if run is not None and run.error and run.finished:
            found.append((run.finished, f"{source.source} (ingest): {run.error}"))
    found += [
        (row.last_error_at, f"{row.source} {row.collection}: {row.last_error}")
        for row in status.collections
        if row.last_error and row.last_error_at
    ]
    found.sort(reverse=True)
    lines = [f"{_moment(moment)} {_printable(text)}" for moment, text in found[:_MOST_ERRORS]]
    more = [f"... and {len(found) - _MOST_ERRORS} more (--json)"] if len(found) > _MOST_ERRORS else []
    return ["last errors:", *lines, *more] if lines else []


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _changes(changes: Changes) -> str:
    parts = ((changes.inserted, "+"), (changes.updated, "~"), (changes.deleted, "-"))
    return " ".join(f"{sign}{count:,}" for count, sign in parts if count)


def _of(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def _since(moment: datetime | None, now: datetime) -> str:
    return _ago(max(0, int((now - moment).total_seconds()))) if moment else "never"


def _ago(seconds: int | None) -> str:
    return "" if seconds is None else f"{_span(seconds)} ago"


def _span(seconds: int | None) -> str:
    """Return a duration in its largest unit, such as `3 h`."""
    if seconds is None:
        return ""
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def _language() -> str:
    """Return the language of the terminal, as far as titles have one."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "ja" if named.lower().startswith("ja") else "en"
