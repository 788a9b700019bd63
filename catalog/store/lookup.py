"""Finding one item by its id, in as few partitions as can be.

An id says nothing of where pgstac keeps its item, so that PostgreSQL plans a look into every partition of the
collection, which takes longer than the looks themselves. But most names of products carry their date. Where
one does, those days are looked at first, and everything only if the item is not there.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.rows import ITEM

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# A date of satellites that stands alone, or is followed by a time: 20240131, 20240131T0102, 2024-01-31.
_DATE = re.compile(r"(?<!\d)((?:19[6-9]|20\d)\d)(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_ITEM_NEAR = f"{ITEM} AND item.datetime >= $3 AND item.datetime < $4"
# Names say the day where it was taken, or begin with another day than the item; one to each side is cheap.
_MARGIN = timedelta(days=1)


def days_named(name: str) -> tuple[datetime, datetime] | None:
    """Return the time span around the first date in a name, if there is one; its end is not included."""
    for match in _DATE.finditer(name):
        year, _, month, day = match.groups()
        try:
            start = datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue  # 31 February
        return start - _MARGIN, start + 2 * _MARGIN
    return None


async def fetch_item(connection: "Connection", collection: str, name: str) -> asyncpg.Record | None:
    """Return the row of an item with the columns `ITEM_COLUMNS`, or None."""
    if days := days_named(name):
        row = await connection.fetchrow(_ITEM_NEAR, collection, name, *days)
        if row is not None:
            return row
    return await connection.fetchrow(ITEM, collection, name)
