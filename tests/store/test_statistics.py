"""What each collection holds: figures that are kept, against the same items counted here."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from catalog import jsontext
from catalog.observed import Observed
from catalog.settings import DatabaseSettings
from catalog.store import counting, figures
from catalog.store.deletion import Deleted, delete_items
from catalog.store.editor import Editor
from catalog.store.figures import Figures, read_figures
from catalog.store.pool import open_pool
from catalog.store.statistics import ItemChange, fold_changes, record_changes, recount
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

Connection = Any


async def connect(url: str, role: str = "kakehashi_ingest") -> Connection:
    session = {"role": role, "search_path": "pgstac,public", "timezone": "UTC"}
    return await asyncpg.connect(url, server_settings=session)


@pytest.fixture
async def ingest(database_url: str) -> AsyncIterator[Connection]:
    """A connection of the ingest role, on a database with two empty collections."""
    connection = await connect(database_url)
    await connection.execute("DELETE FROM pgstac.collections")
    await upsert_collections(
        connection, [collection("c"), collection("m") | {"kakehashi:partition": "month"}]
    )
    yield connection
    await connection.close()


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Connection]:
    """A connection of the read role, which cannot write."""
    connection = await connect(database_url, "kakehashi_read")
    await connection.execute("SET default_transaction_read_only = on")
    yield connection
    await connection.close()


def scene(
    name: str, of: str = "c", *, seed: int = 0, within_minutes: int = 400_000, **properties: Any
) -> dict[str, Any]:
    """An item somewhere, some time, of some platform; the same for the same arguments."""
    chance = random.Random(f"{name} {of} {seed}")
    west, south = round(chance.uniform(-179, 170), 4), round(chance.uniform(-89, 80), 4)
    east, north = west + chance.choice([0.5, 1, 5]), south + chance.choice([0.5, 1, 5])
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(within_minutes))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    made = item(
        of,
        name,
        start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{
            "platform": chance.choice(["sentinel-2a", "alos-2"]),
            "instruments": chance.sample(["msi", "palsar-2", "sgli"], 2),
            "gsd": chance.choice([10, 20, 2.5]),
            "eo:cloud_cover": round(chance.uniform(0, 100), 2),
            **properties,
        },
    )
    return {
        **made,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, east, north],
    }


def expected(items: Iterable[Mapping[str, Any]], of: str) -> dict[str, Any]:
    """Count items in Python, in no way that the program does."""
    mine = [one for one in items if one["collection"] == of]
    times = [datetime.fromisoformat(one["properties"]["datetime"]) for one in mine]
    corners = [corner for one in mine for corner in one["geometry"]["coordinates"][0]]
    return {
        "items": len(mine),
        "oldest": min(times, default=None),
        "newest": max(times, default=None),
        "box": (
            min(x for x, _ in corners),
            min(y for _, y in corners),
            max(x for x, _ in corners),
            max(y for _, y in corners),
        )
        if corners
        else None,
    }


def told(figures: Figures) -> dict[str, Any]:
    assert figures.is_exact
    return {
        "items": figures.items,
        "oldest": figures.oldest,
        "newest": figures.newest,
        "box": figures.box,
    }


async def figures_of(connection: Connection, name: str) -> Figures:
    return next(found for found in await read_figures(connection) if found.collection == name)


async def observed_of(connection: Connection, name: str) -> dict[str, Any]:
    text = await connection.fetchval(
        "SELECT observed FROM kakehashi.collection_statistics WHERE collection = $1", name
    )
    return Observed.from_json(jsontext.loads(text)).summaries()


def summaries(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    every = [one["properties"] for one in items]
    clouds = [properties["eo:cloud_cover"] for properties in every]
    return {
        "eo:cloud_cover": {"minimum": min(clouds), "maximum": max(clouds)},
        "gsd": sorted({properties["gsd"] for properties in every}),
        "instruments": sorted({name for properties in every for name in properties["instruments"]}),
        "platform": sorted({properties["platform"] for properties in every}),
    }


async def test_figures_are_right_before_and_after_every_fold(ingest: Connection, reader: Connection):
    held: dict[tuple[str, str], dict[str, Any]] = {}
    chance = random.Random(4)
    for step in range(8):
        batch = [
            scene(f"i{chance.randrange(40)}", chance.choice("cm"), seed=chance.randrange(2))
            for _ in range(chance.choice([1, 7, 20]))
        ]
        await upsert_items(ingest, batch)
        held |= {(one["collection"], one["id"]): one for one in batch}
        for of in "cm":
            assert (await figures_of(reader, of)).items == expected(held.values(), of)["items"]
        if step % 3 == 2:
            assert set(await fold_changes(ingest)) <= {"c", "m"}
            assert await ingest.fetchval("SELECT count(*) FROM kakehashi.item_change") == 0
    for of in "cm":
        await recount(ingest, of)
        assert told(await figures_of(reader, of)) == expected(held.values(), of)
        mine = [one for one in held.values() if one["collection"] == of]
        assert await observed_of(reader, of) == summaries(mine)


async def test_without_replacements_nothing_needs_to_be_counted_anew(ingest: Connection, reader: Connection):
    await fold_changes(ingest)
    first = await reader.fetchval("SELECT max(counted_at) FROM kakehashi.collection_statistics")
    batches = [[scene(f"{batch}-{number}") for number in range(15)] for batch in range(4)]
    for batch in batches:
        await upsert_items(ingest, batch)
        await fold_changes(ingest)
    items = [one for batch in batches for one in batch]
    assert told(await figures_of(reader, "c")) == expected(items, "c")
    assert await observed_of(reader, "c") == summaries(items)
    assert await reader.fetchval("SELECT max(counted_at) FROM kakehashi.collection_statistics") == first


async def test_what_is_loaded_again_unchanged_is_no_change(ingest: Connection, reader: Connection):
    batch = [scene(f"i{number}") for number in range(10)]
    await upsert_items(ingest, batch)
    await fold_changes(ingest)
    before = await figures_of(reader, "c")
    await upsert_items(ingest, batch)
    assert await ingest.fetchval("SELECT count(*) FROM kakehashi.item_change") == 0
    assert await figures_of(reader, "c") == before


async def test_deletions_are_counted_and_narrow_the_extent_at_the_next_fold(
    ingest: Connection, reader: Connection
):
    items = [scene(f"i{number}", **{"harvest:source": "cdse"}) for number in range(12)]
    await upsert_items(ingest, items)
    await fold_changes(ingest)
    dead = [Deleted(one["id"], "c", one["id"], datetime(2026, 1, 1, tzinfo=UTC), None) for one in items[:5]]
    assert await delete_items(ingest, "cdse", dead) == 5
    assert (await figures_of(reader, "c")).items == 7
    await asyncio.sleep(0.05)  # twelve items: counted anew at most once in 36 ms
    await fold_changes(ingest)
    assert told(await figures_of(reader, "c")) == expected(items[5:], "c")


async def test_a_transaction_that_is_rolled_back_counts_nothing(ingest: Connection, reader: Connection):
    await upsert_items(ingest, [scene("kept")])
    transaction = ingest.transaction()
    await transaction.start()
    await upsert_items(ingest, [scene("lost")])
    await transaction.rollback()
    assert told(await figures_of(reader, "c")) == expected([scene("kept")], "c")
    await fold_changes(ingest)
    assert told(await figures_of(reader, "c")) == expected([scene("kept")], "c")


async def test_summaries_of_what_was_recorded_from_the_beginning_are_not_read_from_items(
    ingest: Connection, reader: Connection, monkeypatch: pytest.MonkeyPatch
):
    async def read_items(*_: object) -> Observed:
        raise AssertionError("the items were read")

    items = [scene(f"i{number}", "m") for number in range(40)]
    await upsert_items(ingest, items[:20])
    await upsert_items(ingest, items[20:])
    monkeypatch.setattr(counting, "_summaries", read_items)
    await fold_changes(ingest, ["m"])
    assert told(await figures_of(reader, "m")) == expected(items, "m")
    assert await observed_of(reader, "m") == summaries(items)


async def test_summaries_are_read_from_items_where_not_all_of_them_were_recorded(
    ingest: Connection, reader: Connection
):
    items = [scene(f"i{number}", "m") for number in range(20)]
    theirs = scene("theirs", "m", platform="landsat-9")
    await ingest.execute("SELECT pgstac.create_items($1::jsonb)", jsontext.dumps([theirs]).decode())
    await upsert_items(ingest, items)
    replaced = [scene("i0", "c", platform="replaced"), scene("i0", "c", platform="kept")]
    for one in replaced:
        await upsert_items(ingest, [one])
    await fold_changes(ingest)
    assert await observed_of(reader, "m") == summaries([*items, theirs])
    assert await observed_of(reader, "c") == summaries(replaced[1:])


async def test_items_that_another_tool_loaded_are_counted_at_once(ingest: Connection, reader: Connection):
    items = [scene(f"i{number}", "m") for number in range(30)]
    await ingest.execute("SELECT pgstac.create_items($1::jsonb)", jsontext.dumps(items).decode())
    assert told(await figures_of(reader, "m")) == expected(items, "m")
    assert "m" in await fold_changes(ingest)
    assert told(await figures_of(reader, "m")) == expected(items, "m")
    assert await observed_of(reader, "m") == summaries(items)


async def test_a_large_collection_that_another_tool_loaded_is_estimated_until_it_is_counted(
    ingest: Connection, reader: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(figures, "_COUNT_UP_TO", 20)
    items = [scene(f"i{number}", "m") for number in range(30)]
    await ingest.execute("SELECT pgstac.create_items($1::jsonb)", jsontext.dumps(items).decode())
    await ingest.execute("SELECT pg_stat_force_next_flush()")
    found = await figures_of(reader, "m")
    assert (found.items, found.is_exact) == (30, False)
    await fold_changes(ingest)
    assert told(await figures_of(reader, "m")) == expected(items, "m")


async def test_items_that_another_tool_adds_later_are_found_out(
    database_url: str, ingest: Connection, reader: Connection
):
    ours = [scene(f"o{number}") for number in range(10)]
    await upsert_items(ingest, ours)
    await fold_changes(ingest)
    other = await connect(database_url)
    theirs = [scene(f"t{number}") for number in range(10)]
    await other.execute("SELECT pgstac.create_items($1::jsonb)", jsontext.dumps(theirs).decode())
    await other.execute("SELECT pg_stat_force_next_flush()")
    await other.close()
    # Younger than this, a difference may be one of PostgreSQL's counters that lag behind.
    await ingest.execute(
        "UPDATE kakehashi.collection_statistics SET changed_at = changed_at - interval '1 minute',"
        " counted_at = counted_at - interval '1 minute'"
    )
    assert told(await figures_of(reader, "c")) == expected([*ours, *theirs], "c")
    assert "c" in await fold_changes(ingest)
    assert told(await figures_of(reader, "c")) == expected([*ours, *theirs], "c")


async def test_parallel_loads_and_folds_neither_deadlock_nor_lose_a_change(
    database_url: str, reader: Connection, ingest: Connection
):
    def batch(worker: str, number: int) -> list[dict[str, Any]]:
        return [
            scene(f"{worker}-{number}-{one}", "cm"[one % 2], **{"harvest:source": worker}) for one in range(6)
        ]

    async def load(worker: str) -> list[dict[str, Any]]:
        connection = await connect(database_url)
        try:
            for number in range(4):
                await upsert_items(connection, batch(worker, number))
                await fold_changes(connection, ["m", "c"])
        finally:
            await connection.close()
        return [one for number in range(4) for one in batch(worker, number)]

    workers = ["w1", "w2", "w3"]
    loaded = await asyncio.gather(*(load(worker) for worker in workers))
    items = [one for done in loaded for one in done]
    assert await reader.fetchval("SELECT count(*) FROM kakehashi.item_change") == 0
    for of in "cm":
        assert told(await figures_of(reader, of)) == expected(items, of)
    by_source = await reader.fetch(
        "SELECT source, sum(inserted)::int AS items FROM kakehashi.source_activity GROUP BY source ORDER BY source"
    )
    assert [tuple(row) for row in by_source] == [(worker, 24) for worker in workers]


async def test_a_recount_in_the_middle_of_a_load_counts_each_item_once(
    database_url: str, ingest: Connection, reader: Connection
):
    await upsert_items(ingest, [scene("first", within_minutes=1)])
    loader = await connect(database_url)
    try:
        transaction = loader.transaction()
        await transaction.start()
        # The same time as of the item before: pgstac locks out readers where a partition's range changes.
        await upsert_items(loader, [scene("late", within_minutes=1)])
        await recount(ingest, "c")
        assert (await figures_of(reader, "c")).items == 1
        await transaction.commit()
    finally:
        await loader.close()
    items = [scene("first", within_minutes=1), scene("late", within_minutes=1)]
    assert told(await figures_of(reader, "c")) == expected(items, "c")


async def test_what_is_not_there_has_no_figures(ingest: Connection, reader: Connection):
    await fold_changes(ingest)
    assert told(await figures_of(reader, "c")) == expected([], "c")
    assert await recount(ingest, "nowhere") is None
    await upsert_items(ingest, [scene("a")])
    await fold_changes(ingest)
    await ingest.execute("SELECT pgstac.delete_collection('c')")
    await upsert_collections(ingest, [collection("c")])
    assert told(await figures_of(reader, "c")) == expected([], "c")


async def test_a_change_without_items_is_none(ingest: Connection):
    async with ingest.transaction():
        await record_changes(ingest, [ItemChange("cdse", "c")])
    assert await ingest.fetchval("SELECT count(*) FROM kakehashi.item_change") == 0


async def test_days_of_activity_are_forgotten_but_for_the_last_one_of_each_source(
    database_url: str, ingest: Connection
):
    """They were kept for ever; and a source that gave nothing lately must not vanish from the status."""
    await ingest.execute("SET kakehashi.activity_days = '30'")
    await ingest.execute(
        """
        INSERT INTO kakehashi.source_activity (source, collection, day, inserted, updated, deleted, changed_at)
        SELECT source, 'c', current_date - age, 1, 0, 0, now() - age * interval '1 day'
        FROM unnest(ARRAY['busy', 'asleep']) AS source, generate_series(20, 60) AS age
        WHERE source = 'busy' OR age > 40
        """
    )
    items = [scene("a", **{"harvest:source": "busy"})]
    await upsert_items(ingest, items)
    await fold_changes(ingest, ["c"])
    rows = await ingest.fetch(
        """
        SELECT source, count(*) AS days, max(current_date - day) AS oldest, min(current_date - day) AS newest
        FROM kakehashi.source_activity GROUP BY source ORDER BY source
        """
    )
    assert [tuple(row) for row in rows] == [("asleep", 20, 60, 41), ("busy", 12, 30, 0)]
    # The other one forgets when it has something new to tell.
    await upsert_items(ingest, [scene("b", **{"harvest:source": "asleep"})])
    await fold_changes(ingest, ["c"])
    assert (
        await ingest.fetchval("SELECT count(*) FROM kakehashi.source_activity WHERE source = 'asleep'") == 1
    )


async def test_the_setting_of_days_reaches_the_session(database_url: str):
    settings = DatabaseSettings(database_url=database_url, activity_days=7)
    pool = await open_pool(settings, "kakehashi_ingest", read_only=False)
    try:
        async with pool.connection() as connection:
            assert await connection.fetchval("SELECT current_setting('kakehashi.activity_days')") == "7"
    finally:
        await pool.close()


async def test_edits_alone_leave_no_rows_behind_and_the_extent_follows_them(
    database_url: str, ingest: Connection, reader: Connection
):
    """Where no harvest ran, each edit left a row, and the collection's extent stayed what it was."""
    pool = await open_pool(DatabaseSettings(database_url=database_url), "kakehashi_ingest", read_only=False)
    editor = Editor(pool, fold_after_s=0.3)
    try:
        items = [scene(f"edited {number}") for number in range(20)]
        for one in items:
            await editor.put_items("c", [one])
        assert await reader.fetchval("SELECT count(*) FROM kakehashi.item_change") > 0
        for _ in range(600):
            if not await reader.fetchval("SELECT count(*) FROM kakehashi.item_change"):
                break
            await asyncio.sleep(0.05)
        assert told(await figures_of(reader, "c")) == expected(items, "c")
        box = await reader.fetchval(
            "SELECT content #> '{extent,spatial,bbox,0}' FROM pgstac.collections WHERE id = 'c'"
        )
        assert jsontext.loads(box) == list((await figures_of(reader, "c")).box)
        # An edit while the server stops is left to others.
        await editor.delete_item("c", items[0]["id"], lambda document: None)
        await editor.close()
        assert await reader.fetchval("SELECT count(*) FROM kakehashi.item_change") == 1
    finally:
        await editor.close()
        await pool.close()
