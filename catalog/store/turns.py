"""Which windows come next, and how far the harvest is."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from catalog.store.cursors import move_cursor
from catalog.store.window import SET_ASIDE_AFTER

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

# Of so many turns, one goes to what is not of the present.
_TURNS = 8


@dataclass(frozen=True, slots=True)
class Next:
    """A window whose turn it is.

    Attributes:
        lane: one of the upstream's places for a window, from 0.
    """

    window: int
    collection: str
    lane: int
    priority: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the harvest is.

    Attributes:
        waiting: windows that are not done yet, whether due or not.
        due: of these, the ones that may be tried now.
        failed: of these, the ones whose last attempt failed.
        done: windows that were done since some time.
        items: items that were written or found unchanged in these.
    """

    waiting: int
    due: int
    running: int
    failed: int
    done: int
    items: int


async def choose(connection: "Connection", source: str, finished: int | None = None) -> list[Next]:
    """Return the windows of an upstream whose turn it is: one for each of its lanes that is free.

    The highest priority comes first; one turn in eight goes to what waits behind the present, so that an
    upstream with more news than can be followed does not keep the past from being filled for ever.

    To be called in a transaction, in which no other process chooses for the same upstream; the windows
    count as chosen when their jobs are in the queue.

    Args:
        connection: of the ingest role.
        source: the upstream.
        finished: a window that was just worked through, whose job is about to leave the queue.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('kakehashi choose'), hashtext($1))", source
    )
    manners = await connection.fetchrow(
        """
        SELECT concurrency, is_serial FROM kakehashi.harvest_source
        WHERE source = $1 AND paused_until <= clock_timestamp()
        """,
        source,
    )
    if manners is None:
        return []
    queued = await connection.fetch(
        """
        SELECT (args ->> 'window')::bigint AS window, (args ->> 'lane')::int AS lane, args ->> 'collection' AS collection
        FROM kakehashi.procrastinate_jobs
        WHERE status IN ('todo', 'doing') AND queue_name = $1 AND (args ->> 'window')::bigint IS DISTINCT FROM $2
        """,
        source,
        finished,
    )
    free = sorted(set(range(manners["concurrency"])) - {row["lane"] for row in queued})
    taken = [row["window"] for row in queued] + ([finished] if finished is not None else [])
    busy = [row["collection"] for row in queued] if manners["is_serial"] else []
    chosen: list[Next] = []
    for lane in free:
        is_for_the_past = random.randrange(_TURNS) == 0  # noqa: S311 - no secret
        row = await _first(connection, source, taken, busy, beside_the_present=is_for_the_past)
        if row is None and is_for_the_past:
            row = await _first(connection, source, taken, busy)
        if row is None:
            break
        chosen.append(Next(row["id"], row["collection"], lane, row["priority"]))
        taken.append(row["id"])
        if manners["is_serial"]:
            busy.append(row["collection"])
    return chosen


async def _first(
    connection: "Connection",
    source: str,
    taken: Sequence[int],
    busy: Sequence[str],
    *,
    beside_the_present: bool = False,
) -> "asyncpg.Record | None":
    return await connection.fetchrow(
        """
        SELECT id, collection, priority FROM kakehashi.harvest_window
        WHERE source = $1 AND state IN ('pending', 'failed') AND is_planned AND not_before <= clock_timestamp()
            AND id <> ALL($2::bigint[]) AND collection <> ALL($3::text[]) AND (kind <> 'follow' OR NOT $4)
        ORDER BY priority DESC, rank DESC LIMIT 1
        """,
        source,
        taken,
        busy,
        beside_the_present,
    )


async def recover(connection: "Connection") -> int:
    """Make windows wait again whose worker is gone: they run, but no job in the queue is for them.

    That counts as a failure, since a window may take its worker down each time, say for want of memory. From the
    fourth in a row on it waits longer each time (a database that restarts a few times costs none), and in the
    end it is set aside like any other.
    """
    rows = await connection.fetch(
        """
        UPDATE kakehashi.harvest_window SET
            state = 'pending', failures = failures + 1, last_error = 'the worker that had it is gone',
            finished_at = clock_timestamp(),
            not_before = clock_timestamp()
                + CASE WHEN failures < 3 THEN 0 ELSE least(2 ^ (failures - 3), 360) END * interval '1 minute',
            aside_since = CASE
                WHEN kind IN ('follow', 'deletions') AND failures + 1 >= $1 THEN coalesce(aside_since, clock_timestamp())
                ELSE aside_since
            END
        WHERE state = 'running' AND NOT EXISTS (
            SELECT FROM kakehashi.procrastinate_jobs
            WHERE status IN ('todo', 'doing') AND args @> jsonb_build_object('window', harvest_window.id)
        )
        RETURNING source, collection, bbox, kind, basis, aside_since IS NOT NULL AS is_aside
        """,
        SET_ASIDE_AFTER,
    )
    for row in rows:
        if row["is_aside"]:
            bbox = tuple(row["bbox"]) if row["bbox"] else None
            await move_cursor(connection, (row["source"], row["collection"], bbox), row["kind"], row["basis"])
    return len(rows)


async def sources_with_work(connection: "Connection") -> list[str]:
    """Return the upstreams of which a window is due."""
    rows = await connection.fetch(
        """
        SELECT source FROM kakehashi.harvest_source
        WHERE paused_until <= clock_timestamp() AND EXISTS (
            SELECT FROM kakehashi.harvest_window
            WHERE harvest_window.source = harvest_source.source AND state IN ('pending', 'failed')
                AND is_planned AND not_before <= clock_timestamp()
        )
        ORDER BY source
        """
    )
    return [row["source"] for row in rows]


async def progress(connection: "Connection", since: datetime) -> Progress:
    """Count windows, those that were done since a time apart."""
    row = await connection.fetchrow(
        """
        SELECT
            count(*) FILTER (WHERE state IN ('pending', 'failed') AND is_planned) AS waiting,
            count(*) FILTER (WHERE state IN ('pending', 'failed') AND is_planned AND not_before <= clock_timestamp()
                AND source IN (
                    SELECT source FROM kakehashi.harvest_source WHERE paused_until <= clock_timestamp()
                )) AS due,
            count(*) FILTER (WHERE state = 'running') AS running,
            count(*) FILTER (WHERE state = 'failed' AND is_planned) AS failed,
            count(*) FILTER (WHERE state IN ('done', 'refused') AND finished_at >= $1) AS done,
            coalesce(sum(inserted + updated + unchanged) FILTER (
                WHERE state IN ('done', 'refused') AND finished_at >= $1
            ), 0)::bigint AS items
        FROM kakehashi.harvest_window
        WHERE state IN ('pending', 'failed', 'running') OR finished_at >= $1
        """,
        since,
    )
    if row is None:
        raise AssertionError("a count without groups has one row")
    return Progress(**dict(row))
