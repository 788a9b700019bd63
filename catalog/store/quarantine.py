"""Records that could not become an item, kept as the upstream gave them: counts, lists, and the way out."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

# Records that others are busy with are left to the next time.
_PURGE = """
    DELETE FROM kakehashi.quarantine WHERE (source, digest) IN (
        SELECT source, digest FROM kakehashi.quarantine
        WHERE source = $1 AND (last_seen, digest) > ($2, $3) AND last_seen < $4
            AND ($5::text IS NULL OR collection = $5) AND ($6::text IS NULL OR code = $6)
        ORDER BY last_seen, digest LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    RETURNING last_seen, digest
"""
# The counts are folded after so many thousands.
_FOLD_EVERY = 50
# One portion of records is read at once: so many, or so many bytes of them.
_PORTION = 500
_PORTION_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused record.

    Attributes:
        native: the record as the upstream gave it.
        code: short and stable, for counting.
        reason: one sentence for a person.
        kind: what it describes: `item`, `collection` or `tombstone`.
        asked_at: when the upstream was asked for it, by the clock of the database; None: it is not known.
    """

    native: str
    native_id: str | None
    collection: str | None
    code: str
    reason: str
    kind: str = "item"
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A refused record that is kept.

    Attributes:
        digest: of its text, by which it is found again.
        times_seen: how often it was refused.
    """

    digest: bytes
    record: Quarantined
    first_seen: datetime
    last_seen: datetime
    times_seen: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which records are meant.

    Attributes:
        collection: the upstream's or ours, as the record gave it; None: any.
        code: the reason's; None: any.
    """

    source: str
    collection: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """How many records of a source are held for one reason.

    Attributes:
        collection: as the records gave it; empty where they do not.
        last_seen: when the last one was refused, or later.
    """

    source: str
    collection: str
    code: str
    records: int
    last_seen: datetime


async def quarantine(connection: "Connection", source: str, records: Sequence[Quarantined]) -> None:
    """Keep refused records; one that is refused again is kept once, with its last reason."""
    latest = {_digest(record): record for record in records}
    if not latest:
        return
    kept = latest.values()
    await connection.execute(
        """
        INSERT INTO kakehashi.quarantine
            (source, digest, native_id, collection, code, reason, native, kind, asked_at)
        SELECT $1, * FROM unnest(
            $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[]
        )
        ON CONFLICT (source, digest) DO UPDATE SET
            code = excluded.code,
            reason = excluded.reason,
            last_seen = now(),
            asked_at = excluded.asked_at,
            times_seen = quarantine.times_seen + 1
        """,
        source,
        list(latest),
        [record.native_id for record in kept],
        [record.collection for record in kept],
        [record.code for record in kept],
        [record.reason for record in kept],
        [record.native for record in kept],
        [record.kind for record in kept],
        [record.asked_at for record in kept],
    )


async def count_quarantined(connection: "Connection") -> list[QuarantineCount]:
    """Return how many records are held, in a time that does not grow with their number."""
    rows = await connection.fetch(
        """
        SELECT source, collection, code, sum(records)::bigint AS records, max(last_seen) AS last_seen
        FROM (
            SELECT source, collection, code, records, last_seen FROM kakehashi.quarantine_count
            UNION ALL
            SELECT source, collection, code, records, last_seen FROM kakehashi.quarantine_change
        ) AS known
        GROUP BY source, collection, code HAVING sum(records) > 0 ORDER BY source, collection, code
        """
    )
    return [QuarantineCount(**dict(row)) for row in rows]


async def fold_quarantine_counts(connection: "Connection") -> None:
    """Add up what was added and taken out; one process at a time, others have nothing to do meanwhile."""
    async with connection.transaction():
        if not await connection.fetchval(
            "SELECT pg_try_advisory_xact_lock(hashtext('kakehashi quarantine'), 0)"
        ):
            return
        await connection.execute(
            """
            WITH taken AS (DELETE FROM kakehashi.quarantine_change RETURNING *)
            INSERT INTO kakehashi.quarantine_count AS known (source, collection, code, records, last_seen)
            SELECT source, collection, code, sum(records), max(last_seen) FROM taken GROUP BY 1, 2, 3
            ON CONFLICT (source, collection, code) DO UPDATE SET
                records = known.records + excluded.records,
                last_seen = greatest(known.last_seen, excluded.last_seen)
            """
        )
        await connection.execute("DELETE FROM kakehashi.quarantine_count WHERE records = 0")


async def held_records(connection: "Connection", choice: Choice) -> AsyncIterator[list[Held]]:
    """Yield the records that are held now, in portions that fit into memory; those refused last at the end.

    Records may be taken out, or refused again, between two portions; the latter do not come again.
    """
    until: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after: tuple[datetime, bytes] = (datetime.min.replace(tzinfo=UTC), b"")
    while portion := await _portion(connection, choice, after, until):
        yield [_held(row) for row in portion]
        after = (portion[-1]["last_seen"], portion[-1]["digest"])


async def release(connection: "Connection", source: str, digests: Sequence[bytes]) -> None:
    """Take records out that went through after all; call it in the transaction that commits their items."""
    await connection.execute(
        "DELETE FROM kakehashi.quarantine WHERE source = $1 AND digest = ANY ($2::bytea[])", source, digests
    )


async def purge(
    connection: "Connection", choice: Choice, older_than: timedelta, on_progress: Callable[[int], None]
) -> int:
    """Drop records that were refused last some time ago; return how many.

    A thousand at a time, each thousand in a transaction of its own, so that nobody waits for long: neither who
    refuses records nor who reads them.

    Args:
        connection: of the ingest role, in no transaction.
        choice: which records.
        older_than: since they were refused last.
        on_progress: told how many went so far.
    """
    before: datetime = await connection.fetchval("SELECT clock_timestamp() - $1::interval", older_than)
    after: tuple[datetime, bytes] = (datetime.min.replace(tzinfo=UTC), b"")
    gone = 0
    while True:
        rows = await connection.fetch(_PURGE, choice.source, *after, before, choice.collection, choice.code)
        if not rows:
            break
        # The index is not walked again from its beginning, where rows that just went may still stand.
        after = max((row["last_seen"], row["digest"]) for row in rows)
        gone += len(rows)
        on_progress(gone)
        if gone % (_FOLD_EVERY * len(rows)) == 0:
            await fold_quarantine_counts(connection)
    await fold_quarantine_counts(connection)
    return gone


def _digest(record: Quarantined) -> bytes:
    return hashlib.sha256(record.native.encode("utf-8", "surrogatepass")).digest()


async def _portion(
    connection: "Connection", choice: Choice, after: tuple[datetime, bytes], until: datetime
) -> list["asyncpg.Record"]:
    return await connection.fetch(
        """
        SELECT * FROM (
            SELECT *, sum(octet_length(native)) OVER w AS bytes, row_number() OVER w AS number
            FROM (
                SELECT * FROM kakehashi.quarantine
                WHERE source = $1 AND (last_seen, digest) > ($2, $3) AND last_seen <= $4
                    AND ($5::text IS NULL OR collection = $5) AND ($6::text IS NULL OR code = $6)
                ORDER BY last_seen, digest LIMIT $7
            ) AS next WINDOW w AS (ORDER BY last_seen, digest)
        ) AS weighed
        WHERE bytes <= $8 OR number = 1 ORDER BY last_seen, digest
        """,
        choice.source,
        *after,
        until,
        choice.collection,
        choice.code,
        _PORTION,
        _PORTION_BYTES,
    )


def _held(row: "asyncpg.Record") -> Held:
    record = Quarantined(
        native=row["native"],
        native_id=row["native_id"],
        collection=row["collection"],
        code=row["code"],
        reason=row["reason"],
        kind=row["kind"],
        asked_at=row["asked_at"],
    )
    return Held(row["digest"], record, row["first_seen"], row["last_seen"], row["times_seen"])
