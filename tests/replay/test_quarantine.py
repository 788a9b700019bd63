"""Refused records: counted, listed, tried again after a fix, and gone when they went through."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import ingest.sources.cdse as cdse
from catalog.errors import RecordRefused
from catalog.store.quarantine import (
    Choice,
    Quarantined,
    count_quarantined,
    fold_quarantine_counts,
    held_records,
    purge,
    quarantine,
    release,
)
from ingest.contract import Record
from ingest.harmonize import Harmonizer
from ingest.load import CatalogueSink
from ingest.sources import make_source
from tests.replay.run import Catalogue, Runner
from tests.unit.documents import definitions, sentinel_2

Connection = Any


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[Connection]:
    session = {"role": "kakehashi_ingest"}
    connection = await asyncpg.connect(fresh_database_url, server_settings=session)
    yield connection
    await connection.close()


def page_of(*items: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(items), "links": []}


async def counted(connection: Connection) -> Counter[tuple[str, str, str]]:
    found = await count_quarantined(connection)
    return Counter({(one.source, one.collection, one.code): one.records for one in found})


async def test_counts_are_those_of_the_records_whatever_is_done_to_them(connection: Connection):
    chance = random.Random(7)
    held: dict[tuple[str, str], tuple[str, str, str]] = {}
    for step in range(60):
        source = chance.choice(["cdse", "gportal"])
        if chance.random() < 0.7 or not held:
            batch = [
                Quarantined(
                    f"{{{chance.randrange(40)}}}", None, chance.choice([None, "a"]), chance.choice("xyz"), "!"
                )
                for _ in range(chance.choice([1, 1, 5]))
            ]
            await quarantine(connection, source, batch)
            for record in {record.native: record for record in batch}.values():
                before = held.get((source, record.native))
                # Where it lies is what it said the first time.
                collection = before[1] if before else record.collection or ""
                held[source, record.native] = (source, collection, record.code)
        else:
            gone = chance.sample(sorted(held), min(len(held), 3))
            for origin, native in gone:
                rows = await connection.fetch(
                    "SELECT digest FROM kakehashi.quarantine WHERE source = $1 AND native = $2",
                    origin,
                    native,
                )
                await release(connection, origin, [row["digest"] for row in rows])
                del held[origin, native]
        if step % 7 == 0:
            await fold_quarantine_counts(connection)
        assert await counted(connection) == Counter(held.values())
    await connection.execute("DELETE FROM kakehashi.quarantine")
    await fold_quarantine_counts(connection)
    assert await counted(connection) == Counter()
    assert await connection.fetchval("SELECT count(*) FROM kakehashi.quarantine_count") == 0


async def test_all_records_come_in_portions_of_bounded_size_each_once(connection: Connection):
    records = [Quarantined(f"[{number}]" + "x" * 40_000, None, "c", "x", "!") for number in range(1100)]
    await quarantine(connection, "cdse", records)
    await quarantine(connection, "cdse", [Quarantined("other", None, "d", "y", "!")])
    portions = [portion async for portion in held_records(connection, Choice("cdse", code="x"))]
    natives = [held.record.native for portion in portions for held in portion]
    assert sorted(natives) == sorted(record.native for record in records)
    assert all(sum(len(held.record.native) for held in portion) <= 16_000_000 for portion in portions)


async def test_what_is_refused_again_while_it_is_read_does_not_come_again(connection: Connection):
    for number in range(3):
        await quarantine(connection, "cdse", [Quarantined(f"{number}", None, None, "x", "!")])
    seen = []
    async for portion in held_records(connection, Choice("cdse")):
        seen += [held.record.native for held in portion]
        await quarantine(connection, "cdse", [held.record for held in portion])
    assert seen == ["0", "1", "2"]


def test_records_go_through_after_a_fix_and_leave_the_quarantine(
    catalogue: Catalogue, kakehashi: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    good = sentinel_2()
    late = sentinel_2("S2A_MSIL2A_20240116T012701_N0510_R074_T54SUE_20240116T033000")
    bad = sentinel_2("S2A_MSIL2A_20240117T012701_N0510_R074_T54SUE_20240117T033000", geometry=None)
    file = tmp_path / "page.json"
    file.write_text(json.dumps(page_of(good, late, bad)))

    def broken(self: cdse.Cdse, record: Any) -> Any:
        raise RecordRefused("bad-structure", "a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(cdse.Cdse, "to_item", broken)
        kakehashi("ingest", "cdse", "--from-file", str(file), database_url=catalogue.url).went_well()
    assert asyncio.run(count_of(catalogue.url)) == {("cdse", "sentinel-2-l2a", "bad-structure"): 3}

    listed = kakehashi("quarantine", "cdse", "--json", database_url=catalogue.url)
    listed.went_well()
    told = listed.items
    assert {one["native_id"] for one in told} == {good["id"], late["id"], bad["id"]}
    assert {one["reason"] for one in told} == {"a fault of ours"}
    assert json.loads(next(one for one in told if one["native_id"] == good["id"])["native"]) == good

    retried = kakehashi("ingest", "cdse", "--retry-quarantine", "--limit", "1", database_url=catalogue.url)
    retried.went_well()
    assert sum(asyncio.run(count_of(catalogue.url)).values()) in (2, 3)

    retried = kakehashi("ingest", "cdse", "--retry-quarantine", database_url=catalogue.url)
    retried.went_well()
    assert asyncio.run(count_of(catalogue.url)) == {("cdse", "sentinel-2-l2a", "no-geometry"): 1}
    assert set(catalogue.items()) == {good["id"], late["id"]}

    strict = kakehashi("ingest", "cdse", "--retry-quarantine", "--strict", database_url=catalogue.url)
    assert strict.status == 1
    lines = kakehashi("quarantine", "cdse", database_url=catalogue.url).stdout.splitlines()
    assert len(lines) == 1
    assert "no-geometry" in lines[0]
    assert bad["id"] in lines[0]


def test_a_record_that_was_refused_long_ago_does_not_take_its_item_back(
    catalogue: Catalogue, kakehashi: Runner, tmp_path: Path
):
    """The upstream mended its record since; the version that was refused came back over it."""
    old = sentinel_2(properties={"eo:cloud_cover": 1})
    new = sentinel_2(properties={"eo:cloud_cover": 2})
    asyncio.run(hold(catalogue.url, [old]))
    asyncio.run(
        execute(catalogue.url, "UPDATE kakehashi.quarantine SET last_seen = last_seen - interval '1 day'")
    )
    file = tmp_path / "page.json"
    file.write_text(json.dumps(page_of(new)))
    kakehashi("ingest", "cdse", "--from-file", str(file), database_url=catalogue.url).went_well()
    kakehashi("ingest", "cdse", "--retry-quarantine", database_url=catalogue.url).went_well()
    assert catalogue.items()[new["id"]]["properties"]["eo:cloud_cover"] == 2
    assert asyncio.run(count_of(catalogue.url)) == {}


async def test_a_record_that_is_renewed_in_the_very_moment_of_the_retry_is_not_taken_back(
    connection: Connection, fresh_database_url: str
):
    """The check was made when the record was read: what a harvest wrote between that and the commit was lost."""
    source = make_source("cdse", definitions())
    harmonizer = Harmonizer(source, definitions().vocabulary)
    old, new = (Record(sentinel_2(properties={"eo:cloud_cover": clouds}), "x") for clouds in (1, 2))
    refused_at = datetime.now(UTC) - timedelta(days=1)
    other = await asyncpg.connect(fresh_database_url, server_settings={"role": "kakehashi_ingest"})
    try:
        retry = CatalogueSink(
            connection,
            "cdse",
            definitions(),
            source.describe,
            100,
            asked_at=lambda record: refused_at,
            refused_at=lambda record: refused_at,
        )
        await retry.item(harmonizer.settle(harmonizer.item(old)), old)
        harvest = CatalogueSink(other, "cdse", definitions(), source.describe, 100)
        await harvest.item(harmonizer.settle(harmonizer.item(new)), new)
        await harvest.flush()
        await retry.flush()
        assert retry.written.overtaken == 1
        clouds = "SELECT content #>> '{properties,eo:cloud_cover}' FROM pgstac.items"
        assert float(await connection.fetchval(clouds)) == 2
    finally:
        await other.close()


@pytest.mark.parametrize(
    ("deleted", "comes_back"),
    [("after it was asked for", False), ("before it was asked for", True), ("another record of it", True)],
)
def test_a_record_that_the_upstream_deleted_since_is_not_brought_back(
    catalogue: Catalogue, kakehashi: Runner, deleted: str, comes_back: bool
):
    """It was refused, mended here, and tried again; its upstream had deleted it long ago."""
    record = sentinel_2()
    asyncio.run(hold(catalogue.url, [record]))
    number = "another" if deleted == "another record of it" else record["id"]
    asyncio.run(
        execute(
            catalogue.url,
            f"""
            INSERT INTO kakehashi.tombstone (source, collection, id, native_id, deleted_at, noted_at)
            VALUES ('cdse', '{record["collection"]}', '{record["id"]}', '{number}', now(), now());
            UPDATE kakehashi.quarantine SET
                last_seen = now(), -- after the deletion, where it was asked for before
                asked_at = now() {"+" if deleted.startswith("before") else "-"} interval '1 hour'
            """,
        )
    )
    done = kakehashi("ingest", "cdse", "--retry-quarantine", database_url=catalogue.url)
    done.went_well()
    assert bool(catalogue.items()) is comes_back
    assert ("1 item that the upstream deleted or renewed since" in done.stderr) is not comes_back
    assert asyncio.run(count_of(catalogue.url)) == {}


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_of_one_record_in_two_versions_the_last_one_counts(catalogue: Catalogue, kakehashi: Runner):
    old = sentinel_2(properties={"eo:cloud_cover": 1})
    new = sentinel_2(properties={"eo:cloud_cover": 2})
    asyncio.run(hold(catalogue.url, [old], [new]))
    kakehashi("ingest", "cdse", "--retry-quarantine", database_url=catalogue.url).went_well()
    assert [item["properties"]["eo:cloud_cover"] for item in catalogue.items().values()] == [2]
    assert asyncio.run(count_of(catalogue.url)) == {}


def test_a_text_that_was_cut_off_stays_and_hinders_nothing(catalogue: Catalogue, kakehashi: Runner):
    asyncio.run(hold(catalogue.url, ['{"id": "cut', sentinel_2(), "[1]"]))
    done = kakehashi("ingest", "cdse", "--retry-quarantine", database_url=catalogue.url)
    done.went_well()
    assert "unreadable: 2" in done.stderr
    assert len(catalogue.items()) == 1
    assert asyncio.run(count_of(catalogue.url)) == {("cdse", "", "x"): 2}


def test_a_retry_checks_as_much_as_a_harvest_does(catalogue: Catalogue, kakehashi: Runner, tmp_path: Path):
    """Schemas that are not bundled were left out, so that what they refuse came in by a second try."""
    address = "https://stac-extensions.github.io/new/v1.0.0/schema.json"
    schema = {"type": "object", "properties": {"properties": {"required": ["new:field"]}}}
    (tmp_path / f"{sha256(address.encode()).hexdigest()[:32]}.json").write_text(json.dumps(schema))
    record = sentinel_2(properties={"new:other": 1})
    record["stac_extensions"] = [*record["stac_extensions"], address]
    asyncio.run(hold(catalogue.url, [record]))
    done = kakehashi(
        "ingest",
        "cdse",
        "--retry-quarantine",
        database_url=catalogue.url,
        KAKEHASHI_SCHEMAS_FROM_NETWORK="true",
        KAKEHASHI_SCHEMA_DIR=str(tmp_path),
    )
    done.went_well()
    assert "new:field" in done.stderr
    assert not catalogue.items()


def test_options_that_do_not_go_with_a_retry_are_refused(kakehashi: Runner):
    assert kakehashi("ingest", "cdse", "--retry-quarantine", "--dry-run").status == 2
    assert kakehashi("ingest", "cdse", "--code", "x").status == 2
    kakehashi("ingest", "nowhere", "--retry-quarantine").failed("nowhere")


async def test_a_purge_drops_what_is_old_in_small_steps_and_waits_for_nobody(
    connection: Connection, fresh_database_url: str
):
    """Another session is busy with one of the records; it stays for the next time."""
    await connection.execute(
        """
        INSERT INTO kakehashi.quarantine (source, digest, native_id, collection, code, reason, native, last_seen)
        SELECT 'cdse', sha256(number::text::bytea), number::text, 'c', CASE number % 2 WHEN 0 THEN 'x' ELSE 'y' END, '!',
            '{}', now() - interval '100 days' + CASE WHEN number > 60000 THEN interval '50 days' ELSE '0' END
        FROM generate_series(1, 61000) AS number
        """
    )
    other = await asyncpg.connect(fresh_database_url)
    try:
        busy = other.transaction()
        await busy.start()
        await other.execute("SELECT FROM kakehashi.quarantine WHERE native_id = '1' FOR UPDATE")
        steps: list[int] = []
        old = timedelta(days=90)
        assert await purge(connection, Choice("cdse", code="x"), old, steps.append) == 30_000
        assert await purge(connection, Choice("gportal"), old, steps.append) == 0
        assert await purge(connection, Choice("cdse"), old, steps.append) == 29_999
        assert all(later - earlier <= 1000 for earlier, later in pairwise(steps) if later > earlier)
        assert await counted(connection) == {("cdse", "c", "x"): 500, ("cdse", "c", "y"): 501}
        assert await connection.fetchval("SELECT count(*) FROM kakehashi.quarantine_change") == 0, "folded"
        await busy.rollback()
        assert await purge(connection, Choice("cdse"), old, steps.append) == 1
    finally:
        await other.close()


def test_old_records_are_dropped_from_the_command_line(catalogue: Catalogue, kakehashi: Runner):
    asyncio.run(hold(catalogue.url, [sentinel_2()]))
    kept = kakehashi("quarantine", "cdse", "--purge-older-than", "1d", database_url=catalogue.url)
    kept.went_well()
    assert "dropped from the quarantine of cdse: 0" in kept.stderr
    gone = kakehashi("quarantine", "cdse", "--purge-older-than", "0s", database_url=catalogue.url)
    gone.went_well()
    assert "dropped from the quarantine of cdse: 1" in gone.stderr
    assert asyncio.run(count_of(catalogue.url)) == {}
    kakehashi("quarantine", "cdse", "--purge-older-than", "soon", database_url=catalogue.url).failed("soon")
    assert kakehashi("quarantine", "cdse", "--purge-older-than", "1d", "--json").status == 2


async def hold(url: str, *batches: list[Any]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for batch in batches:
            records = [
                Quarantined(
                    native if isinstance(native, str) else json.dumps(native),
                    native["id"] if isinstance(native, dict) else None,
                    None,
                    "x",
                    "!",
                )
                for native in batch
            ]
            await quarantine(connection, "cdse", records)
    finally:
        await connection.close()


async def count_of(url: str) -> dict[tuple[str, str, str], int]:
    connection = await asyncpg.connect(url)
    try:
        return dict(await counted(connection))
    finally:
        await connection.close()
