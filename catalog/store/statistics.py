"""What each collection holds, kept up to date by whoever writes items.

How it works. Whoever writes items calls `record_changes` in the transaction that commits them. That
only adds rows to `kakehashi.item_change`, so parallel writers neither wait for each other nor deadlock,
and a transaction that is rolled back leaves nothing. `fold_changes` later adds these rows up into one
row per collection (and one per source, collection and day), and lets the collection's extent and
summaries follow (`catalog.follow`); it takes one lock per collection, for the moment that a fold takes,
which no writer of items needs. Readers add to the folded row what is not
folded yet (`catalog.store.figures`), so that figures are right at any moment, folded or not.

Counts are exact. Time, box and summaries only ever widen; after deletions and replacements they may be
too wide until the next `recount`, which reads all items of a collection.

Items that other tools write (pypgstac, SQL) are found out by PostgreSQL's own counters of written
rows: where these do not agree with what was recorded, the collection is counted anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog import jsontext
from catalog.observed import Observed
from catalog.store.counting import (
    COUNTERS_SETTLE,
    IN_DOUBT,
    PARTITIONS,
    RECOUNT_PAUSE_PER_ITEM,
    TAKE_CHANGES,
    Statistics,
    add_changes,
    count_anew,
    statistics_of,
    store,
)
from catalog.store.following import follow_data
from catalog.store.quarantine import fold_quarantine_counts

if TYPE_CHECKING:
    from catalog.store.connection import Connection

_RECORD = """
    INSERT INTO kakehashi.item_change (
        source, collection, inserted, updated, deleted, oldest, newest, latest_end,
        west, south, east, north, observed
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb)
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
        collections: which; None: all that need it, and the counts of the quarantine.

    Returns:
        The collections whose figures were brought up to date.
    """
    if collections is None:
        await fold_quarantine_counts(connection)
        collections = [row["collection"] for row in await connection.fetch(_NEEDED)]
    names = sorted(set(collections))
    for name in names:
        async with connection.transaction():
            if await _hold(connection, name):
                known = await _folded(connection, name)
                await follow_data(connection, name, known.items, known.observed)
    return names


async def _folded(connection: "Connection", collection: str) -> Statistics:
    """Return what is known of a collection, now that it is brought up to date."""
    found = await connection.fetchrow(IN_DOUBT, collection)
    if found is None:
        return await count_anew(connection, collection, None, with_summaries=None)
    known = statistics_of(found)
    taken = await connection.fetch(TAKE_CHANGES, collection)
    if taken:
        await add_changes(connection, known, taken)
        await store(connection, known)
        found = await connection.fetchrow(IN_DOUBT, collection)
    if found is not None and found["in_doubt"]:
        return await count_anew(connection, collection, known, with_summaries=False)
    return known


async def recount(connection: "Connection", collection: str) -> Statistics | None:
    """Count a collection anew, its summaries included: reads every item of it.

    Args:
        connection: of the ingest role, in no transaction.
        collection: its id.

    Returns:
        What was found; None if there is no such collection.
    """
    async with connection.transaction():
        if not await _hold(connection, collection):
            return None
        found = await connection.fetchrow(IN_DOUBT, collection)
        known = statistics_of(found) if found else None
        counted = await count_anew(connection, collection, known, with_summaries=True)
        await follow_data(connection, collection, counted.items, counted.observed)
        return counted


async def _hold(connection: "Connection", collection: str) -> bool:
    """Keep others from folding the same collection until the transaction ends; tell if there is one."""
    # The time limit of our sessions is for clients who wait; a count of many items may take longer.
    await connection.execute("SET LOCAL statement_timeout = 0")
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('kakehashi statistics'), hashtext($1))", collection
    )
    found = await connection.fetchval(
        "SELECT true FROM pgstac.collections WHERE id = $1 FOR KEY SHARE", collection
    )
    return bool(found)


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
