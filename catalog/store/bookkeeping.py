"""Records of what was run and what was loaded from files of ours."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.store.connection import Connection
    from catalog.store.written import Written


async def start_run(
    connection: "Connection",
    source: str,
    collections: Sequence[str],
    start: datetime | None,
    end: datetime | None,
) -> int:
    """Record that a run begins; return its number."""
    number: int = await connection.fetchval(
        """
        INSERT INTO kakehashi.run (source, collections, window_start, window_end)
        VALUES ($1, $2, $3, $4) RETURNING id
        """,
        source,
        list(collections) or None,
        start,
        end,
    )
    return number


async def finish_run(
    connection: "Connection",
    number: int,
    *,
    pages: int,
    records: int,
    written: "Written",
    refused: int,
    error: str | None,
) -> None:
    """Record how a run ended; `error` is None when it went through."""
    await connection.execute(
        """
        UPDATE kakehashi.run SET
            finished = now(), state = CASE WHEN $8::text IS NULL THEN 'done' ELSE 'failed' END,
            pages = $2, records = $3, inserted = $4, updated = $5, unchanged = $6, refused = $7, error = $8
        WHERE id = $1
        """,
        number,
        pages,
        records,
        written.inserted,
        written.updated,
        written.unchanged,
        refused,
        error,
    )


async def fingerprint_of(connection: "Connection", name: str) -> str | None:
    """Return the fingerprint under which something was loaded last, None if it never was."""
    found: str | None = await connection.fetchval(
        "SELECT fingerprint FROM kakehashi.loaded WHERE name = $1", name
    )
    return found


async def remember_fingerprint(connection: "Connection", name: str, fingerprint: str) -> None:
    """Record that something was loaded in the form that the fingerprint tells."""
    await connection.execute(
        """
        INSERT INTO kakehashi.loaded (name, fingerprint) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, loaded_at = now()
        """,
        name,
        fingerprint,
    )
