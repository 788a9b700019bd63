"""Cursors: up to when the present of a source, a collection and a box is followed. All times are the database's."""

from datetime import datetime
from typing import TYPE_CHECKING

from catalog.store.window import Basis, Kind, Scope

if TYPE_CHECKING:
    from catalog.store.connection import Connection


async def start_cursor(connection: "Connection", scope: Scope, basis: Basis, until: datetime) -> None:
    """Begin to follow the present at a time, unless it is followed already."""
    source, collection, bbox = scope
    await connection.execute(
        """
        INSERT INTO kakehashi.harvest_cursor (source, collection, basis, bbox, until) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        source,
        collection,
        basis,
        bbox,
        until,
    )


async def move_cursor(connection: "Connection", scope: Scope, kind: Kind, basis: Basis) -> None:
    """Move a cursor to where everything before is done: the first open window, or the end of the last.

    What is set aside holds nothing up: the ledger keeps it, and it is tried until it is done.
    """
    source, collection, bbox = scope
    await connection.execute(
        """
        INSERT INTO kakehashi.harvest_cursor AS old (source, collection, basis, bbox, until)
        SELECT $1, $2, $3, $5::double precision[], coalesce(
            min(window_start) FILTER (WHERE state IN ('pending', 'running', 'failed') AND aside_since IS NULL),
            max(window_end) FILTER (WHERE state = 'done' OR aside_since IS NOT NULL)
        )
        FROM kakehashi.harvest_window
        WHERE source = $1 AND collection = $2 AND basis = $3 AND kind = $4 AND is_planned
            AND bbox IS NOT DISTINCT FROM $5::double precision[]
        ON CONFLICT (source, collection, basis, bbox) DO UPDATE SET
            until = greatest(old.until, excluded.until), moved_at = clock_timestamp()
        """,
        source,
        collection,
        basis,
        kind,
        bbox,
    )
