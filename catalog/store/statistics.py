"""What each collection holds, kept up to date by whoever writes items.

How it works. Whoever writes items calls `record_changes` in the transaction that commits them. That
only adds rows to `kakehashi.item_change`, so parallel writers neither wait for each other nor deadlock,
and a transaction that is rolled back leaves nothing. `fold_changes` later adds these rows up into one
row per collection (and one per source, collection and day); it takes one lock per collection, for the
moment that a fold takes, which no writer of items needs. Readers add to the folded row what is not
folded yet (`catalog.store.figures`), so that figures are right at any moment, folded or not.

Counts are exact. Time, box and summaries only ever widen; after deletions and replacements they may be
too wide until the next `recount`, which reads all items of a collection.

Items that other tools write (pypgstac, SQL) are found out by PostgreSQL's own counters of written
rows: where these do not agree with what was recorded, the collection is counted anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

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

_RECORD = """
    INSERT INTO kakehashi.item_change (
        source, collection, inserted, updated, deleted, oldest, newest, latest_end,
        west, south, east, north, observed
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb)
"""
_TAKE_CHANGES = (
    "DELETE FROM kakehashi.item_change WHERE collection = $1 RETURNING *, newest AS newest_written"
)
# One statement, hence one snapshot: an item is counted here if and only if its change is taken here.
_COUNT_AND_TAKE = f"""
    WITH counted AS (
        SELECT count(*) AS items, min(datetime) AS oldest, max(datetime) AS newest,
            max(end_datetime) AS latest_end, ST_Extent(geometry) AS box
        FROM pgstac.items WHERE collection = $1
    ), taken AS ({_TAKE_CHANGES})
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
_NEEDED = f"""
    WITH written AS (
        SELECT collection,
            coalesce(sum(pg_stat_get_tuples_inserted(relation) - pg_stat_get_tuples_deleted(relation)), 0)
                AS rows
        FROM ({PARTITIONS}) AS partitions GROUP BY collection
    )
    SELECT written.collection FROM written
    LEFT JOIN kakehashi.collection_statistics AS known ON known.collection = written.collection
    WHERE known.collection IS NULL
        OR EXISTS (SELECT FROM kakehashi.item_change WHERE item_change.collection = written.collection)
        OR known.counted_at < now() - known.items * interval '{RECOUNT_PAUSE_PER_ITEM}' AND (
            known.may_be_wide
            OR written.rows - known.uncounted <> known.items
                AND greatest(known.changed_at, known.counted_at) < now() - interval '{COUNTERS_SETTLE}'
        )
    ORDER BY written.collection
"""  # noqa: S608
_IN_DOUBT = f"""
    SELECT known.*,
        known.counted_at < now() - known.items * interval '{RECOUNT_PAUSE_PER_ITEM}' AND (
            known.may_be_wide
            OR ({_WRITTEN_ROWS}) - known.uncounted <> known.items
                AND greatest(known.changed_at, known.counted_at) < now() - interval '{COUNTERS_SETTLE}'
        ) AS in_doubt
    FROM kakehashi.collection_statistics AS known WHERE known.collection = $1
"""  # noqa: S608
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
class ItemChange:
    """What a transaction did to the items of one collection.

    Attributes:
        source: name of the upstream that the items came from; empty: none of ours.
        observed: what the written items say; items that were there already and equal may be among
            them, since a union does not mind.
    """

    source: str
    collection: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    observed: Observed = field(default_factory=Observed)


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


async def record_changes(connection: "Connection", changes: Iterable[ItemChange]) -> None:
    """Tell what a transaction did; call it in that transaction, once for all of its items.

    Cheap: it adds a row for each change that is one, and takes no lock that another writer needs.

    Args:
        connection: of the ingest role, in the transaction that commits the items.
        changes: any number for the same collection; they are added up.
    """
    rows = [_change_row(change) for change in changes if change.inserted or change.updated or change.deleted]
    if rows:
        await connection.executemany(_RECORD, rows)


async def fold_changes(connection: "Connection", collections: Iterable[str] | None = None) -> list[str]:
    """Add up what was recorded, and count anew what is unknown or in doubt; for the end of any load.

    Each collection is done in a transaction of its own. Several may run at once.

    Args:
        connection: of the ingest role, in no transaction.
        collections: which; None: all that need it.

    Returns:
        The collections whose figures were brought up to date.
    """
    if collections is None:
        collections = [row["collection"] for row in await connection.fetch(_NEEDED)]
    names = sorted(set(collections))
    for name in names:
        async with connection.transaction():
            await _hold(connection, name)
            found = await connection.fetchrow(_IN_DOUBT, name)
            if found is None:
                await _recount(connection, name, None, with_summaries=None)
                continue
            known = _statistics(found)
            taken = await connection.fetch(_TAKE_CHANGES, name)
            if taken:
                await _add(connection, known, taken)
                await _store(connection, known)
                found = await connection.fetchrow(_IN_DOUBT, name)
            if found is not None and found["in_doubt"]:
                await _recount(connection, name, known, with_summaries=False)
    return names


async def recount(connection: "Connection", collection: str) -> Statistics | None:
    """Count a collection anew, its summaries included: reads every item of it.

    Args:
        connection: of the ingest role, in no transaction.
        collection: its id.

    Returns:
        What was found; None if there is no such collection.
    """
    async with connection.transaction():
        await _hold(connection, collection)
        if not await connection.fetchval("SELECT true FROM pgstac.collections WHERE id = $1", collection):
            return None
        found = await connection.fetchrow(_IN_DOUBT, collection)
        known = _statistics(found) if found else None
        return await _recount(connection, collection, known, with_summaries=True)


async def _hold(connection: "Connection", collection: str) -> None:
    """Keep others from folding the same collection until the transaction ends."""
    # The time limit of our sessions is for clients who wait; a count of many items may take longer.
    await connection.execute("SET LOCAL statement_timeout = 0")
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('kakehashi statistics'), hashtext($1))", collection
    )


async def _recount(
    connection: "Connection", collection: str, known: Statistics | None, *, with_summaries: bool | None
) -> Statistics:
    """Count what is there; `with_summaries` None: if there are few enough."""
    # What this session committed itself is to be among PostgreSQL's counters.
    await connection.execute("SELECT pg_stat_force_next_flush()")
    rows = await connection.fetch(_COUNT_AND_TAKE, collection)
    counted, taken = rows[0], [row for row in rows if row["id"] is not None]
    if with_summaries is None:
        with_summaries = counted["items"] <= _READ_ALL_UP_TO
    observed = Observed()
    observed.merge_extent(counted["oldest"], counted["newest"], counted["latest_end"], _box(counted))
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
            observed.merge_summaries(_observed(row["observed"]))
    await _note_activity(connection, collection, found, taken)
    await _store(connection, found)
    return found


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


async def _add(connection: "Connection", known: Statistics, taken: Sequence["asyncpg.Record"]) -> None:
    """Add recorded changes to what is known."""
    for row in taken:
        known.items += row["inserted"] - row["deleted"]
        known.may_be_wide = known.may_be_wide or bool(row["updated"] or row["deleted"])
        known.observed.merge_extent(row["oldest"], row["newest"], row["latest_end"], _box(row))
        known.observed.merge_summaries(_observed(row["observed"]))
    await _note_activity(connection, known.collection, known, taken)


async def _note_activity(
    connection: "Connection", collection: str, known: Statistics, taken: Sequence["asyncpg.Record"]
) -> None:
    """Add recorded changes to what each source did on each day, and to the time of the last change."""
    if not taken:
        return
    known.changed_at = max(*(row["changed_at"] for row in taken), known.changed_at or taken[0]["changed_at"])
    await connection.executemany(
        """
        INSERT INTO kakehashi.source_activity AS known (
            source, collection, day, inserted, updated, deleted, newest, changed_at
        ) VALUES ($1, $2, ($7::timestamptz AT TIME ZONE 'UTC')::date, $3, $4, $5, $6, $7)
        ON CONFLICT (source, collection, day) DO UPDATE SET
            inserted = known.inserted + excluded.inserted,
            updated = known.updated + excluded.updated,
            deleted = known.deleted + excluded.deleted,
            newest = greatest(known.newest, excluded.newest),
            changed_at = greatest(known.changed_at, excluded.changed_at)
        """,
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


async def _store(connection: "Connection", known: Statistics) -> None:
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


def _change_row(change: ItemChange) -> tuple[Any, ...]:
    seen = change.observed
    return (
        change.source,
        change.collection,
        change.inserted,
        change.updated,
        change.deleted,
        seen.oldest,
        seen.newest,
        seen.latest_end,
        *(seen.box or (None,) * 4),
        jsontext.dumps(seen.to_json()).decode(),
    )


def _statistics(row: "asyncpg.Record") -> Statistics:
    observed = _observed(row["observed"])
    observed.merge_extent(row["oldest"], row["newest"], row["latest_end"], _box(row))
    return Statistics(
        collection=row["collection"],
        items=row["items"],
        observed=observed,
        changed_at=row["changed_at"],
        counted_at=row["counted_at"],
        uncounted=row["uncounted"],
        may_be_wide=row["may_be_wide"],
    )


def _observed(text: str) -> Observed:
    return Observed.from_json(jsontext.loads(text))


def _box(row: "asyncpg.Record") -> Box | None:
    return None if row["west"] is None else (row["west"], row["south"], row["east"], row["north"])
