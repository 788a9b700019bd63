"""Fetching one page of a search: slice after slice of time until it is full."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.large_pages import PageSize
from catalog.store.parameters import Statement
from catalog.store.planning import EVERYTHING, Part, Selection, page_statement
from catalog.store.search import Search
from catalog.store.timeline import Timeline
from catalog.store.token import Position

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Larger pages are fetched in parts of so many items, to see how many bytes they come to.
_AT_ONCE = 128
# A first slice holds so many times the items of a page, and where a condition lets only some through, more.
_SPARE = 2
_SPARE_IF_TRIED = 30


async def fetch_page(
    connection: "Connection",
    search: Search,
    selection: Selection,
    position: Position | None,
    timeline: Timeline,
    max_bytes: int,
    size: PageSize,
) -> tuple[list[asyncpg.Record], bool]:
    """Return the rows of a page in its order, and whether more lie behind them.

    Behind them is before them if the position is one to go back from.

    Args:
        connection: to ask.
        search: what is asked for.
        selection: the same as SQL.
        position: place that the page lies behind.
        timeline: how items of the search lie in time.
        max_bytes: of the items' JSON; a page of more is cut short, after one item at the least.
        size: is told of all that is read.

    Raises:
        DatabaseBusy: the page is a large one, of which too many are being made.
    """
    limit, bytes_left = search.limit, max_bytes
    rows: list[asyncpg.Record] = []
    for part in parts_of(search, selection, position, timeline):
        wanted = limit + 1 - len(rows)
        statement = page_statement(selection, wanted, position, part)
        found, full = await _fetch(connection, statement, wanted, bytes_left, size)
        if full is not None:
            # Only whether another item follows is still to be seen.
            limit = min(limit, len(rows) + full)
        rows += found
        bytes_left -= _size(found)
        if len(rows) > limit:
            break
    more = len(rows) > limit
    rows = rows[:limit]
    if position is not None and not position.forward:
        rows.reverse()
    return rows, more


async def _fetch(
    connection: "Connection", statement: Statement, wanted: int, bytes_left: int, size: PageSize
) -> tuple[list[asyncpg.Record], int | None]:
    """Return rows, and how many of them fill the page if they come to too many bytes, with one more behind them."""
    if wanted <= _AT_ONCE:
        rows = await connection.fetch(statement.sql, *statement.parameters)
        await size.add(_size(rows))
        return rows, None
    rows = []
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(statement.sql, *statement.parameters)
        while found := await cursor.fetch(_AT_ONCE):
            rows += found
            read = _size(found)
            bytes_left -= read
            await size.add(read)
            if bytes_left < 0:
                return rows + await cursor.fetch(1), len(rows)
    return rows, None


def _size(rows: list[asyncpg.Record]) -> int:
    return sum(len(row["content"]) + len(row["geometry"]) for row in rows)


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
    wanted = (search.limit + 1) * (_SPARE_IF_TRIED if search.is_tried_on_items else _SPARE)
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
