"""Collections in the database whose extent and summaries follow their items."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from catalog import jsontext
from catalog.store.deletion import Deleted, delete_items
from catalog.store.statistics import fold_changes, recount
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

Connection = Any

DECLARED = collection("c") | {
    "extent": {
        "spatial": {"bbox": [[-180, -56, 180, 83]]},
        "temporal": {"interval": [["2015-06-27T10:25:31Z", None]]},
    },
    "summaries": {"platform": ["sentinel-2a"], "instruments": ["msi"]},
}


@pytest.fixture
async def ingest(database_url: str) -> AsyncIterator[Connection]:
    session = {"role": "kakehashi_ingest", "search_path": "pgstac,public", "timezone": "UTC"}
    connection = await asyncpg.connect(database_url, server_settings=session)
    await connection.execute("DELETE FROM pgstac.collections")
    await upsert_collections(connection, [DECLARED])
    yield connection
    await connection.close()


async def served(connection: Connection) -> dict[str, Any]:
    content = await connection.fetchval("SELECT content FROM pgstac.collections WHERE id = 'c'")
    found: dict[str, Any] = jsontext.loads(content)
    return found


def bbox(content: dict[str, Any]) -> Any:
    return content["extent"]["spatial"]["bbox"]


def end(content: dict[str, Any]) -> Any:
    return content["extent"]["temporal"]["interval"][0][1]


async def test_a_load_moves_extent_and_summaries_and_nothing_else(ingest: Connection):
    await upsert_items(ingest, [item("c", "a", "2024-05-01T00:00:00Z", platform="sentinel-2c", gsd=10)])
    await fold_changes(ingest)
    found = await served(ingest)
    assert found["extent"] == {
        "spatial": {"bbox": [[0, 0, 1, 1]]},
        "temporal": {"interval": [["2015-06-27T10:25:31Z", "2024-05-01T00:00:00Z"]]},
    }
    assert found["summaries"] == {
        "platform": ["sentinel-2a", "sentinel-2c"],
        "instruments": ["msi"],
        "gsd": [10],
    }
    rest = {name: value for name, value in found.items() if name not in ("extent", "summaries")}
    assert rest == {name: value for name, value in DECLARED.items() if name not in ("extent", "summaries")}


async def test_a_definition_that_is_written_again_changes_nothing_and_shows_nothing_else(ingest: Connection):
    await upsert_items(ingest, [item("c", "a")])
    await fold_changes(ingest)
    before = await served(ingest)
    assert await upsert_collections(ingest, [DECLARED]) == 0
    assert await served(ingest) == before
    assert await upsert_collections(ingest, [DECLARED | {"title": "New"}]) == 1
    assert await served(ingest) == before | {"title": "New"}
    await fold_changes(ingest, ["c"])
    assert await served(ingest) == before | {"title": "New"}


async def test_a_definition_that_changes_its_summaries_is_followed_from_the_new_ones(ingest: Connection):
    await upsert_items(ingest, [item("c", "a", platform="sentinel-2c")])
    await fold_changes(ingest)
    assert await upsert_collections(ingest, [DECLARED | {"summaries": {"platform": ["sentinel-2b"]}}]) == 1
    assert (await served(ingest))["summaries"] == {"platform": ["sentinel-2b", "sentinel-2c"]}
    await fold_changes(ingest, ["c"])
    assert (await served(ingest))["summaries"] == {"platform": ["sentinel-2b", "sentinel-2c"]}


async def test_a_collection_that_another_tool_writes_declares_what_that_says(ingest: Connection):
    await upsert_items(ingest, [item("c", "a", platform="sentinel-2c")])
    await fold_changes(ingest)
    other = collection("c") | {"summaries": {"platform": ["other"]}}
    await ingest.execute("SELECT pgstac.upsert_collection($1::jsonb)", jsontext.dumps(other).decode())
    await fold_changes(ingest, ["c"])
    found = await served(ingest)
    assert found["summaries"] == {"platform": ["other", "sentinel-2c"]}
    assert found["extent"]["temporal"]["interval"] == [["2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z"]]


async def test_a_recount_narrows_and_an_empty_collection_says_what_it_declares(ingest: Connection):
    far = item("c", "far", "2025-01-01T00:00:00Z", **{"harvest:source": "cdse"}) | {
        "geometry": {"type": "Point", "coordinates": [140, 35]},
        "bbox": [140, 35, 140, 35],
    }
    await upsert_items(ingest, [item("c", "near", **{"harvest:source": "cdse"}), far])
    await fold_changes(ingest)
    assert bbox(await served(ingest)) == [[0, 0, 140, 35]]
    assert end(await served(ingest)) == "2025-01-01T00:00:00Z"

    def dead(name: str) -> Deleted:
        return Deleted(name, "c", name, datetime(2026, 1, 1, tzinfo=UTC), None)

    assert await delete_items(ingest, "cdse", [dead("far")]) == 1
    await recount(ingest, "c")
    assert bbox(await served(ingest)) == [[0, 0, 1, 1]]
    assert end(await served(ingest)) == "2024-05-01T00:00:00Z"
    assert await delete_items(ingest, "cdse", [dead("near")]) == 1
    await recount(ingest, "c")
    assert await served(ingest) == DECLARED
