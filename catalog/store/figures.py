"""Reading what each collection holds; see `catalog.store.statistics` for how it is kept. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from catalog.observed import Box
from catalog.store.counting import COUNTERS_SETTLE, PARTITIONS, box_of

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Collections that were never counted are counted on the spot if they have about so many items at most, and
# if that takes no longer than this; planning alone takes long where there are thousands of partitions.
_COUNT_UP_TO = 200_000
_COUNT_WITHIN_MS = 200

# A standby has no counters of its own: there, what was recorded is believed.
_FIGURES = f"""
    WITH held AS (
        SELECT collection,
            coalesce(sum(pg_stat_get_tuples_inserted(relation) - pg_stat_get_tuples_deleted(relation)), 0)
                AS rows,
            coalesce(sum(greatest(reltuples, pg_stat_get_live_tuples(relation), 0)), 0)::bigint AS estimate
        FROM ({PARTITIONS}) AS partitions LEFT JOIN pg_class ON pg_class.oid = relation
        GROUP BY collection
    ), pending AS (
        SELECT collection, sum(inserted - deleted)::bigint AS items, max(changed_at) AS changed_at,
            min(oldest) AS oldest, max(newest) AS newest, max(latest_end) AS latest_end,
            min(west) AS west, min(south) AS south, max(east) AS east, max(north) AS north
        FROM kakehashi.item_change GROUP BY collection
    ), merged AS (
        SELECT collections.id AS collection,
            known.collection IS NOT NULL AS is_known,
            known.items + coalesce(pending.items, 0) AS items,
            held.rows, held.estimate, known.uncounted, known.counted_at,
            greatest(known.changed_at, pending.changed_at) AS changed_at,
            least(known.oldest, pending.oldest) AS oldest,
            greatest(known.newest, pending.newest) AS newest,
            greatest(known.latest_end, pending.latest_end) AS latest_end,
            least(known.west, pending.west) AS west, least(known.south, pending.south) AS south,
            greatest(known.east, pending.east) AS east, greatest(known.north, pending.north) AS north
        FROM pgstac.collections
        LEFT JOIN held ON held.collection = collections.id
        LEFT JOIN kakehashi.collection_statistics AS known ON known.collection = collections.id
        LEFT JOIN pending ON pending.collection = collections.id
    )
    SELECT *,
        is_known AND (
            pg_is_in_recovery()
            OR rows - uncounted = items
            OR greatest(changed_at, counted_at) >= now() - interval '{COUNTERS_SETTLE}'
        ) AS is_exact
    FROM merged ORDER BY collection
"""  # noqa: S608 - its parts are constants
_COUNT = """
    SELECT collection, count(*) AS items, min(datetime) AS oldest, max(datetime) AS newest,
        max(end_datetime) AS latest_end, ST_XMin(ST_Extent(geometry)) AS west,
        ST_YMin(ST_Extent(geometry)) AS south, ST_XMax(ST_Extent(geometry)) AS east,
        ST_YMax(ST_Extent(geometry)) AS north
    FROM pgstac.items WHERE collection = ANY($1::text[]) GROUP BY collection
"""


@dataclass(frozen=True)
class Figures:
    """What a collection holds.

    Attributes:
        items: how many.
        is_exact: whether they were counted; if not, PostgreSQL estimates them.
        oldest: earliest start of an item.
        newest: latest start of an item.
        latest_end: latest end of an item.
        box: west, south, east, north around all footprints, in degrees.
        changed_at: last change that is known of; None: items came, if any, before changes were recorded.
    """

    collection: str
    items: int
    is_exact: bool
    oldest: datetime | None
    newest: datetime | None
    latest_end: datetime | None
    box: Box | None
    changed_at: datetime | None


async def read_figures(connection: "Connection") -> list[Figures]:
    """Return what every collection holds, by id, in a time that does not grow with the number of items.

    Args:
        connection: of the read role.
    """
    rows = await connection.fetch(_FIGURES)
    doubtful = [row for row in rows if not row["is_exact"]]
    is_quick = sum(row["estimate"] or 0 for row in doubtful) <= _COUNT_UP_TO
    counted = await _count(connection, [row["collection"] for row in doubtful]) if is_quick else None
    found = []
    for row in rows:
        if row["is_exact"]:
            found.append(_figures(row, row["items"], row["changed_at"], is_exact=True))
        elif counted is not None:
            fresh = counted.get(row["collection"])
            found.append(
                _figures(fresh, fresh["items"], row["changed_at"], is_exact=True)
                if fresh
                else Figures(row["collection"], 0, True, None, None, None, None, row["changed_at"])
            )
        else:
            items = row["items"] if row["is_known"] else row["estimate"] or 0
            found.append(_figures(row, items, row["changed_at"], is_exact=False))
    return found


async def _count(connection: "Connection", collections: list[str]) -> dict[str, asyncpg.Record] | None:
    """Count collections, or return None if that takes too long."""
    if not collections:
        return {}
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = {_COUNT_WITHIN_MS}")
            rows = await connection.fetch(_COUNT, collections)
    except asyncpg.QueryCanceledError:
        return None
    return {row["collection"]: row for row in rows}


def _figures(row: asyncpg.Record, items: int, changed_at: datetime | None, *, is_exact: bool) -> Figures:
    return Figures(
        row["collection"],
        items,
        is_exact,
        row["oldest"],
        row["newest"],
        row["latest_end"],
        box_of(row),
        changed_at,
    )
