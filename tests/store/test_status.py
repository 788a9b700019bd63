"""The status of the catalogue, against the same facts counted here."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from catalog.redact import without_secrets
from catalog.status import Changes, CollectionStatus, Status, Windows
from catalog.store.bookkeeping import finish_run, start_run
from catalog.store.quarantine import Quarantined, quarantine
from catalog.store.statistics import fold_changes
from catalog.store.status import read_status
from catalog.store.writer import upsert_collections, upsert_items, upsert_translations
from catalog.store.written import Written
from tests.store.items import collection, item

Connection = Any
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def owner(fresh_database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(
        fresh_database_url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    await upsert_collections(connection, [collection("a"), collection("b"), collection("c")])
    yield connection
    await connection.close()


@pytest.fixture
async def reader(fresh_database_url: str, owner: Connection) -> AsyncIterator[Connection]:
    session = {"role": "kakehashi_read", "search_path": "pgstac,public", "timezone": "UTC"}
    connection = await asyncpg.connect(
        fresh_database_url, server_settings=session | {"default_transaction_read_only": "on"}
    )
    yield connection
    await connection.close()


def row_of(status: Status, source: str | None, name: str) -> CollectionStatus:
    return next(row for row in status.collections if (row.source, row.collection) == (source, name))


async def window(connection: Connection, source: str, name: str, state: str, **more: Any) -> None:
    facts: dict[str, Any] = {
        "source": source,
        "collection": name,
        "kind": "backfill",
        "basis": "acquired",
        "window_start": NOW - timedelta(days=2),
        "window_end": NOW - timedelta(days=1),
        "state": state,
        **more,
    }
    names = ", ".join(facts)
    places = ", ".join(f"${number}" for number in range(1, len(facts) + 1))
    await connection.execute(
        f"INSERT INTO kakehashi.harvest_window ({names}) VALUES ({places})", *facts.values()
    )


async def test_an_empty_catalogue_has_a_status(reader: Connection):
    status = await read_status(reader)
    assert (status.items, status.items_exact, status.collections_total) == (0, True, 3)
    assert (status.newest, status.lag_s, status.quarantined) == (None, None, 0)
    assert status.sources == []
    assert [(row.source, row.collection, row.items) for row in status.collections] == [
        (None, "a", 0),
        (None, "b", 0),
        (None, "c", 0),
    ]


async def test_items_and_changes_are_those_that_were_written(owner: Connection, reader: Connection):
    def one(name: str, of: str, hours: int, source: str, gsd: int = 1) -> dict[str, Any]:
        moment = (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return item(of, name, moment, **{"harvest:source": source, "gsd": gsd})

    await upsert_items(
        owner, [one("x", "a", 50, "cdse"), one("y", "a", 30, "cdse"), one("z", "b", 2, "cdse")]
    )
    await fold_changes(owner)
    await upsert_items(owner, [one("y", "a", 30, "cdse", gsd=2), one("w", "a", 40, "eumetsat")])
    await upsert_items(owner, [one("later", "c", -9, "cds")])
    await upsert_translations(owner, "ja", {"b": {"title": "題名"}})
    status = await read_status(reader)
    assert (status.items, status.collections_total) == (5, 3)
    assert status.newest == NOW - timedelta(hours=2), "an item that is yet to begin is not the newest"
    assert status.lag_s is not None
    assert timedelta(hours=2) <= timedelta(seconds=status.lag_s) < timedelta(hours=3)
    assert status.today == Changes(inserted=5, updated=1)
    cdse, eumetsat = row_of(status, "cdse", "a"), row_of(status, "eumetsat", "a")
    assert (cdse.items, eumetsat.items) == (3, 3)
    assert cdse.newest == NOW - timedelta(hours=30)
    assert (cdse.today, eumetsat.today) == (Changes(inserted=2, updated=1), Changes(inserted=1))
    assert row_of(status, "cdse", "b").title == {"en": "b", "ja": "題名"}
    assert row_of(status, "cds", "c").lag_s == 0
    assert {source.source: source.today for source in status.sources} == {
        "cds": Changes(1),
        "cdse": Changes(3, 1),
        "eumetsat": Changes(1),
    }


async def test_changes_of_yesterday_are_not_of_today(owner: Connection, reader: Connection):
    await upsert_items(owner, [item("a", "x", **{"harvest:source": "cdse"})])
    await owner.execute("UPDATE kakehashi.item_change SET changed_at = now() - interval '1 day'")
    assert (await read_status(reader)).today == Changes()
    await fold_changes(owner)
    assert (await read_status(reader)).today == Changes()
    await upsert_items(owner, [item("a", "y", **{"harvest:source": "cdse"})])
    await fold_changes(owner)
    assert (await read_status(reader)).today == Changes(1)


async def test_windows_are_counted_as_they_stand(owner: Connection, reader: Connection):
    chance = random.Random(3)
    expected: dict[tuple[str, str], Windows] = {}
    await owner.execute(
        "INSERT INTO kakehashi.harvest_source (source, paused_until) VALUES ('cdse', now()), ('cmr', now() + interval '1 h')"
    )
    for number in range(80):
        source, name = chance.choice(["cdse", "cmr"]), chance.choice(["a", "b", "*"])
        state = chance.choice(["pending", "failed", "running", "done", "split", "refused"])
        is_planned, waits = chance.random() < 0.8, chance.random() < 0.3
        moment = NOW - timedelta(days=100 - number)
        await window(
            owner,
            source,
            name,
            state,
            window_start=moment,
            window_end=moment + timedelta(hours=1),
            is_planned=is_planned,
            not_before=NOW + timedelta(hours=1) if waits else NOW - timedelta(hours=1),
        )
        counts = expected.setdefault((source, name), Windows())
        if state in ("pending", "failed") and is_planned:
            counts.waiting += 1
            counts.due += not waits and source != "cmr"
            counts.failed += state == "failed"
        counts.running += state == "running"
        counts.refused += state == "refused"
    status = await read_status(reader)
    assert {
        (row.source, row.collection): row.windows for row in status.collections if row.source is not None
    } == {pair: counts for pair, counts in expected.items() if pair[1] != "*"}
    total = Windows()
    for counts in expected.values():
        total.add(counts)
    assert status.windows == total
    for source in status.sources:
        own = Windows()
        for (name, _), counts in expected.items():
            if name == source.source:
                own.add(counts)
        assert source.windows == own
    assert [source.paused_until is not None for source in status.sources] == [False, True]


async def test_the_last_window_and_the_last_count_of_the_upstream_are_told(
    owner: Connection, reader: Connection
):
    def span(days: int) -> dict[str, datetime]:
        return {"window_start": NOW - timedelta(days=days + 1), "window_end": NOW - timedelta(days=days)}

    told = {"upstream_count": 10, "records": 9, "inserted": 4, "updated": 1, "unchanged": 2, "refused": 2}
    await window(
        owner, "cdse", "a", "done", finished_at=NOW - timedelta(hours=3), **span(5), upstream_count=3
    )
    await window(owner, "cdse", "a", "done", finished_at=NOW - timedelta(hours=2), **span(4), **told)
    await window(owner, "cdse", "a", "done", finished_at=NOW - timedelta(hours=1), **span(3))
    await owner.execute(
        "INSERT INTO kakehashi.harvest_cursor VALUES ('cdse', 'a', 'changed', $1)", NOW - timedelta(minutes=5)
    )
    found = row_of(await read_status(reader), "cdse", "a")
    assert found.covered_until == NOW - timedelta(minutes=5)
    assert found.last_window is not None
    assert found.last_window.finished == NOW - timedelta(hours=1)
    assert found.comparison is not None
    assert (found.comparison.upstream, found.comparison.came) == (10, 9)
    assert (found.comparison.ours, found.comparison.refused) == (7, 2)
    assert found.comparison.end == NOW - timedelta(days=4)


async def test_failures_are_told_without_secrets(owner: Connection, reader: Connection):
    secret = "https://me:s3cret@example.org/x?access_token=abcdef12345&page=2: 503"
    await window(owner, "cdse", "a", "failed", last_error=secret, finished_at=NOW)
    await owner.execute(
        "INSERT INTO kakehashi.harvest_source (source, failures, last_error, failed_at) VALUES ('cdse', 3, $1, now())",
        secret,
    )
    number = await start_run(owner, "gportal", [], None, None)
    await finish_run(owner, number, pages=1, records=0, written=Written(), refused=0, error=secret)
    status = await read_status(reader)
    text = orjson.dumps(status).decode()
    assert "s3cret" not in text
    assert "abcdef12345" not in text
    row = row_of(status, "cdse", "a")
    assert row.last_error == "https://***@example.org/x?access_token=***&page=2: 503"
    assert row.last_error_at == NOW
    cdse, gportal = status.sources
    assert (cdse.failures, cdse.last_error) == (3, row.last_error)
    assert gportal.last_run is not None
    assert (gportal.last_run.state, gportal.last_run.error) == ("failed", row.last_error)


async def test_the_quarantine_is_counted_by_source_and_reason(owner: Connection, reader: Connection):
    await upsert_items(owner, [item("a", "x", **{"harvest:source": "cdse"})])
    records = [("cdse", "a", "no-geometry"), ("cdse", "a", "bad-datetime"), ("cdse", None, "no-geometry")]
    records += [("gportal", "10002019", "no-geometry")] * 3
    for number, (source, name, code) in enumerate(records):
        await quarantine(owner, source, [Quarantined(str(number), None, name, code, "!")])
    status = await read_status(reader)
    assert status.quarantined == 6
    assert [(one.source, one.code, one.records) for one in status.quarantine] == [
        ("cdse", "bad-datetime", 1),
        ("cdse", "no-geometry", 2),
        ("gportal", "no-geometry", 3),
    ]
    assert {source.source: source.quarantined for source in status.sources} == {"cdse": 3, "gportal": 3}
    assert row_of(status, "cdse", "a").quarantined == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:p@ss/w%3A@db.example/x is away", "postgresql://***@db.example/x is away"),
        ("https://example.org/a?token=abc&limit=3", "https://example.org/a?token=***&limit=3"),
        ('{"password": "hunter2", "page": 1}', '{"password": ***, "page": 1}'),
        ("host=db password='a b' user=me", "host=db password=*** user=me"),
        ("Authorization: Bearer eyJhbGciOi.abc", "Authorization: Bearer ***"),
        ("X-Amz-Signature=0123abcd", "X-Amz-Signature=***"),
        ("https://example.org/collections/a@b?page=2", "https://example.org/collections/a@b?page=2"),
        ("http://example.org:8080/collections/a@b", "http://example.org:8080/collections/a@b"),
        ("12 records of page 3 are gone", "12 records of page 3 are gone"),
    ],
)
def test_secrets_are_taken_out_of_texts(text: str, shown: str):
    assert without_secrets(text) == shown
