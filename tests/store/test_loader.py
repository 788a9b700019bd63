"""Loading many items: what is there afterwards, who waits for whom, and what a bad day leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import RecordRefused, StoreError
from catalog.settings import DatabaseSettings
from catalog.store.account import account_for_postgres
from catalog.store.batch import BatchWriter
from catalog.store.database import INGEST_ROLE
from catalog.store.deciding import Mode
from catalog.store.loader import Loader
from catalog.store.partitions import KnownPartitions
from catalog.store.pool import database_errors
from catalog.store.prepared import prepare
from catalog.store.writer import upsert_collections
from catalog.store.written import Written
from tests.store.items import collection, item

ROOT = Path(__file__).resolve().parents[2]
Connection = Any
SESSION = {"role": INGEST_ROLE, "search_path": "pgstac,public", "timezone": "UTC"}


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Callable[[], Awaitable[Connection]]]:
    """Open connections as the ingest job does; the catalogue has two collections and no items."""
    opened: list[Connection] = []

    async def make() -> Connection:
        opened.append(await asyncpg.connect(database_url, server_settings=SESSION))
        return opened[-1]

    first = await make()
    await first.execute("DELETE FROM pgstac.items")
    await upsert_collections(first, [collection("c"), collection("m") | {"kakehashi:partition": "month"}])
    yield make
    for connection in opened:
        await connection.close()


@pytest.fixture
async def connection(connect: Callable[[], Awaitable[Connection]]) -> Connection:
    return await connect()


async def load(connections: list[Connection], items: list[dict[str, Any]], **options: Any) -> Loader:
    async with Loader(connections, **{"batch_size": 50, **options}) as loader:
        for one in items:
            await loader.add(one)
        await loader.finish()
    return loader


def month(number: int) -> str:
    return f"20{20 + number // 12 % 5}-{number % 12 + 1:02}-{number % 27 + 1:02}T00:00:00Z"


async def catalogue(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all items as pgstac gives them to other tools."""
    rows = await connection.fetch(
        "SELECT collection, id, pgstac.get_item(id, collection) AS item FROM pgstac.items"
    )
    found = {(row["collection"], row["id"]): json.loads(row["item"]) for row in rows}
    assert len(found) == len(rows), "an item is there twice"
    return found


# What is there is what was loaded


@pytest.mark.parametrize("connections", [1, 3])
async def test_what_was_loaded_is_there(connect: Callable[[], Awaitable[Connection]], connections: int):
    items = [item("m" if number % 3 else "c", f"i{number}", month(number), n=number) for number in range(400)]
    opened = [await connect() for _ in range(connections)]
    loader = await load(opened, items)
    assert loader.outcome.total() == Written(inserted=400)
    assert await catalogue(opened[0]) == {(one["collection"], one["id"]): one for one in items}
    changed = [one | {"assets": {}} if number % 20 == 0 else one for number, one in enumerate(items)]
    loader = await load(opened, changed)
    assert loader.outcome.total() == Written(updated=20, unchanged=380)
    assert loader.outcome.written["c"] == Written(updated=7, unchanged=127)
    assert await catalogue(opened[0]) == {(one["collection"], one["id"]): one for one in changed}


async def test_an_item_that_comes_twice_counts_once_whichever_batch_it_is_in(connection: Connection):
    items = [item("c", f"i{number % 60}", n=number) for number in range(120)]
    loader = await load([connection], items, batch_size=50)
    # 50 new, 10 new and 40 replaced, and the last 20 replaced.
    assert loader.outcome.total() == Written(inserted=60, updated=60)
    assert {one["properties"]["n"] for one in (await catalogue(connection)).values()} == set(range(60, 120))
    loader = await load([connection], items, batch_size=200)
    assert (loader.outcome.total(), loader.outcome.repeated) == (Written(unchanged=60), 60)


async def test_inserting_refuses_what_is_there_and_leaves_it(connection: Connection):
    await load([connection], [item("m", "old", month(1), n=1)])
    loader = await load(
        [connection], [item("m", "old", month(9), n=2), item("m", "new", month(1))], mode=Mode.INSERT
    )
    assert loader.outcome.total() == Written(inserted=1)
    assert [(bad.id, error.code) for bad, error in loader.take_refused()] == [("old", "exists")]
    assert (await catalogue(connection))["m", "old"]["properties"]["n"] == 1


async def test_a_time_of_another_zone_goes_to_the_partition_of_its_instant(connection: Connection):
    """pgstac's own loader takes the name of the partition from the text."""
    await load([connection], [item("m", "tokyo", "2024-05-01T03:00:00+09:00")])
    row = await connection.fetchrow(
        "SELECT datetime, tableoid::regclass::text AS partition FROM pgstac.items"
    )
    assert row["datetime"].isoformat() == "2024-04-30T18:00:00+00:00"
    assert row["partition"].endswith("_202404")


async def test_an_item_that_moves_to_another_month_is_there_once(connection: Connection):
    await load([connection], [item("m", f"i{number}", month(number)) for number in range(30)])
    loader = await load([connection], [item("m", f"i{number}", month(number + 7)) for number in range(30)])
    assert loader.outcome.total() == Written(updated=30)
    assert len(await catalogue(connection)) == 30


COORDINATES = st.tuples(
    st.floats(-180, 180, allow_subnormal=False), st.floats(-90, 90, allow_subnormal=False)
).map(list)
LINES = st.lists(COORDINATES, min_size=2, max_size=4)
RINGS = st.lists(COORDINATES, min_size=3, max_size=5).map(lambda ring: [*ring, ring[0]])
SIMPLE = st.one_of(
    st.builds(lambda value: {"type": "Point", "coordinates": value}, COORDINATES),
    st.builds(lambda value: {"type": "MultiPoint", "coordinates": value}, LINES),
    st.builds(lambda value: {"type": "LineString", "coordinates": value}, LINES),
    st.builds(
        lambda value: {"type": "MultiLineString", "coordinates": value},
        st.lists(LINES, min_size=1, max_size=2),
    ),
    st.builds(
        lambda value: {"type": "Polygon", "coordinates": value}, st.lists(RINGS, min_size=1, max_size=2)
    ),
    st.builds(
        lambda value: {"type": "MultiPolygon", "coordinates": value},
        st.lists(st.lists(RINGS, min_size=1, max_size=2), min_size=1, max_size=2),
    ),
)
GEOMETRIES = SIMPLE | st.builds(
    lambda value: {"type": "GeometryCollection", "geometries": value},
    st.lists(SIMPLE, min_size=1, max_size=2),
)


async def test_any_geometry_is_the_one_that_postgis_reads_from_its_text(connection: Connection):
    geometries: list[dict[str, Any]] = []

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(GEOMETRIES)
    def collect(geometry: dict[str, Any]) -> None:
        geometries.append(geometry)

    collect()
    geometries.append({"type": "Point", "coordinates": [1, 2, 3]})
    await load(
        [connection], [item("c", f"i{number}") | {"geometry": one} for number, one in enumerate(geometries)]
    )
    for number, geometry in enumerate(geometries):
        same = await connection.fetchval(
            "SELECT ST_AsEWKB(geometry) = ST_AsEWKB(ST_GeomFromGeoJSON($2)) FROM pgstac.items WHERE id = $1",
            f"i{number}",
            json.dumps(geometry),
        )
        assert same, geometry


async def test_items_of_a_collection_with_item_assets_come_back_whole(connection: Connection):
    shared = {
        "data": {"roles": ["data"], "type": "image/tiff"},
        "thumb": {"type": "image/png", "roles": ["a"]},
    }
    await upsert_collections(connection, [collection("shared", item_assets=shared)])
    whole = item("shared", "a") | {
        "assets": {"data": {"roles": ["data"], "type": "image/tiff", "href": "x"}, "more": {"href": "y"}}
    }
    await load([connection], [whole])
    assert (await catalogue(connection))["shared", "a"] == whole
    content = json.loads(await connection.fetchval("SELECT content FROM pgstac.items WHERE id = 'a'"))
    assert content["assets"]["data"] == {"href": "x"}
    # The collection changes: what is there keeps what it was stored against.
    await upsert_collections(connection, [collection("shared", item_assets={"data": {"type": "x"}})])
    await load([connection], [whole | {"id": "b"}])
    found = await catalogue(connection)
    assert (found["shared", "a"], found["shared", "b"]) == (whole, whole | {"id": "b"})
    assert (await load([connection], [whole, whole | {"id": "b"}])).outcome.total() == Written(unchanged=2)


# One bad item


@pytest.fixture
async def indexed(connect: Callable[[], Awaitable[Connection]], database_url: str) -> AsyncIterator[None]:
    """An index that takes numbers alone: what only the database can say against an item."""
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "CREATE INDEX numbers ON pgstac.items (pgstac.to_float(content -> 'properties' -> 'number'))"
    )
    yield
    await owner.execute("DROP INDEX pgstac.numbers")
    await owner.close()


@pytest.mark.usefixtures("indexed")
async def test_a_bad_item_among_many_is_refused_alone(connection: Connection):
    items = [item("c", f"i{number}", number=number) for number in range(120)]
    items[70]["properties"]["number"] = "seventy"
    async with Loader([connection], batch_size=50) as loader:
        for one in [*items, item("c", "none") | {"geometry": None}]:
            try:
                await loader.add(one)
            except RecordRefused as error:
                assert error.code == "no-geometry"
        await loader.finish()
    ((bad, error),) = loader.take_refused()
    assert (bad.id, error.code) == ("i70", "database")
    assert "seventy" in error.reason
    assert loader.outcome.total() == Written(inserted=119)
    assert len(await catalogue(connection)) == 119


@pytest.mark.usefixtures("indexed")
async def test_a_change_that_is_refused_leaves_what_was_there(connection: Connection):
    await load([connection], [item("c", "a", number=1), item("c", "b", number=1)])
    loader = await load([connection], [item("c", "a", number="one"), item("c", "b", number=2)])
    assert loader.outcome.total() == Written(updated=1)
    found = await catalogue(connection)
    assert [found["c", name]["properties"]["number"] for name in "ab"] == [1, 2]


# Other tools


async def test_a_row_that_another_tool_changed_is_compared_anew(connection: Connection, database_url: str):
    """pypgstac's upsert leaves `private` as it is, and with it our digest of another content."""
    from pypgstac.db import PgstacDB
    from pypgstac.load import Loader as TheirLoader
    from pypgstac.load import Methods

    ours = item("m", "a", month(3), n=1)
    await load([connection], [ours])
    with PgstacDB(dsn=database_url) as database:
        TheirLoader(database).load_items(iter([item("m", "a", month(3), n=2)]), insert_mode=Methods.upsert)
    assert (await catalogue(connection))["m", "a"]["properties"]["n"] == 2
    assert (await load([connection], [ours])).outcome.total() == Written(updated=1)
    assert (await catalogue(connection))["m", "a"] == ours


async def test_what_others_keep_in_private_stays(connection: Connection):
    await load([connection], [item("c", "a")])
    await connection.execute("""UPDATE pgstac.items SET private = private || '{"theirs": 1}'""")
    await load([connection], [item("c", "a", n=2)])
    assert json.loads(await connection.fetchval("SELECT private FROM pgstac.items"))["theirs"] == 1


async def test_pgstacs_view_of_partitions_and_its_search_agree_with_what_is_there(
    fresh_database_url: str,
):
    connection = await asyncpg.connect(fresh_database_url, server_settings=SESSION)
    await upsert_collections(connection, [collection("m") | {"kakehashi:partition": "month"}])
    items = [item("m", f"i{number}", month(number)) for number in range(40)]
    long = {"start_datetime": month(2), "end_datetime": "2024-01-01T00:00:00Z"}
    items.append(item("m", "long", month(2)) | {"properties": {"datetime": None, **long}})
    await load([connection], items[:20])
    await load([connection], items[20:])  # widens the partition of the long one
    wrong = await connection.fetch(
        """
        SELECT known.partition FROM pgstac.partitions_view AS known
        JOIN LATERAL (
            SELECT min(datetime) AS first, max(datetime) AS last, min(end_datetime) AS first_end,
                max(end_datetime) AS last_end, ST_Extent(geometry) AS box
            FROM pgstac.items WHERE tableoid = ('pgstac.' || known.partition)::regclass
        ) AS actual ON true
        WHERE collection = 'm' AND first IS NOT NULL AND NOT (
            dtrange = tstzrange(first, last, '[]') AND edtrange = tstzrange(first_end, last_end, '[]')
            AND constraint_dtrange @> dtrange AND constraint_edtrange @> edtrange
            AND box2d(spatial)::text = box::text
        )
        """
    )
    assert not wrong
    unproven = "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND NOT convalidated"
    assert await connection.fetchval(unproven) == 0
    owner = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        request = {
            "collections": ["m"],
            "datetime": "2023-12-01T00:00:00Z/2023-12-31T00:00:00Z",
            "limit": 100,
        }
        answer = json.loads(await owner.fetchval("SELECT pgstac.search($1::jsonb)", json.dumps(request)))
    finally:
        await owner.close()
        await connection.close()
    expected = {one["id"] for one in items if one["properties"]["datetime"] == "2023-12-21T00:00:00Z"}
    assert {feature["id"] for feature in answer["features"]} == {"long"} | expected


# Together


async def test_loaders_of_the_same_items_at_once_neither_double_nor_deadlock(
    connect: Callable[[], Awaitable[Connection]],
):
    def version(number: int) -> list[dict[str, Any]]:
        order = range(150) if number % 2 else range(149, -1, -1)
        return [item("cm"[one % 2], f"i{one}", month(one + number), n=number) for one in order]

    pairs = [[await connect(), await connect()] for _ in range(4)]
    loaders = await asyncio.gather(*(load(pair, version(number)) for number, pair in enumerate(pairs)))
    total = Written()
    for loader in loaders:
        total += loader.outcome.total()
        assert not loader.take_refused()
    assert (total.inserted, total.inserted + total.updated) == (150, 600)
    assert len(await catalogue(pairs[0][0])) == 150


async def test_what_one_connection_forgets_is_no_loss_to_another(connection: Connection):
    """Another connection of the load, whose batch was overtaken, made this one leave out the statistics."""
    known = KnownPartitions()

    async def another_forgets(_: Connection) -> None:
        known.by_collection.clear()

    writer = BatchWriter(connection, known=known, guard=another_forgets)
    base = (await writer.target("m")).base
    moment = "1999-08-08T00:00:00Z"  # of no other test
    await writer.write([prepare(item("m", "a", moment), base)])
    seen = "SELECT count(*) FROM pgstac.partition_stats WHERE collection = 'm' AND dtrange @> $1::timestamptz"
    assert await connection.fetchval(seen, datetime.fromisoformat(moment)) == 1


async def test_a_partition_is_made_while_a_reader_is_in_the_middle_of_a_search(
    connect: Callable[[], Awaitable[Connection]],
):
    """pgstac's own way waits for all readers, and lets new ones wait meanwhile."""
    reader, writer = await connect(), await connect()
    await load([writer], [item("m", "a", month(1))])
    async with reader.transaction():
        await reader.fetch("SELECT id FROM pgstac.items")  # holds its locks until the end
        async with asyncio.timeout(20):
            await load([writer], [item("m", "b", month(40)), item("c", "c")])
    assert len(await catalogue(reader)) == 3


async def test_what_is_done_beside_is_done_with_the_last_items_or_not_at_all(connection: Connection):
    async def note(own: Connection, outcome: Any) -> None:
        await own.execute("INSERT INTO kakehashi.loaded (name, fingerprint) VALUES ('window', 'done')")

    async def fail(own: Connection, outcome: Any) -> None:
        await note(own, outcome)
        raise StoreError("no")

    async with Loader([connection]) as loader:
        await loader.add(item("c", "a"))
        with pytest.raises(StoreError):
            await loader.finish(fail)
    assert not await catalogue(connection)
    assert await connection.fetchval("SELECT count(*) FROM kakehashi.loaded WHERE name = 'window'") == 0
    async with Loader([connection]) as loader:
        await loader.add(item("c", "a"))
        await loader.finish(note)
    assert await connection.fetchval("SELECT count(*) FROM kakehashi.loaded WHERE name = 'window'") == 1
    await connection.execute("DELETE FROM kakehashi.loaded WHERE name = 'window'")


# Bad days

KILLED = """
import asyncio, os, signal, sys
sys.path.insert(0, {root!r})
import asyncpg
from catalog.store import replacing
from catalog.store.loader import Loader
from tests.store.items import item

def month(number):
    return f"20{{20 + number // 12 % 5}}-{{number % 12 + 1:02}}-{{number % 27 + 1:02}}T00:00:00Z"

async def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def stream(rows):
    async for piece in original(rows):
        yield piece[: len(piece) // 2]
        await asyncio.sleep(0)
        await die()

async def main():
    global original
    original = replacing.copy_stream
    connection = await asyncpg.connect({url!r}, server_settings={session!r})
    async with Loader([connection], batch_size=100) as loader:
        for number in range(250):
            await loader.add(item("m", f"i{{number}}", month(number)))
            if number == 150:
                await loader.settle()  # the first hundred is committed
                if {phase!r} == "in":
                    replacing.copy_stream = stream
                if {phase!r} == "before":
                    await die()
        await loader.finish(die if {phase!r} == "after" else None)

asyncio.run(main())
"""


@pytest.mark.parametrize(("phase", "left"), [("before", 100), ("in", 100), ("after", 200)])
async def test_a_load_that_is_killed_is_made_whole_by_the_next_one(
    fresh_database_url: str, phase: str, left: int
):
    connection = await asyncpg.connect(fresh_database_url, server_settings=SESSION)
    await upsert_collections(connection, [collection("m") | {"kakehashi:partition": "month"}])
    code = KILLED.format(session=SESSION, root=str(ROOT), url=fresh_database_url, phase=phase)
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert len(await catalogue(connection)) == left
    items = [item("m", f"i{number}", month(number)) for number in range(250)]
    loader = await load([connection], items)
    assert loader.outcome.total() == Written(inserted=250 - left, unchanged=left)
    assert await catalogue(connection) == {("m", one["id"]): one for one in items}
    await connection.close()


async def test_a_full_disk_is_told_and_loading_goes_on_when_there_is_room(
    fresh_database_url: str, small_disk: Callable[[str], Path]
):
    place = small_disk("size=4m") / "space"
    place.mkdir()
    account = account_for_postgres(DatabaseSettings().pg_account)
    account.own(place)
    account.admit(place)
    owner = await asyncpg.connect(fresh_database_url)
    await owner.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    connection = await asyncpg.connect(fresh_database_url, server_settings=SESSION)
    try:
        await upsert_collections(connection, [collection("c")])
        await load([connection], [item("c", "first")])
        table = await connection.fetchval("SELECT tableoid::regclass::text FROM pgstac.items")
        await owner.execute(f"ALTER TABLE pgstac.{table} SET TABLESPACE small")
        large = [item("c", f"i{number}", text=os.urandom(4000).hex()) for number in range(1000)]
        with pytest.raises(StoreError, match="no room"), database_errors():
            await load([connection], large)
        await owner.execute(f"ALTER TABLE pgstac.{table} SET TABLESPACE pg_default")
        loader = await load([connection], [item("c", "first"), *large])
        assert len(await catalogue(connection)) == 1001
        assert loader.outcome.total().unchanged >= 1
    finally:
        await connection.close()
        await owner.execute(f"ALTER TABLE IF EXISTS pgstac.{table} SET TABLESPACE pg_default")
        await owner.execute("DROP TABLESPACE small")
        await owner.close()


async def test_a_database_that_takes_no_writes_says_so(connection: Connection):
    await load([connection], [item("c", "a")])
    await connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="read-only"), database_errors():
        await load([connection], [item("c", "b")])
    await connection.execute("RESET default_transaction_read_only")
    assert (await load([connection], [item("c", "b")])).outcome.total() == Written(inserted=1)
