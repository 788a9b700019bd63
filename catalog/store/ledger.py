"""The ledger of the harvest: windows as units of work, from the plan until they are done.

A window goes from `pending` to `running` when a worker claims it, and to `done` in the transaction that
commits its last items. Every claim counts up `attempts`, and whoever writes for a window first makes sure
that the count is still the one of its own claim: a worker that was taken for dead, and is not, changes
nothing any more. All times are the database's, so that clocks of workers do not matter.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catalog import jsontext
from catalog.errors import StoreError
from catalog.store.cursors import move_cursor
from catalog.store.window import SET_ASIDE_AFTER, Claim, Counts, NewWindow

if TYPE_CHECKING:
    from catalog.store.connection import Connection

_LONGEST_ERROR = 2000

_CLAIMED = """
    id, source, collection, kind, basis, window_start, window_end, bbox, options::text AS options, priority,
    attempts, failures, started_at
"""


class WindowLost(StoreError):
    """Another worker has taken a window over; what this one would have written is rolled back."""


async def database_time(connection: "Connection") -> datetime:
    """Return the time of the database, which all windows go by."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def add_windows(connection: "Connection", windows: Sequence[NewWindow]) -> int:
    """Add windows; those that are there already stay as they are, but count as planned again.

    Returns:
        How many were new.
    """
    rows = await connection.fetch(
        """
        INSERT INTO kakehashi.harvest_window AS old
            (source, collection, kind, basis, window_start, window_end, bbox, priority, rank, options, not_before)
        SELECT source, collection, kind, basis, window_start, window_end,
            (SELECT array_agg(edge::double precision) FROM jsonb_array_elements_text(bbox) AS edge),
            priority, rank, options, clock_timestamp() + make_interval(secs => delay_s)
        FROM jsonb_to_recordset($1::jsonb) AS new (
            source text, collection text, kind text, basis text, window_start timestamptz,
            window_end timestamptz, bbox jsonb, priority int, rank double precision, options jsonb, delay_s double precision
        )
        ON CONFLICT (source, collection, kind, basis, bbox, window_start, window_end) DO UPDATE SET
            priority = excluded.priority, rank = excluded.rank, options = excluded.options, is_planned = true
        WHERE (old.priority, old.rank, old.options, old.is_planned)
            IS DISTINCT FROM (excluded.priority, excluded.rank, excluded.options, true)
        RETURNING xmax = 0 AS is_new
        """,
        jsontext.dumps([_row(window) for window in windows]).decode(),
    )
    return sum(row["is_new"] for row in rows)


async def claim(connection: "Connection", number: int, worker: str) -> Claim | None:
    """Take a window that is waiting; None if it is done, or another worker has it.

    Args:
        connection: of the ingest role.
        number: id of the window.
        worker: host and process, for people.
    """
    row = await connection.fetchrow(
        f"""
        UPDATE kakehashi.harvest_window SET
            state = 'running', attempts = attempts + 1, worker = $2, started_at = clock_timestamp(), finished_at = NULL
        WHERE id = $1 AND state IN ('pending', 'failed') AND is_planned AND not_before <= clock_timestamp()
        RETURNING {_CLAIMED}
        """,  # noqa: S608 - the one thing put in is a constant of this module
        number,
        worker,
    )
    if row is None:
        return None
    return Claim(
        id=row["id"],
        source=row["source"],
        collection=row["collection"],
        kind=row["kind"],
        basis=row["basis"],
        start=row["window_start"],
        end=row["window_end"],
        bbox=tuple(row["bbox"]) if row["bbox"] else None,
        options=jsontext.loads(row["options"]),
        priority=row["priority"],
        attempt=row["attempts"],
        failures=row["failures"],
        claimed_at=row["started_at"],
    )


async def hold(connection: "Connection", window: Claim) -> None:
    """Make sure that a window is still this worker's, and keep it so until the transaction ends.

    Raises:
        WindowLost: it is not.
    """
    is_ours = await connection.fetchval(
        "SELECT true FROM kakehashi.harvest_window WHERE id = $1 AND attempts = $2 AND state = 'running' FOR SHARE",
        window.id,
        window.attempt,
    )
    if not is_ours:
        raise WindowLost(f"window {window.id} was taken over by another worker")


async def finish(connection: "Connection", window: Claim, counts: Counts) -> None:
    """Record that a window is done, and move the cursor that it belongs to.

    To be called in the transaction that commits the last items.

    Raises:
        WindowLost: another worker has taken it over; the transaction must not commit.
    """
    await _end(connection, window, "done", counts)
    if window.kind in ("follow", "deletions"):
        await move_cursor(connection, window.scope, window.kind, window.basis)


async def refuse(connection: "Connection", window: Claim, counts: Counts, reason: str) -> None:
    """Record that a window was worked through, but that its result was not applied.

    Raises:
        WindowLost: another worker has taken it over.
    """
    await _end(connection, window, "refused", counts, reason)


async def fail(connection: "Connection", window: Claim, counts: Counts, reason: str, wait_s: float) -> bool:
    """Record that an attempt failed; the window waits for its next one, and is set aside if it is one too many.

    Args:
        connection: of the ingest role.
        window: claimed before; if another worker has taken it over, nothing happens.
        counts: of what was committed all the same.
        reason: one line.
        wait_s: seconds until it may be tried again.

    Returns:
        Whether it is set aside.
    """
    try:
        async with connection.transaction():
            await _end(connection, window, "failed", counts, reason)
            is_aside = await connection.fetchval(
                """
                UPDATE kakehashi.harvest_window SET
                    failures = failures + 1, not_before = clock_timestamp() + make_interval(secs => $2),
                    aside_since = CASE
                        WHEN kind IN ('follow', 'deletions') AND failures + 1 >= $3
                        THEN coalesce(aside_since, clock_timestamp())
                        ELSE aside_since
                    END
                WHERE id = $1 RETURNING aside_since IS NOT NULL
                """,
                window.id,
                wait_s,
                SET_ASIDE_AFTER,
            )
            if is_aside:
                await move_cursor(connection, window.scope, window.kind, window.basis)
    except WindowLost:
        return False
    return bool(is_aside)


async def release(connection: "Connection", window: Claim) -> None:
    """Give a window back that was not worked through because the worker was told to stop."""
    await connection.execute(
        """
        UPDATE kakehashi.harvest_window SET state = 'pending', finished_at = clock_timestamp()
        WHERE id = $1 AND attempts = $2 AND state = 'running'
        """,
        window.id,
        window.attempt,
    )


async def split(
    connection: "Connection", window: Claim, cuts: Sequence[datetime], upstream: int | None
) -> None:
    """Put several windows in the place of one that is too large.

    Args:
        connection: of the ingest role.
        window: claimed before.
        cuts: where to cut it, in order.
        upstream: how many records the upstream says it holds.

    Raises:
        WindowLost: another worker has taken it over.
    """
    edges = [window.start, *cuts, window.end]
    async with connection.transaction():
        await _end(connection, window, "split", Counts(upstream=upstream))
        await connection.execute(
            """
            INSERT INTO kakehashi.harvest_window
                (source, collection, kind, basis, window_start, window_end, bbox, priority, rank, options, parent,
                aside_since)
            SELECT source, collection, kind, basis, part_start, part_end, bbox, priority,
                -- A part keeps the place of the whole, and the order within it.
                rank + CASE WHEN rank < 0 THEN -1 ELSE 1 END * extract(epoch FROM part_start - window_start),
                options, id, aside_since
            FROM kakehashi.harvest_window, unnest($2::timestamptz[], $3::timestamptz[]) AS part (part_start, part_end)
            WHERE id = $1
            ON CONFLICT (source, collection, kind, basis, bbox, window_start, window_end) DO UPDATE SET
                state = 'pending', is_planned = true WHERE harvest_window.state <> 'running'
            """,
            window.id,
            edges[:-1],
            edges[1:],
        )


async def _end(
    connection: "Connection", window: Claim, state: str, counts: Counts, error: str | None = None
) -> None:
    status = await connection.execute(
        """
        UPDATE kakehashi.harvest_window SET
            state = $3, finished_at = clock_timestamp(), last_error = $4,
            failures = CASE $3 WHEN 'failed' THEN failures ELSE 0 END,
            aside_since = CASE WHEN $3 IN ('failed', 'split') THEN aside_since END,
            pages = $5, records = $6, inserted = $7, updated = $8, unchanged = $9, refused = $10, deleted = $11,
            upstream_count = $12
        WHERE id = $1 AND attempts = $2 AND state = 'running'
        """,
        window.id,
        window.attempt,
        state,
        error[:_LONGEST_ERROR] if error else None,
        counts.pages,
        counts.records,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.refused,
        counts.deleted,
        counts.upstream,
    )
    if status != "UPDATE 1":
        raise WindowLost(f"window {window.id} was taken over by another worker")


def _row(window: NewWindow) -> dict[str, Any]:
    return {
        "source": window.source,
        "collection": window.collection,
        "kind": window.kind,
        "basis": window.basis,
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
        "bbox": list(window.bbox) if window.bbox else None,
        "priority": window.priority,
        "rank": window.rank,
        "options": window.options,
        "delay_s": window.delay_s,
    }
