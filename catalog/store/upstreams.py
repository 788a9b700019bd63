"""How all workers together treat one upstream: a pace of requests, pauses, and how many windows at once.

One row per upstream hands out the moments at which requests may start. Whoever wants to ask takes the
next one and waits for it; so the pace holds whatever the number of workers and machines, and costs one
small statement per request.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Manners:
    """What an upstream is owed.

    Attributes:
        concurrency: windows at once, over all workers.
        min_interval_s: least time in seconds between the starts of two requests, over all workers.
        is_serial: whether a collection is asked for by one worker at a time.
    """

    concurrency: int = 1
    min_interval_s: float = 0.0
    is_serial: bool = True


async def set_manners(connection: "Connection", source: str, manners: Manners) -> None:
    """Record how an upstream is to be treated, for all workers."""
    await connection.execute(
        """
        INSERT INTO kakehashi.harvest_source AS old (source, concurrency, min_interval_s, is_serial)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (source) DO UPDATE SET
            concurrency = excluded.concurrency, min_interval_s = excluded.min_interval_s, is_serial = excluded.is_serial
        WHERE (old.concurrency, old.min_interval_s, old.is_serial)
            IS DISTINCT FROM (excluded.concurrency, excluded.min_interval_s, excluded.is_serial)
        """,
        source,
        manners.concurrency,
        manners.min_interval_s,
        manners.is_serial,
    )


async def next_turn(connection: "Connection", source: str) -> float:
    """Take the next moment at which a request to an upstream may start; return the seconds until then."""
    seconds: float | None = await connection.fetchval(
        """
        UPDATE kakehashi.harvest_source
        SET next_request = greatest(next_request, clock_timestamp()) + make_interval(secs => min_interval_s)
        WHERE source = $1
        RETURNING extract(epoch FROM next_request - clock_timestamp()) - min_interval_s
        """,
        source,
    )
    return max(0.0, float(seconds or 0.0))


async def hold_back(connection: "Connection", source: str, seconds: float) -> None:
    """Let no request to an upstream start for some time, because it asked for that."""
    await connection.execute(
        """
        UPDATE kakehashi.harvest_source
        SET next_request = greatest(next_request, clock_timestamp() + make_interval(secs => $2))
        WHERE source = $1
        """,
        source,
        seconds,
    )


async def note_success(connection: "Connection", source: str) -> None:
    """Record that an upstream gave what was asked; ends a pause."""
    await connection.execute(
        """
        UPDATE kakehashi.harvest_source
        SET failures = 0, paused_until = least(paused_until, clock_timestamp()), last_error = NULL,
            succeeded_at = clock_timestamp()
        WHERE source = $1
            AND (failures > 0 OR succeeded_at IS NULL OR succeeded_at < clock_timestamp() - interval '5 seconds')
        """,
        source,
    )


async def failures_of(connection: "Connection", source: str) -> int:
    """Return how often an upstream failed since it last gave what was asked."""
    found: int | None = await connection.fetchval(
        "SELECT failures FROM kakehashi.harvest_source WHERE source = $1", source
    )
    return found or 0


async def note_failure(connection: "Connection", source: str, reason: str, pause_s: float) -> None:
    """Record that an upstream could not be had, and begin no window of it for some time."""
    await connection.execute(
        """
        UPDATE kakehashi.harvest_source
        SET failures = failures + 1, last_error = $2, failed_at = clock_timestamp(),
            paused_until = greatest(paused_until, clock_timestamp() + make_interval(secs => $3))
        WHERE source = $1
        """,
        source,
        reason,
        pause_s,
    )


async def paused_until(connection: "Connection", source: str) -> datetime | None:
    """Return the time before which no window of an upstream is begun, None if that is over."""
    found: datetime | None = await connection.fetchval(
        """
        SELECT paused_until FROM kakehashi.harvest_source
        WHERE source = $1 AND paused_until > clock_timestamp()
        """,
        source,
    )
    return found
