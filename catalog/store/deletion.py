"""Taking items out of the catalogue, and leaving word of it.

Whoever takes an item out, for whatever reason, does all of this in one transaction: a tombstone for those
who follow what goes, links of the versions that are left, and the counts.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from catalog.store.base_item import read_targets
from catalog.store.batch import LOCK_SHARDS, BatchWriter
from catalog.store.held import hold_items
from catalog.store.prepared import prepare, shard_of
from catalog.store.statistics import ItemChange, record_changes
from catalog.store.versions import unlink_versions

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# How it is known that something is to go: an upstream's list of deletions, a comparison with what the
# upstream has, or a request of somebody who may change the catalogue.
Cause = Literal["feed", "reconcile", "request"]
# Makes of an item what other sources leave of it; None if no other has it.
Part = Callable[[dict[str, Any]], Mapping[str, Any] | None]

# Items that one of the given records made.
_MADE_BY = """
    unnest($2::text[], $3::text[], $4::text[]) AS dead (collection, id, native)
    WHERE items.collection = dead.collection AND items.id = dead.id
        AND items.content #>> '{properties,harvest:source}' = $1
        AND position(dead.native IN items.content::text) > 0
"""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record that an upstream deleted.

    Attributes:
        native_id: the upstream's identifier of it; text that the item has somewhere, if it is that record.
            Empty where only the item's id is known.
        deleted_at: with a zone.
    """

    id: str
    collection: str
    native_id: str
    deleted_at: datetime
    reason: str | None


async def delete_items(
    connection: "Connection",
    source: str,
    records: Sequence[Deleted],
    cause: Cause = "feed",
    part: Part | None = None,
) -> int:
    """Take out what an upstream deleted, and note it; all of it or nothing.

    An item goes only if it came from this source and holds the record's native id: one that another
    record made, or another source, stays. Doing it again changes nothing.

    Args:
        connection: of the ingest role.
        source: name of the upstream.
        records: what it deleted.
        cause: how that is known.
        part: makes of an item what other sources leave of it; None: all of it goes.

    Returns:
        How many items went.

    Raises:
        RecordRefused: what other sources leave of an item cannot be stored.
    """
    named = (
        source,
        [record.collection for record in records],
        [record.id for record in records],
        [record.native_id for record in records],
    )
    async with connection.transaction():
        await connection.execute(LOCK_SHARDS, named[1], [shard_of(record.id) for record in records])
        if part is not None:
            await _hand_over(connection, named, part)
        # What was handed over is of another source by now.
        gone = await connection.fetch(
            f"DELETE FROM pgstac.items USING {_MADE_BY} "  # noqa: S608 - a constant
            "RETURNING items.collection, items.id",
            *named,
        )
        await _note(connection, source, records, {(row["collection"], row["id"]) for row in gone}, cause)
        await _settle(connection, source, [(row["collection"], row["id"]) for row in gone])
    return len(gone)


async def _hand_over(
    connection: "Connection", named: tuple[str, list[str], list[str], list[str]], part: Part
) -> None:
    """Leave items to the other sources that have them."""
    rows = await connection.fetch(
        f"""
        SELECT items.collection, items.id FROM pgstac.items, {_MADE_BY}
            AND jsonb_path_exists(
                items.content, '$.links[*]."harvest:source" ? (@ != $source)', jsonb_build_object('source', $1::text)
            )
        """,  # noqa: S608 - a constant
        *named,
    )
    for name, target in (await read_targets(connection, {row["collection"] for row in rows})).items():
        identifiers = [row["id"] for row in rows if row["collection"] == name]
        held = await hold_items(connection, target, identifiers)
        left = [new for item in held.values() if (new := part(item)) is not None]
        outcome = await BatchWriter(connection).write([prepare(item, target.base) for item in left])
        for _, refusal in outcome.refused:
            raise refusal


async def _note(
    connection: "Connection",
    source: str,
    records: Sequence[Deleted],
    gone: Collection[tuple[str, str]],
    cause: Cause,
) -> None:
    """Leave tombstones. One that is there stays as it is, unless an item went again: then it is news."""
    await connection.executemany(
        """
        INSERT INTO kakehashi.tombstone AS old
            (source, collection, id, native_id, deleted_at, reason, cause, is_removal)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (source, collection, id, native_id) DO UPDATE SET
            deleted_at = excluded.deleted_at, reason = excluded.reason,
            cause = CASE WHEN excluded.is_removal THEN excluded.cause ELSE old.cause END,
            noted = CASE WHEN excluded.is_removal THEN excluded.noted ELSE old.noted END,
            noted_at = CASE WHEN excluded.is_removal THEN excluded.noted_at ELSE old.noted_at END,
            is_removal = excluded.is_removal OR old.is_removal
        WHERE excluded.is_removal
            OR (old.deleted_at, old.reason) IS DISTINCT FROM (excluded.deleted_at, excluded.reason)
        """,
        [
            (
                source,
                record.collection,
                record.id,
                record.native_id,
                record.deleted_at,
                record.reason,
                cause,
                (record.collection, record.id) in gone,
            )
            for record in records
        ],
    )


async def delete_item(connection: "Connection", collection: str, identifier: str) -> bool:
    """Take out one item because somebody asked for it, whichever source it came from.

    Args:
        connection: of the ingest role, in a transaction that holds the lock of the item's shard.
        collection: of the item.
        identifier: of the item.

    Returns:
        Whether there was one.
    """
    row = await connection.fetchrow(
        """
        DELETE FROM pgstac.items WHERE collection = $1 AND id = $2
        RETURNING coalesce(content #>> '{properties,harvest:source}', '') AS source
        """,
        collection,
        identifier,
    )
    if row is None:
        return False
    gone = [(collection, identifier)]
    record = Deleted(identifier, collection, "", datetime.now(UTC), None)
    await _note(connection, row["source"], [record], set(gone), "request")
    await _settle(connection, row["source"], gone)
    return True


async def _settle(connection: "Connection", source: str, gone: Collection[tuple[str, str]]) -> None:
    """Bring what speaks of items in step with their going: links of other versions, and counts."""
    counts = Counter(collection for collection, _ in gone)
    for name, target in (await read_targets(connection, counts.keys())).items():
        left = [identifier for collection, identifier in gone if collection == name]
        await unlink_versions(connection, name, target.table, left)
    await record_changes(
        connection, [ItemChange(source, name, deleted=count) for name, count in counts.items()]
    )
