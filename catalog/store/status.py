"""Reading how fresh and how complete the catalogue is, in a time that does not grow with it. Writes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalog.redact import without_secrets
from catalog.status import (
    VERSION,
    Changes,
    CollectionStatus,
    Comparison,
    Refusals,
    Run,
    SourceStatus,
    Status,
    Window,
    Windows,
)
from catalog.store.figures import Figures, read_figures
from catalog.store.quarantine import QuarantineCount, count_quarantined
from catalog.store.window import EVERYTHING

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

Pair = tuple[str, str]

# Every source and collection that has to do with each other. Windows that are done, of which there may be
# millions, are never gone through: whoever has one has a cursor or items.
_PAIRS = """
    SELECT source, collection FROM kakehashi.harvest_cursor
    UNION SELECT source, collection FROM kakehashi.source_activity
    UNION SELECT source, collection FROM kakehashi.item_change
    UNION SELECT source, collection FROM kakehashi.harvest_window WHERE state IN ('pending', 'failed') AND is_planned
    UNION SELECT source, collection FROM kakehashi.harvest_window WHERE state = 'running'
    UNION SELECT source, collection FROM kakehashi.harvest_window WHERE state = 'refused'
"""
# Of an upstream that tells its counts, one of the last windows has one.
_LOOK_BACK = 20
_HARVESTED = f"""
    SELECT pairs.source, pairs.collection, cursors.until,
        last.kind, last.window_start, last.window_end, last.finished_at,
        told.window_start AS told_start, told.window_end AS told_end, told.upstream_count, told.records,
        told.ours, told.refused, told.finished_at AS told_at
    FROM ({_PAIRS}) AS pairs
    LEFT JOIN LATERAL (
        SELECT max(until) AS until FROM kakehashi.harvest_cursor AS one
        WHERE one.source = pairs.source AND one.collection = pairs.collection AND basis <> 'deleted'
    ) AS cursors ON true
    LEFT JOIN LATERAL (
        SELECT * FROM kakehashi.harvest_window AS one
        WHERE one.source = pairs.source AND one.collection = pairs.collection AND state = 'done'
        ORDER BY finished_at DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT window_start, window_end, upstream_count, records, inserted + updated + unchanged AS ours, refused, finished_at
        FROM (
            SELECT * FROM kakehashi.harvest_window AS one
            WHERE one.source = pairs.source AND one.collection = pairs.collection AND state = 'done'
            ORDER BY finished_at DESC LIMIT {_LOOK_BACK}
        ) AS lately
        WHERE upstream_count IS NOT NULL ORDER BY finished_at DESC LIMIT 1
    ) AS told ON true
"""  # noqa: S608 - its parts are constants
_OPEN_WINDOWS = """
    SELECT source, collection,
        count(*) FILTER (WHERE state IN ('pending', 'failed')) AS waiting,
        count(*) FILTER (WHERE state IN ('pending', 'failed') AND not_before <= clock_timestamp()
            AND source NOT IN (
                SELECT source FROM kakehashi.harvest_source WHERE paused_until > clock_timestamp()
            )) AS due,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state <> 'refused' AND aside_since IS NOT NULL) AS aside,
        count(*) FILTER (WHERE state = 'refused') AS refused,
        (array_agg(last_error ORDER BY finished_at DESC NULLS LAST)
            FILTER (WHERE state IN ('failed', 'refused')))[1] AS last_error,
        max(finished_at) FILTER (WHERE state IN ('failed', 'refused')) AS last_error_at
    FROM (
        SELECT * FROM kakehashi.harvest_window WHERE state IN ('pending', 'failed') AND is_planned
        UNION ALL SELECT * FROM kakehashi.harvest_window WHERE state = 'running'
        UNION ALL SELECT * FROM kakehashi.harvest_window WHERE state = 'refused'
    ) AS open
    GROUP BY source, collection
"""
_TODAY = """
    SELECT source, collection, sum(inserted)::bigint AS inserted, sum(updated)::bigint AS updated,
        sum(deleted)::bigint AS deleted
    FROM (
        SELECT source, collection, inserted, updated, deleted FROM kakehashi.source_activity
        WHERE day = (now() AT TIME ZONE 'UTC')::date
        UNION ALL
        SELECT source, collection, inserted, updated, deleted FROM kakehashi.item_change
        WHERE (changed_at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date
    ) AS written
    GROUP BY source, collection
"""
_SOURCES = """
    SELECT source, failures, last_error, failed_at, succeeded_at,
        CASE WHEN paused_until > clock_timestamp() THEN paused_until END AS paused_until
    FROM kakehashi.harvest_source
"""
_RUNS = """
    SELECT known.source, last.* FROM (
        WITH RECURSIVE each AS (
            (SELECT source FROM kakehashi.run ORDER BY source LIMIT 1)
            UNION ALL
            SELECT (SELECT run.source FROM kakehashi.run WHERE run.source > each.source ORDER BY run.source LIMIT 1)
            FROM each WHERE each.source IS NOT NULL
        )
        SELECT source FROM each WHERE source IS NOT NULL
    ) AS known
    CROSS JOIN LATERAL (
        SELECT started, finished, state, error FROM kakehashi.run
        WHERE run.source = known.source ORDER BY started DESC LIMIT 1
    ) AS last
"""
_TITLES = """
    SELECT id, collections.content ->> 'title' AS en, translation.content ->> 'title' AS ja
    FROM pgstac.collections
    LEFT JOIN kakehashi.collection_translation AS translation
        ON translation.collection = collections.id AND translation.language = 'ja'
"""


async def read_status(connection: "Connection") -> Status:
    """Return how fresh and how complete the catalogue is.

    Args:
        connection: of the read role.
    """
    figures = {found.collection: found for found in await read_figures(connection)}
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    titles = {
        row["id"]: {language: row[language] for language in ("en", "ja") if row[language]}
        for row in await connection.fetch(_TITLES)
    }
    held = await count_quarantined(connection)
    rows: dict[Pair, CollectionStatus] = {}
    for harvested in await connection.fetch(_HARVESTED):
        rows[harvested["source"], harvested["collection"]] = _harvested(harvested)
    for opened in await connection.fetch(_OPEN_WINDOWS):
        # What began since the statement before is told the next time.
        if (opened["source"], opened["collection"]) in rows:
            _put_windows(rows[opened["source"], opened["collection"]], opened)
    for written in await connection.fetch(_TODAY):
        one = rows.get((written["source"], written["collection"]))
        if one is not None:
            one.today = Changes(written["inserted"], written["updated"], written["deleted"])
    sources = await _read_sources(connection)
    _add_up(sources, rows, held)
    _put_figures(rows, figures, titles, now)
    return _document(now, figures, held, sources, rows)


async def _read_sources(connection: "Connection") -> dict[str, SourceStatus]:
    found: dict[str, SourceStatus] = {}
    for row in await connection.fetch(_SOURCES):
        found[row["source"]] = SourceStatus(
            source=row["source"],
            last_success=row["succeeded_at"],
            failures=row["failures"],
            paused_until=row["paused_until"],
            last_error=_told(row["last_error"]),
            last_error_at=row["failed_at"] if row["last_error"] else None,
        )
    for row in await connection.fetch(_RUNS):
        source = found.setdefault(row["source"], SourceStatus(row["source"]))
        source.last_run = Run(row["started"], row["finished"], row["state"], _told(row["error"]))
    return found


def _harvested(row: "asyncpg.Record") -> CollectionStatus:
    found = CollectionStatus(row["source"] or None, row["collection"], covered_until=row["until"])
    if row["kind"] is not None:
        found.last_window = Window(row["kind"], row["window_start"], row["window_end"], row["finished_at"])
    if row["upstream_count"] is not None:
        found.comparison = Comparison(
            row["told_start"],
            row["told_end"],
            row["upstream_count"],
            row["records"],
            row["ours"],
            row["refused"],
            row["told_at"],
        )
    return found


def _put_windows(status: CollectionStatus, row: "asyncpg.Record") -> None:
    status.windows = Windows(
        row["waiting"], row["due"], row["running"], row["failed"], row["aside"], row["refused"]
    )
    status.last_error, status.last_error_at = _told(row["last_error"]), row["last_error_at"]


def _add_up(
    sources: dict[str, SourceStatus],
    rows: Mapping[Pair, CollectionStatus],
    held: list[QuarantineCount],
) -> None:
    """Bring what is known of collections to their sources."""
    for (name, _), row in rows.items():
        if name:
            source = sources.setdefault(name, SourceStatus(name))
            source.today.add(row.today)
            source.windows.add(row.windows)
    for count in held:
        sources.setdefault(count.source, SourceStatus(count.source)).quarantined += count.records
        one = rows.get((count.source, count.collection))
        if one is not None:
            one.quarantined += count.records


def _put_figures(
    rows: dict[Pair, CollectionStatus],
    figures: Mapping[str, Figures],
    titles: Mapping[str, dict[str, str]],
    now: datetime,
) -> None:
    """Put in what the collections hold, those of no source among them."""
    fed = {collection for _, collection in rows}
    for name in figures.keys() - fed:
        rows["", name] = CollectionStatus(None, name)
    for row in rows.values():
        row.title = titles.get(row.collection, {})
        found = figures.get(row.collection)
        if found is not None:
            row.items, row.items_exact = found.items, found.is_exact
            row.newest, row.changed = found.newest, found.changed_at
            row.lag_s = _lag(found.newest, now)


def _document(
    now: datetime,
    figures: Mapping[str, Figures],
    held: list[QuarantineCount],
    sources: Mapping[str, SourceStatus],
    rows: Mapping[Pair, CollectionStatus],
) -> Status:
    today, windows, quarantine = Changes(), Windows(), dict[Pair, Refusals]()
    for row in rows.values():
        today.add(row.today)
        windows.add(row.windows)
    for count in held:
        fresh = Refusals(count.source, count.code, 0, count.last_seen)
        one = quarantine.setdefault((count.source, count.code), fresh)
        one.records += count.records
        one.last_seen = max(one.last_seen, count.last_seen)
    begun = [found.newest for found in figures.values() if found.newest and found.newest <= now]
    newest = max(begun, default=None)
    return Status(
        version=VERSION,
        generated=now.astimezone(UTC),
        items=sum(found.items for found in figures.values()),
        items_exact=all(found.is_exact for found in figures.values()),
        collections_total=len(figures),
        newest=newest,
        lag_s=_lag(newest, now),
        today=today,
        windows=windows,
        quarantined=sum(count.records for count in held),
        quarantine=[quarantine[key] for key in sorted(quarantine)],
        sources=[sources[name] for name in sorted(sources)],
        # What is asked for as a whole is told with its source.
        collections=[rows[pair] for pair in sorted(rows) if pair[1] != EVERYTHING],
    )


def _lag(newest: datetime | None, now: datetime) -> int | None:
    """Return whole seconds since an item began; 0 for one that is yet to begin, such as a forecast."""
    return None if newest is None else max(0, int((now - newest).total_seconds()))


def _told(error: str | None) -> str | None:
    return None if error is None else without_secrets(error)
