"""Items that an upstream does not list any more: which there may be, and taking them out."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from catalog.store.deletion import Deleted, delete_items
from catalog.store.window import Claim

if TYPE_CHECKING:
    from catalog.store.connection import Connection

Key = tuple[str, str]
_REASON = "not listed by the upstream any more"

# What one source alone gave, begins within the window, and lies within its box if it has one. Where a box
# crosses the antimeridian it is two.
_COMPARABLE = """
    collection = $2 AND datetime >= $3 AND datetime < $4
    AND content #>> '{properties,harvest:source}' = $1
    AND NOT jsonb_path_exists(
        content, '$.links[*]."harvest:source" ? (@ != $source)', jsonb_build_object('source', $1::text)
    )
    AND ($5::float8[] IS NULL OR ST_CoveredBy(geometry, CASE
        WHEN ($5::float8[])[1] < ($5::float8[])[3]
        THEN ST_MakeEnvelope(($5::float8[])[1], ($5::float8[])[2], ($5::float8[])[3], ($5::float8[])[4], 4326)
        ELSE ST_Collect(
            ST_MakeEnvelope(($5::float8[])[1], ($5::float8[])[2], 180, ($5::float8[])[4], 4326),
            ST_MakeEnvelope(-180, ($5::float8[])[2], ($5::float8[])[3], ($5::float8[])[4], 4326)
        )
    END))
"""


async def comparable_items(connection: "Connection", window: Claim) -> set[Key]:
    """Return collection and id of the items that the source of a window should list for it."""
    rows = await connection.fetch(
        f"SELECT collection, id FROM pgstac.items WHERE {_COMPARABLE}",  # noqa: S608 - a constant of this module
        window.source,
        window.collection,
        window.start,
        window.end,
        list(window.bbox) if window.bbox else None,
    )
    return {(row["collection"], row["id"]) for row in rows}


async def remove_vanished(
    connection: "Connection", window: Claim, keys: Collection[Key], unread: Collection[str]
) -> int:
    """Take items out that their upstream does not list any more, and leave tombstones; return how many.

    Args:
        connection: of the ingest role, in a transaction.
        window: in which they were missed.
        keys: collection and id of what is to go.
        unread: native ids of records that are listed but could not be read; an item that holds one stays.
    """
    rows = await connection.fetch(
        f"""
        SELECT id, clock_timestamp() AS now FROM pgstac.items WHERE {_COMPARABLE} AND id = ANY($6::text[])
            AND NOT EXISTS (
                SELECT FROM unnest($7::text[]) AS unread (native)
                WHERE items.id = native OR position(native IN items.content::text) > 0
            )
        """,  # noqa: S608 - a constant of this module
        window.source,
        window.collection,
        window.start,
        window.end,
        list(window.bbox) if window.bbox else None,
        [identifier for collection, identifier in keys if collection == window.collection],
        list(unread),
    )
    gone = [Deleted(row["id"], window.collection, "", row["now"], _REASON) for row in rows]
    return await delete_items(connection, window.source, gone, "reconcile") if gone else 0
