"""A page of a search that was divided into several: their pages, put in one order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.item_text import is_selective
from catalog.store.keyset import Expression, ordered
from catalog.store.parameters import Parameters
from catalog.store.planning import conditions, source
from catalog.store.queryables import Queryables
from catalog.store.search import Search

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# So many items are found by their text first and then sorted. Where there are more, some are soon met on a
# walk in the order of the page.
_FEW = 500


async def by_found_ids(connection: "Connection", part: Search, queryables: Queryables) -> Search | None:
    """Return a search by the own text of items as one by their ids, if they are few; None if there are none.

    PostgreSQL cannot know how many items have a word, and so may walk all of them in the order of time
    where the index would give the only two.
    """
    if part.ids or not part.own_text or not is_selective(part.own_text):
        return part
    parameters = Parameters()
    where = conditions(part, queryables, parameters)
    sql = f"SELECT collection, id FROM {source(where)} WHERE {where} LIMIT {_FEW + 1}"  # noqa: S608
    rows = await connection.fetch(sql, *parameters.values)
    if not rows or len(rows) > _FEW:
        return part if rows else None
    collections = dict.fromkeys(row["collection"] for row in rows)
    return replace(part, ids=tuple(row["id"] for row in rows), collections=tuple(collections))


async def merge_pages(
    connection: "Connection",
    pages: Sequence[tuple[list[asyncpg.Record], bool]],
    keys: Sequence[Expression],
    limit: int,
    *,
    backward: bool,
) -> tuple[list[asyncpg.Record], bool]:
    """Return one page of several that have the same keys, and whether more lie behind it.

    Args:
        connection: PostgreSQL compares, since it alone knows its collations.
        pages: rows in the order of the list, each with whether more lie behind them.
        keys: of the order.
        limit: most rows.
        backward: whether behind is before.
    """
    rows = [row for page, _ in pages for row in page]
    columns = [[row["sort_values"][number] for row in rows] for number in range(len(keys))]
    arrays = ", ".join(f"${number + 1}::text[]" for number in range(len(keys)))
    names = ", ".join(f"key{number}" for number in range(len(keys)))
    order = ", ".join(
        ordered(replace(key, sql=f"key{number}::{key.type}"), backward=False)
        for number, key in enumerate(keys)
    )
    sql = f"SELECT place FROM unnest({arrays}) WITH ORDINALITY AS row ({names}, place) ORDER BY {order}"  # noqa: S608
    places = await connection.fetch(sql, *columns)
    order_of_rows = [place["place"] - 1 for place in places]
    first, last, begin = 0, len(rows), 0
    for page, goes_on in pages:
        if goes_on and page:
            # Behind its outermost row are rows that are not here: a page cut short by its size ends early.
            if backward:
                first = max(first, order_of_rows.index(begin))
            else:
                last = min(last, order_of_rows.index(begin + len(page) - 1) + 1)
        begin += len(page)
    known = [rows[number] for number in order_of_rows[first:last]]
    more = any(goes_on for _, goes_on in pages) or len(known) > limit
    return (known[-limit:] if backward else known[:limit]), more
