"""Fetching one page of a search: slice after slice of time until it is full."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.planning import EVERYTHING, Part, Selection, page_statement
from catalog.store.search import Search
from catalog.store.timeline import Timeline
from catalog.store.token import Position

if TYPE_CHECKING:
    from catalog.store.pool import Connection

# A first slice holds so many times the items of a page, and where a condition lets only some through, more.
_SPARE = 2
_SPARE_IF_CHOSEN = 100


async def fetch_page(
    connection: "Connection",
    search: Search,
    selection: Selection,
    position: Position | None,
    timeline: Timeline,
) -> tuple[list[asyncpg.Record], bool]:
    """Return the rows of a page in its order, and whether more lie behind them.

    Behind them is before them if the position is one to go back from.
    """
    wanted = search.limit + 1
    rows: list[asyncpg.Record] = []
    for part in parts_of(search, selection, position, timeline):
        statement = page_statement(selection, wanted - len(rows), position, part)
        rows += await connection.fetch(statement.sql, *statement.parameters)
        if len(rows) == wanted:
            break
    more = len(rows) > search.limit
    rows = rows[: search.limit]
    if position is not None and not position.forward:
        rows.reverse()
    return rows, more


def parts_of(
    search: Search, selection: Selection, position: Position | None, timeline: Timeline
) -> Iterator[Part]:
    """Return the parts to search, in the order of the page; the whole if parts are no help."""
    first = selection.keys[0]
    if first.is_indexed:
        yield from _by_value(position)
        return
    if first.sql != "datetime" or search.ids:
        yield EVERYTHING
        return
    newest_first = first.descending == (position is None or position.forward)
    here = _instant(position.values[0]) if position is not None else None
    start, end = here, here
    if search.interval and search.interval.end and newest_first:
        end = min(end, search.interval.end) if end else search.interval.end
    chosen = search.filter is not None or search.geometry is not None or bool(search.own_text)
    wanted = (search.limit + 1) * (_SPARE_IF_CHOSEN if chosen else _SPARE)
    yield from timeline.slices(wanted, newest_first=newest_first, start=start, end=end)


def _by_value(position: Position | None) -> Iterator[Part]:
    """Return those items that have a value to sort by and then those that have none, or the reverse."""
    valued, empty = Part(has_value=True), Part(has_value=False)
    if position is None:
        yield from (valued, empty)
    elif position.forward:
        if position.values[0] is not None:
            yield valued
        yield empty
    else:
        if position.values[0] is None:
            yield empty
        yield valued


def _instant(text: str | None) -> datetime | None:
    """Return a time as PostgreSQL writes it; None for one that Python has no number for."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
