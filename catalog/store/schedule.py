"""Which windows there are to be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from catalog.store.window import Basis, Kind, Scope

if TYPE_CHECKING:
    from catalog.store.connection import Connection

Span = tuple[datetime, datetime]


async def uncovered(
    connection: "Connection", scope: Scope, kind: Kind, span: Span, unit: timedelta
) -> list[Span]:
    """Return slices of a span for which a scope has no window yet, the newest first.

    Slices end at multiples of the unit since 1970, so that they are the same whenever they are asked for.

    Args:
        connection: of the ingest role.
        scope: source, collection, box.
        kind: of window.
        span: start and end.
        unit: length of a slice.
    """
    source, collection, bbox = scope
    rows = await connection.fetch(
        """
        WITH gaps AS (
            SELECT unnest(
                tstzmultirange(tstzrange($5, $6)) - coalesce(range_agg(tstzrange(window_start, window_end)), '{}')
            ) AS gap
            FROM kakehashi.harvest_window
            WHERE source = $1 AND collection = $2 AND bbox IS NOT DISTINCT FROM $3::double precision[] AND kind = $4
        )
        SELECT greatest(cut, lower(gap)) AS start, least(cut + $7::interval, upper(gap)) AS end
        FROM gaps, generate_series(
            date_bin($7::interval, lower(gap), '1970-01-01Z'), upper(gap) - interval '1 microsecond', $7::interval
        ) AS cut
        ORDER BY cut DESC
        """,
        source,
        collection,
        list(bbox) if bbox else None,
        kind,
        *span,
        unit,
    )
    return [(row["start"], row["end"]) for row in rows]


async def backfill_end(connection: "Connection", scope: Scope) -> datetime | None:
    """Return where the past ends that a scope is filled with; None if it has no window yet."""
    source, collection, bbox = scope
    found: datetime | None = await connection.fetchval(
        """
        SELECT max(window_end) FROM kakehashi.harvest_window
        WHERE source = $1 AND collection = $2 AND bbox IS NOT DISTINCT FROM $3::double precision[]
            AND kind = 'backfill'
        """,
        source,
        collection,
        list(bbox) if bbox else None,
    )
    return found


async def follows_since(
    connection: "Connection", scope: Scope, kind: Kind, basis: Basis, every: timedelta
) -> datetime | None:
    """Return from when on the present is to be asked for now; None if that is not due.

    It is due when the last time is `every` ago and nothing of it is still open, but for what is set aside.
    """
    source, collection, bbox = scope
    found: datetime | None = await connection.fetchval(
        """
        SELECT until FROM kakehashi.harvest_cursor AS cursor
        WHERE source = $1 AND collection = $2 AND basis = $4 AND bbox IS NOT DISTINCT FROM $6::double precision[]
            AND until <= clock_timestamp() - $5::interval
            AND NOT EXISTS (
                SELECT FROM kakehashi.harvest_window
                WHERE source = $1 AND collection = $2 AND kind = $3 AND is_planned
                    AND bbox IS NOT DISTINCT FROM $6::double precision[]
                    AND state IN ('pending', 'running', 'failed') AND aside_since IS NULL
            )
        """,
        source,
        collection,
        kind,
        basis,
        every,
        bbox,
    )
    return found


async def without_aside(connection: "Connection", scope: Scope, kind: Kind, span: Span) -> list[Span]:
    """Return what is left of a span without the windows that are set aside, the oldest part first.

    Those are tried by themselves; a window that covers one of them again would fail as it does.
    """
    source, collection, bbox = scope
    rows = await connection.fetch(
        """
        SELECT lower(part) AS start, upper(part) AS end FROM (
            SELECT unnest(
                tstzmultirange(tstzrange($5, $6)) - coalesce(range_agg(tstzrange(window_start, window_end)), '{}')
            ) AS part
            FROM kakehashi.harvest_window
            WHERE source = $1 AND collection = $2 AND bbox IS NOT DISTINCT FROM $3::double precision[] AND kind = $4
                AND aside_since IS NOT NULL AND state IN ('pending', 'running', 'failed') AND is_planned
        ) AS left_over ORDER BY 1
        """,
        source,
        collection,
        list(bbox) if bbox else None,
        kind,
        *span,
    )
    return [(row["start"], row["end"]) for row in rows]


async def rearm(connection: "Connection", scope: Scope, kind: Kind, every: timedelta) -> int:
    """Make windows that were worked through some time ago wait again; return how many."""
    source, collection, bbox = scope
    status = await connection.execute(
        """
        UPDATE kakehashi.harvest_window SET state = 'pending', is_planned = true
        WHERE source = $1 AND collection = $2 AND bbox IS NOT DISTINCT FROM $3::double precision[] AND kind = $4
            AND state IN ('done', 'refused') AND finished_at <= clock_timestamp() - $5::interval
        """,
        source,
        collection,
        list(bbox) if bbox else None,
        kind,
        every,
    )
    return int(status.rsplit(" ", 1)[1])


async def keep_planned(connection: "Connection", scopes: Sequence[Scope]) -> int:
    """Put windows aside whose scope is none of the given ones, and take up again those whose is.

    Returns:
        How many windows were put aside.
    """
    rows = await connection.fetch(
        """
        WITH planned AS (
            SELECT source, collection, CASE WHEN is_everywhere THEN NULL ELSE ARRAY[west, south, east, north] END AS bbox
            FROM unnest($1::text[], $2::text[], $3::boolean[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
                AS given (source, collection, is_everywhere, west, south, east, north)
        ), judged AS (
            SELECT id, EXISTS (
                SELECT FROM planned
                WHERE planned.source = harvest_window.source AND planned.collection = harvest_window.collection
                    AND (planned.bbox IS NOT DISTINCT FROM harvest_window.bbox OR kind = 'deletions')
            ) AS is_planned
            FROM kakehashi.harvest_window
            WHERE state IN ('pending', 'failed')
        )
        UPDATE kakehashi.harvest_window SET is_planned = judged.is_planned
        FROM judged
        WHERE judged.id = harvest_window.id AND judged.is_planned <> harvest_window.is_planned
        RETURNING harvest_window.is_planned
        """,
        [source for source, _, _ in scopes],
        [collection for _, collection, _ in scopes],
        [bbox is None for _, _, bbox in scopes],
        *([bbox[edge] if bbox else 0.0 for _, _, bbox in scopes] for edge in range(4)),
    )
    return sum(not row["is_planned"] for row in rows)


async def forget(connection: "Connection", older_than: timedelta) -> int:
    """Delete the windows by which the present was followed long ago; return how many.

    Up to when it was followed, the cursor says. Those of the past and of comparisons stay: they say what is done.
    """
    status = await connection.execute(
        """
        DELETE FROM kakehashi.harvest_window
        WHERE kind IN ('follow', 'deletions') AND state IN ('done', 'split')
            AND finished_at < clock_timestamp() - $1::interval
        """,
        older_than,
    )
    return int(status.rsplit(" ", 1)[1])


async def may_plan(connection: "Connection") -> bool:
    """Take the right to plan until the transaction ends; False if another process has it."""
    has_it: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtext('kakehashi plan'), 0)"
    )
    return has_it
