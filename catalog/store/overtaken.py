"""Records that were overtaken by what the catalogue learnt since they were asked for.

Their upstream deleted them between the question and the transaction that writes; or renewed them, where
records are tried again that were refused long ago; or, of the starter catalogue, whose documents were
recorded long ago, anything is known of their items already.

A slice may be read for hours, while deletions are applied beside it. What was read before a deletion was
noted, and is written after, would bring the item back, for good where no later look at the list of
deletions goes back far enough. The check is made under the locks of the items' shards, which whoever
deletes takes too, so that nothing comes in between. All times are the database's: the question began
before the worker had its first answer, and a tombstone's time is after the upstream told of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from catalog.instant import parse_instant
from catalog.store.prepared import Key, PreparedItem

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# In the common case no tombstone is as young as the question, and nothing is looked up.
_BURIED = """
    SELECT asked.collection, asked.id, tombstone.native_id
    FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS asked (collection, id, since)
    JOIN kakehashi.tombstone ON tombstone.source = $1 AND tombstone.collection = asked.collection
        AND tombstone.id = asked.id
    WHERE $5 <= (SELECT max(noted_at) FROM kakehashi.tombstone)
        -- What a person takes out by request says nothing about the upstream.
        AND tombstone.cause IN ('feed', 'reconcile') AND tombstone.noted_at >= asked.since
"""
_KNOWN = """
    SELECT asked.collection, asked.id
    FROM unnest($1::text[], $2::text[]) AS asked (collection, id)
    WHERE EXISTS (SELECT FROM pgstac.items WHERE items.collection = asked.collection AND items.id = asked.id)
        OR EXISTS (
            SELECT FROM kakehashi.tombstone
            WHERE tombstone.collection = asked.collection AND tombstone.id = asked.id
        )
"""


async def without_overtaken(
    connection: "Connection", source: str, items: Sequence[PreparedItem], asked_at: Mapping[Key, datetime]
) -> list[PreparedItem]:
    """Return the items that their upstream has not deleted since it was asked for them.

    Args:
        connection: of the ingest role, in a transaction that holds the locks of the items' shards.
        source: name of the upstream.
        items: that are about to be written.
        asked_at: when the upstream was asked for each of them, by the database's clock.
    """
    if not items:
        return []
    moments = [asked_at[item.key] for item in items]
    rows = await connection.fetch(
        _BURIED,
        source,
        [item.collection for item in items],
        [item.id for item in items],
        moments,
        min(moments),
    )
    buried: dict[Key, list[bytes]] = {}
    for row in rows:
        buried.setdefault((row["collection"], row["id"]), []).append(row["native_id"].encode())
    # As where items are deleted: another record of the same item, such as its successor, stays.
    return [item for item in items if not any(name in item.content for name in buried.get(item.key, ()))]


async def without_known(connection: "Connection", items: Sequence[PreparedItem]) -> list[PreparedItem]:
    """Return the items that the catalogue neither has nor had, whichever source they came from.

    Args:
        connection: of the ingest role, in a transaction that holds the locks of the items' shards.
        items: that are about to be written.
    """
    rows = await connection.fetch(_KNOWN, [item.collection for item in items], [item.id for item in items])
    known = {(row["collection"], row["id"]) for row in rows}
    return [item for item in items if item.key not in known]


async def without_renewed(
    connection: "Connection", source: str, items: Sequence[PreparedItem], since: Mapping[Key, datetime]
) -> list[PreparedItem]:
    """Return the items that were not made anew of what their source said after a time; older records say less.

    Args:
        connection: of the ingest role, in a transaction that holds the locks of the items' shards.
        source: name of the upstream.
        items: that are about to be written.
        since: the time, for each of them.
    """
    rows = await connection.fetch(
        """
        SELECT items.collection, items.id, items.content #>> '{properties,harvest:time}' AS harvested
        FROM unnest($2::text[], $3::text[]) AS coming (collection, id)
        JOIN pgstac.items ON items.collection = coming.collection AND items.id = coming.id
        WHERE items.content #>> '{properties,harvest:source}' = $1
        """,
        source,
        [item.collection for item in items],
        [item.id for item in items],
    )
    renewed = {
        (row["collection"], row["id"])
        for row in rows
        if _is_after(row["harvested"], since[row["collection"], row["id"]])
    }
    return [item for item in items if item.key not in renewed]


def _is_after(harvested: str | None, moment: datetime) -> bool:
    try:
        return harvested is not None and parse_instant(harvested) > moment
    except ValueError:  # somebody else wrote it
        return False
