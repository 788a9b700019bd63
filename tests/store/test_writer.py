"""Writing items and collections: what is counted, what is refused, what comes back."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import WriteRefused
from catalog.store.writer import (
    existing_collections,
    upsert_collections,
    upsert_items,
    upsert_queryables,
    upsert_translations,
)
from catalog.store.written import Written
from tests.store.items import collection, item

Connection = Any


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Connection]:
    """As `prepare` connects."""
    connection = await asyncpg.connect(
        database_url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    yield connection
    await connection.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """As the pool of the ingest job connects."""
    session = {
        "role": "kakehashi_ingest",
        "search_path": "pgstac,public",
        "timezone": "UTC",
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": "30000",
    }
    connection = await asyncpg.connect(database_url, server_settings=session)
    await connection.execute("DELETE FROM pgstac.items")
    await upsert_collections(
        connection, [collection("c"), collection("m") | {"kakehashi:partition": "month"}]
    )
    yield connection
    await connection.close()


async def stored(connection: Connection, name: str, of: str = "c") -> dict[str, Any]:
    """Return an item as pgstac's own search gives it to other tools."""
    request = json.dumps({"ids": [name], "collections": [of], "conf": {"nohydrate": False}})
    answer = json.loads(await connection.fetchval("SELECT pgstac.search($1::jsonb)", request))
    assert len(answer["features"]) == 1
    found: dict[str, Any] = answer["features"][0]
    found["links"] = [
        link for link in found["links"] if link["rel"] not in {"collection", "parent", "root", "self"}
    ]
    return found


async def count(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM pgstac.items"))


# Counts


async def test_new_changed_and_equal_items_are_told_apart(connection: Connection):
    assert await upsert_items(connection, [item("c", "a"), item("c", "b")]) == Written(inserted=2)
    again = [item("c", "a"), item("c", "b", gsd=10), item("c", "new")]
    assert await upsert_items(connection, again) == Written(inserted=1, updated=1, unchanged=1)
    assert await upsert_items(connection, again) == Written(unchanged=3)
    assert await count(connection) == 3


async def test_nothing_is_nothing(connection: Connection):
    assert await upsert_items(connection, []) == Written()


async def test_the_time_of_the_harvest_is_no_change(connection: Connection):
    first = item("c", "a") | {
        "properties": {**item("c", "a")["properties"], "harvest:time": "2026-01-01T00:00:00Z"}
    }
    later = copy.deepcopy(first)
    later["properties"]["harvest:time"] = "2026-01-02T00:00:00Z"
    await upsert_items(connection, [first])
    assert await upsert_items(connection, [later]) == Written(unchanged=1)
    assert (await stored(connection, "a"))["properties"]["harvest:time"] == "2026-01-01T00:00:00Z"
    later["properties"]["gsd"] = 30
    assert await upsert_items(connection, [later]) == Written(updated=1)
    assert (await stored(connection, "a"))["properties"]["harvest:time"] == "2026-01-02T00:00:00Z"


CHANGES: dict[str, dict[str, Any]] = {
    "asset": {"assets": {"data": {"href": "https://example.org/moved.tif"}}},
    "geometry": {"geometry": {"type": "Point", "coordinates": [5, 5]}, "bbox": [5, 5, 5, 5]},
    "order of a ring": {
        "geometry": {"type": "Polygon", "coordinates": [[[1, 0], [1, 1], [0, 1], [0, 0], [1, 0]]]},
    },
    "link": {"links": []},
    "end": {
        "properties": {
            "datetime": "2024-05-01T00:00:00Z",
            "start_datetime": "2024-05-01T00:00:00Z",
            "end_datetime": "2024-05-02T00:00:00Z",
        }
    },
    "extension": {"stac_extensions": ["https://example.org/x.json"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_any_other_difference_is_a_change(connection: Connection, change: dict[str, Any]):
    await upsert_items(connection, [item("c", "a")])
    changed = item("c", "a") | change
    assert await upsert_items(connection, [changed]) == Written(updated=1)
    assert await stored(connection, "a") == changed
    assert await upsert_items(connection, [changed]) == Written(unchanged=1)


async def test_an_item_whose_time_moved_is_there_once(connection: Connection):
    """It changes partition: pgstac's unique index knows one partition only."""
    await upsert_items(connection, [item("m", "a", "2024-05-01T00:00:00Z")])
    moved = item("m", "a", "2025-11-01T00:00:00Z")
    assert await upsert_items(connection, [moved]) == Written(updated=1)
    assert await count(connection) == 1
    assert await stored(connection, "a", "m") == moved


async def test_of_two_with_one_id_the_last_one_counts(connection: Connection):
    batch = [item("c", "a", gsd=1), item("m", "a", gsd=2), item("c", "a", gsd=3)]
    assert await upsert_items(connection, batch) == Written(inserted=2)
    assert (await stored(connection, "a"))["properties"]["gsd"] == 3
    assert (await stored(connection, "a", "m"))["properties"]["gsd"] == 2


def test_counts_add_up():
    total = Written(inserted=1)
    total += Written(inserted=1, updated=2, unchanged=3)
    assert (total.inserted, total.updated, total.unchanged) == (2, 2, 3)


# Refusals

BAD: dict[str, dict[str, Any]] = {
    "unknown collection": {"collection": "nowhere"},
    "no geometry": {"geometry": None},
    "geometry of no known type": {"geometry": {"type": "Blob", "coordinates": []}},
    "geometry that is none": {"geometry": {"type": "Polygon", "coordinates": "x"}},
    "datetime that is none": {"properties": {"datetime": "yesterday-ish"}},
    "no datetime": {"properties": {}},
    "NUL in a text": {"properties": {"datetime": "2024-05-01T00:00:00Z", "title": "a\x00b"}},
    "id too long for an index": {"id": "".join(chr(0x4E00 + n) for n in range(5000))},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_one_bad_item_keeps_its_whole_batch_out(connection: Connection, bad: dict[str, Any]):
    await upsert_items(connection, [item("c", "old")])
    batch = [item("c", "good"), item("c", "old", gsd=1), item("c", "bad") | bad]
    with pytest.raises(WriteRefused, match="cannot be stored: "):
        await upsert_items(connection, batch)
    assert await count(connection) == 1
    assert await stored(connection, "old") == item("c", "old")
    # The connection is as good as before.
    assert await upsert_items(connection, batch[:2]) == Written(inserted=1, updated=1)


# What comes back


async def test_values_come_back_as_they_went_in(connection: Connection):
    odd = item(
        "c",
        "α/架け橋 🛰️'\"\\",
        large=12345678901234567890,
        small=1e-9,
        third=0.1,
        whole=3.0,
        negative=-7,
        yes=True,
        empty="",
        nothing=[],
        nested={"a": {"b": [1, None, {"c": "だいち"}]}, "": 1},
        text="line\nbreak\ttab \u2028 \u200b é e\u0301",
    )
    await upsert_items(connection, [odd])
    assert await stored(connection, odd["id"]) == odd


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00𒍟※"), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


async def test_any_value_comes_back_as_it_went_in(connection: Connection):
    found: list[dict[str, Any]] = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(NAMES, VALUES)
    def collect(name: str, value: Any) -> None:
        found.append(item("c", f"n{len(found)}", **{f"x:{name}": value}))

    collect()
    await upsert_items(connection, found)
    assert await upsert_items(connection, found) == Written(unchanged=len(found))
    for one in found:
        assert await stored(connection, one["id"]) == one


async def test_nulls_are_absent_as_everywhere_in_pgstac(connection: Connection):
    """Of the one null that STAC demands, `datetime`, the read path takes care."""
    ends = {"start_datetime": "2024-05-01T00:00:00Z", "end_datetime": "2024-05-31T00:00:00Z"}
    properties = {"datetime": None, "gsd": None, "x:deep": {"a": None, "b": 1}, **ends}
    interval = item("c", "a") | {"properties": properties}
    await upsert_items(connection, [interval])
    assert (await stored(connection, "a"))["properties"] == {"x:deep": {"b": 1}, **ends}
    row = await connection.fetchrow("SELECT datetime, end_datetime FROM pgstac.items")
    assert [f"{value:%Y-%m-%d}" for value in row] == ["2024-05-01", "2024-05-31"]
    assert await upsert_items(connection, [interval]) == Written(unchanged=1)


async def test_other_pgstac_tools_find_the_same(connection: Connection, owner: Connection, database_url: str):
    """What pypgstac loads is what we would have written, and pgstac's search finds ours by place and time."""
    from pypgstac.db import PgstacDB
    from pypgstac.load import Loader, Methods

    items = [item("m", "theirs", "2024-06-01T00:00:00Z", gsd=10)]
    with PgstacDB(dsn=database_url) as database:
        Loader(database).load_items(iter(copy.deepcopy(items)), insert_mode=Methods.insert)
    assert await upsert_items(connection, [*items, item("m", "ours")]) == Written(inserted=1, unchanged=1)
    request = {
        "collections": ["m"],
        "bbox": [0.2, 0.2, 0.4, 0.4],
        "datetime": "2024-05-01T00:00:00Z/2024-05-02T00:00:00Z",
    }
    answer = json.loads(await owner.fetchval("SELECT pgstac.search($1::jsonb)", json.dumps(request)))
    assert [feature["id"] for feature in answer["features"]] == ["ours"]
    assert (
        json.loads(await owner.fetchval("SELECT pgstac.get_item('theirs', 'm')"))["properties"]["gsd"] == 10
    )


async def test_a_long_batch_has_no_time_limit(connection: Connection):
    """The limit is for clients who wait, and a first batch makes a hundred partitions."""
    await connection.execute("SET statement_timeout = 40")
    months = [f"20{year:02}-{month:02}-01T00:00:00Z" for year in range(3) for month in range(1, 13)]
    batch = [item("m", str(number), month) for number, month in enumerate(months)]
    assert await upsert_items(connection, batch) == Written(inserted=len(batch))
    assert await connection.fetchval("SHOW statement_timeout") == "40ms"
    await connection.execute("RESET statement_timeout")
    assert await connection.fetchval("SHOW plan_cache_mode") == "force_custom_plan"


# Collections, translations, queryables


async def test_collections_are_written_when_they_differ(connection: Connection):
    both = [collection("one"), collection("two")]
    assert await upsert_collections(connection, both) == 2
    assert await upsert_collections(connection, both) == 0
    assert await upsert_collections(connection, [collection("one", title="Ein Titel 架け橋"), both[1]]) == 1
    answer = json.loads(await connection.fetchval("SELECT pgstac.get_collection('one')"))
    assert answer["title"] == "Ein Titel 架け橋"
    assert {"one", "two"} <= await existing_collections(connection)


async def test_how_a_collection_is_kept_is_not_part_of_it(connection: Connection):
    row = await connection.fetchrow("SELECT content, partition_trunc FROM pgstac.collections WHERE id = 'm'")
    assert row["partition_trunc"] == "month"
    assert "kakehashi:partition" not in json.loads(row["content"])


async def test_translations_go_with_their_collection(connection: Connection):
    await upsert_collections(connection, [collection("t")])
    await upsert_translations(connection, "ja", {"t": {"title": "だいち"}})
    await upsert_translations(connection, "ja", {"t": {"title": "だいち2号"}})
    rows = await connection.fetch("SELECT language, content FROM kakehashi.collection_translation")
    assert [(row["language"], json.loads(row["content"])) for row in rows] == [("ja", {"title": "だいち2号"})]
    await connection.execute("DELETE FROM pgstac.collections WHERE id = 't'")
    assert await connection.fetchval("SELECT count(*) FROM kakehashi.collection_translation") == 0


async def test_queryables_are_registered_once_and_changed_when_they_differ(owner: Connection):
    number = {"title": "Cloud", "type": "number"}
    document = {
        "properties": {"eo:cloud_cover": number, "platform": {"type": "string"}, "datetime": {}, "id": {}}
    }
    assert await upsert_queryables(owner, document) == 2  # pgstac's own columns are left as they are
    assert await upsert_queryables(owner, document) == 0
    document["properties"]["platform"] = {"type": "string", "title": "Platform"}
    assert await upsert_queryables(owner, document) == 1
    rows = await owner.fetch("SELECT name, definition, property_wrapper FROM pgstac.queryables")
    found = {row["name"]: json.loads(row["definition"]) for row in rows}
    assert len(rows) == len(found)
    assert found["eo:cloud_cover"] == number
    assert found["platform"]["title"] == "Platform"
    assert "pattern" in found["datetime"]
    # Numbers compare as numbers.
    assert (await owner.fetchrow("SELECT * FROM pgstac.queryable('eo:cloud_cover')"))["wrapper"] == "to_float"


async def test_an_index_that_was_asked_for_stays_when_a_definition_changes(owner: Connection):
    await upsert_queryables(owner, {"properties": {"gsd": {"type": "number"}}})
    await owner.execute("UPDATE pgstac.queryables SET property_index_type = 'BTREE' WHERE name = 'gsd'")
    assert await upsert_queryables(owner, {"properties": {"gsd": {"type": "number", "title": "GSD"}}}) == 1
    assert (
        await owner.fetchval("SELECT property_index_type FROM pgstac.queryables WHERE name = 'gsd'")
        == "BTREE"
    )


async def test_a_queryable_of_some_collections_gives_way_to_ours(owner: Connection, connection: Connection):
    await owner.execute("DELETE FROM pgstac.queryables WHERE name = 'gsd'")
    await owner.execute(
        "INSERT INTO pgstac.queryables (name, definition, collection_ids) VALUES ('gsd', '{}', ARRAY['c'])"
    )
    await upsert_queryables(owner, {"properties": {"gsd": {"type": "number"}}})
    rows = await owner.fetch("SELECT collection_ids FROM pgstac.queryables WHERE name = 'gsd'")
    assert [row["collection_ids"] for row in rows] == [None]
