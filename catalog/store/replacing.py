"""Rows of items out of the database and into it: one DELETE, one COPY."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg

from catalog.errors import RecordRefused
from catalog.store.base_item import Target
from catalog.store.copy_rows import COLUMNS, copy_stream, item_row
from catalog.store.deciding import Write
from catalog.store.written import Outcome

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# What the driver raises when one row is at fault; the message says which one.
_ROW_FAULTS = (
    asyncpg.DataError,
    asyncpg.RaiseError,  # an administrator's trigger
    asyncpg.NotNullViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InternalServerError,  # PostGIS: not a geometry
)
_LINE = re.compile(r"COPY \S+, line (\d+)")


async def replace_rows(
    connection: "Connection", collection: str, target: Target, writes: list[Write], outcome: Outcome
) -> list[Write]:
    """Take out old rows and copy new ones in; return what was written. A bad row is left out alone.

    Args:
        connection: in the transaction that writes the batch.
        collection: its id.
        target: the same.
        writes: rows of it; put into another order.
        outcome: of the batch, which is told what was refused.
    """
    # In the order of partitions: COPY writes several rows of one at once, but only while it stays with it.
    writes.sort(key=lambda write: write.item.start)
    while writes:
        try:
            async with connection.transaction():
                await _remove(
                    connection, collection, target, [write.item.id for write in writes if not write.is_new]
                )
                await connection.copy_to_table(
                    target.table,
                    schema_name="pgstac",
                    columns=COLUMNS,
                    source=copy_stream(_row(write) for write in writes),
                    format="binary",
                )
        except _ROW_FAULTS as error:
            found = _LINE.search(getattr(error, "context", None) or "")
            if found is None or not 1 <= int(found[1]) <= len(writes):
                raise
            bad = writes.pop(int(found[1]) - 1)
            outcome.refused.append((bad.came_as, RecordRefused("database", _one_line(error))))
        else:
            break
    return writes


async def _remove(
    connection: "Connection", collection: str, target: Target, identifiers: Sequence[str]
) -> None:
    if not identifiers:
        return
    await connection.execute(
        f"DELETE FROM pgstac.{target.table} WHERE id = ANY ($1::text[])",  # noqa: S608
        identifiers,
    )
    # pgstac's own trigger does this for statements on the table of all items.
    await connection.execute(
        "DELETE FROM pgstac.format_item_cache WHERE collection = $1 AND id = ANY ($2::text[])",
        collection,
        identifiers,
    )


def _row(write: Write) -> bytes:
    item = write.item
    return item_row(
        item.id.encode(),
        item.geometry,
        item.collection.encode(),
        (item.start, item.end),
        item.content,
        write.private,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
