"""The figures of one collection as rows of the database: reading, adding up, counting anew.

Every function here is called while the collection is held (`catalog.store.statistics`), in a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import jsontext
from catalog.observed import Box, Observed, summarised

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

# A collection whose figures are in doubt is counted anew at most once in its number of items times this
# long: 20,000 items once a minute, a million once in 50 minutes.
RECOUNT_PAUSE_PER_ITEM = "3 milliseconds"
# PostgreSQL's counters of written rows lag behind by up to ten seconds.
COUNTERS_SETTLE = "15 seconds"
# Of a collection that we never saw, summaries are read from all items up to so many; of a larger one,
# they come with what is loaded, or by a recount that asks for them.
_READ_ALL_UP_TO = 100_000

# The partitions that hold items, by collection; one NULL for a collection without any. Not `pg_partition_tree`, which locks them all.
PARTITIONS = """
    SELECT collections.id AS collection, coalesce(pg_inherits.inhrelid, base.oid) AS relation
    FROM pgstac.collections
    LEFT JOIN pg_class AS base
        ON base.relnamespace = 'pgstac'::regnamespace AND base.relname = '_items_' || collections.key
    LEFT JOIN pg_inherits ON pg_inherits.inhparent = base.oid
"""
_WRITTEN_ROWS = f"""
    SELECT coalesce(sum(pg_stat_get_tuples_inserted(relation) - pg_stat_get_tuples_deleted(relation)), 0)::bigint
    FROM ({PARTITIONS} WHERE collections.id = $1) AS partitions
"""  # noqa: S608 - both parts are constants

TAKE_CHANGES = "DELETE FROM kakehashi.item_change WHERE collection = $1 RETURNING *, newest AS newest_written"
# One statement, hence one snapshot: an item is counted here if and only if its change is taken here.
_COUNT_AND_TAKE = f"""
    WITH counted AS (
        SELECT count(*) AS items, min(datetime) AS oldest, max(datetime) AS newest,
            max(end_datetime) AS latest_end, ST_Extent(geometry) AS box
        FROM pgstac.items WHERE collection = $1
    ), taken AS ({TAKE_CHANGES})
    SELECT items, oldest, newest, latest_end,
        ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north, taken.*
    FROM counted LEFT JOIN (
        SELECT id, changed_at, source, inserted, updated, deleted, newest_written, observed FROM taken
    ) AS taken ON true
"""  # noqa: S608
_STORE = """
    INSERT INTO kakehashi.collection_statistics (
        collection, items, oldest, newest, latest_end, west, south, east, north, observed,
        changed_at, counted_at, uncounted, may_be_wide
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14)
    ON CONFLICT (collection) DO UPDATE SET
        items = excluded.items, oldest = excluded.oldest, newest = excluded.newest,
        latest_end = excluded.latest_end, west = excluded.west, south = excluded.south,
        east = excluded.east, north = excluded.north, observed = excluded.observed,
        changed_at = excluded.changed_at, counted_at = excluded.counted_at,
        uncounted = excluded.uncounted, may_be_wide = excluded.may_be_wide
"""
IN_DOUBT = f"""
    SELECT known.*,
        known.counted_at < now() - known.items * interval '{RECOUNT_PAUSE_PER_ITEM}' AND (
            known.may_be_wide
            OR ({_WRITTEN_ROWS}) - known.uncounted <> known.items
                AND greatest(known.changed_at, known.counted_at) < now() - interval '{COUNTERS_SETTLE}'
        ) AS in_doubt
    FROM kakehashi.collection_statistics AS known WHERE known.collection = $1
"""  # noqa: S608
_ADD_ACTIVITY = """
    INSERT INTO kakehashi.source_activity AS known (
        source, collection, day, inserted, updated, deleted, newest, changed_at
    ) VALUES ($1, $2, ($7::timestamptz AT TIME ZONE 'UTC')::date, $3, $4, $5, $6, $7)
    ON CONFLICT (source, collection, day) DO UPDATE SET
        inserted = known.inserted + excluded.inserted,
        updated = known.updated + excluded.updated,
        deleted = known.deleted + excluded.deleted,
        newest = greatest(known.newest, excluded.newest),
        changed_at = greatest(known.changed_at, excluded.changed_at)
"""
# Whoever adds a day forgets old ones of the same source and collection, a few of them at most. Their newest
# day stays whatever its age: it tells that the collection is fed by the source.
_FORGET_ACTIVITY = """
    DELETE FROM kakehashi.source_activity AS old
    WHERE collection = $1 AND source = ANY ($2::text[])
        AND day < (now() AT TIME ZONE 'UTC')::date
            - coalesce(nullif(current_setting('kakehashi.activity_days', true), ''), '90')::int
        AND EXISTS (
            SELECT FROM kakehashi.source_activity AS newer
            WHERE newer.source = old.source AND newer.collection = old.collection AND newer.day > old.day
        )
"""
# Properties are taken out of an item once, not once for each of them: they are compressed.
_SUMMARISE_VALUES = """
    SELECT named.name, jsonb_agg(DISTINCT element) AS found
    FROM pgstac.items
    CROSS JOIN LATERAL (SELECT content -> 'properties' AS properties OFFSET 0) AS opened
    CROSS JOIN unnest($2::text[]) AS named (name)
    CROSS JOIN LATERAL jsonb_path_query(properties -> named.name, '$[*]') AS element
    WHERE collection = $1 AND jsonb_typeof(element) IN ('string', 'number', 'boolean')
    GROUP BY named.name
"""
_SUMMARISE_RANGES = """
    SELECT named.name, min(number::double precision) AS least, max(number::double precision) AS greatest
    FROM pgstac.items
    CROSS JOIN LATERAL (SELECT content -> 'properties' AS properties OFFSET 0) AS opened
    CROSS JOIN unnest($2::text[]) AS named (name)
    CROSS JOIN LATERAL (SELECT properties -> named.name AS number OFFSET 0) AS value
    WHERE collection = $1 AND jsonb_typeof(number) = 'number'
    GROUP BY named.name
"""


@dataclass
class Statistics:
    """What is known of one collection, as a row of `kakehashi.collection_statistics`."""

    collection: str
    items: int
    observed: Observed
    changed_at: datetime | None
    counted_at: datetime
    uncounted: int
    may_be_wide: bool


async def count_anew(
    connection: "Connection", collection: str, known: Statistics | None, *, with_summaries: bool | None
) -> Statistics:
    """Count what is there, and take the recorded changes, which are counted with it.

    Args:
        connection: of the ingest role, in a transaction that holds the collection.
        collection: its id.
        known: what is known so far, if anything.
        with_summaries: whether its summaries are read from all items; None: if these are few enough and
            what was recorded of them does not tell.
    """
    # What this session committed itself is to be among PostgreSQL's counters.
    await connection.execute("SELECT pg_stat_force_next_flush()")
    rows = await connection.fetch(_COUNT_AND_TAKE, collection)
    counted, taken = rows[0], [row for row in rows if row["id"] is not None]
    if with_summaries is None:
        with_summaries = counted["items"] <= _READ_ALL_UP_TO and not _all_recorded(counted["items"], taken)
    observed = Observed()
    observed.merge_extent(counted["oldest"], counted["newest"], counted["latest_end"], box_of(counted))
    if with_summaries:
        observed.merge_summaries(await _summaries(connection, collection))
    elif known is not None:
        observed.merge_summaries(known.observed)
    found = Statistics(
        collection=collection,
        items=counted["items"],
        observed=observed,
        changed_at=known.changed_at if known else None,
        counted_at=await connection.fetchval("SELECT now()"),
        uncounted=await connection.fetchval(_WRITTEN_ROWS, collection) - counted["items"],
        may_be_wide=False,
    )
    if not with_summaries:
        for row in taken:
            observed.merge_summaries(_read_observed(row["observed"]))
    await _note_activity(connection, collection, found, taken)
    await store(connection, found)
    return found


def _all_recorded(items: int, taken: Sequence["asyncpg.Record"]) -> bool:
    """Whether changes tell of all items that are there and of no others, so that their summaries are exact."""
    return items == sum(row["inserted"] for row in taken) and not any(
        row["updated"] or row["deleted"] for row in taken
    )


async def _summaries(connection: "Connection", collection: str) -> Observed:
    """Read the summaries of all items of a collection."""
    wanted = summarised()
    found = Observed()
    for row in await connection.fetch(_SUMMARISE_VALUES, collection, list(wanted.values)):
        values = jsontext.loads(row["found"])
        found.merge_summaries(
            Observed(values={row["name"]: None if len(values) > wanted.most_values else set(values)})
        )
    for row in await connection.fetch(_SUMMARISE_RANGES, collection, list(wanted.ranges)):
        found.merge_summaries(Observed(ranges={row["name"]: (row["least"], row["greatest"])}))
    return found


async def add_changes(connection: "Connection", known: Statistics, taken: Sequence["asyncpg.Record"]) -> None:
    """Add recorded changes, as `TAKE_CHANGES` returns them, to what is known."""
    for row in taken:
        known.items += row["inserted"] - row["deleted"]
        known.may_be_wide = known.may_be_wide or bool(row["updated"] or row["deleted"])
        known.observed.merge_extent(row["oldest"], row["newest"], row["latest_end"], box_of(row))
        known.observed.merge_summaries(_read_observed(row["observed"]))
    await _note_activity(connection, known.collection, known, taken)


async def _note_activity(
    connection: "Connection", collection: str, known: Statistics, taken: Sequence["asyncpg.Record"]
) -> None:
    """Add recorded changes to what each source did on each day, and to the time of the last change."""
    if not taken:
        return
    known.changed_at = max(*(row["changed_at"] for row in taken), known.changed_at or taken[0]["changed_at"])
    await connection.executemany(
        _ADD_ACTIVITY,
        [
            (
                row["source"],
                collection,
                row["inserted"],
                row["updated"],
                row["deleted"],
                row["newest_written"],
                row["changed_at"],
            )
            for row in taken
        ],
    )
    await connection.execute(_FORGET_ACTIVITY, collection, list({row["source"] for row in taken}))


async def store(connection: "Connection", known: Statistics) -> None:
    """Write what is known of a collection."""
    seen = known.observed
    await connection.execute(
        _STORE,
        known.collection,
        known.items,
        seen.oldest,
        seen.newest,
        seen.latest_end,
        *(seen.box or (None,) * 4),
        jsontext.dumps(seen.to_json()).decode(),
        known.changed_at,
        known.counted_at,
        known.uncounted,
        known.may_be_wide,
    )


def statistics_of(row: "asyncpg.Record") -> Statistics:
    """Read a row of `kakehashi.collection_statistics`."""
    observed = _read_observed(row["observed"])
    observed.merge_extent(row["oldest"], row["newest"], row["latest_end"], box_of(row))
    return Statistics(
        collection=row["collection"],
        items=row["items"],
        observed=observed,
        changed_at=row["changed_at"],
        counted_at=row["counted_at"],
        uncounted=row["uncounted"],
        may_be_wide=row["may_be_wide"],
    )


def _read_observed(text: str) -> Observed:
    return Observed.from_json(jsontext.loads(text))


def box_of(row: "asyncpg.Record") -> Box | None:
    """Return the box in a row that has one; None if it has none."""
    return None if row["west"] is None else (row["west"], row["south"], row["east"], row["north"])
