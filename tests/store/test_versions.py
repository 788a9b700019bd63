"""Versions of one product are linked, whichever comes first, and linked anew when one comes or goes."""

import itertools
import json
import random
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from catalog.store.deletion import Deleted, delete_item, delete_items
from catalog.store.writer import upsert_collections, upsert_items
from tests.store.items import collection, item

Connection = Any
_CHAIN = [
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157",
    "S2A_MSIL2A_20230625T234621_N0510_R073_T01WCP_20240101T000000",
    "S2A_MSIL2A_20230625T234621_N0511_R073_T01WCP_20250101T000000",
]
_OTHERS = [
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCQ_20230626T022157",  # another tile
    "S2A_MSIL2A_20230625T234621_N9999_R073_T01WCP_20260101T000000",  # processed on demand
    "no product name",
]


def _version(identifier: str, **properties: Any) -> dict[str, Any]:
    return item("c", identifier, **{"harvest:source": "cdse", **properties})


async def _said(connection: Connection) -> dict[str, tuple[dict[str, str], bool | None]]:
    """Return by id what each item says of other versions, and whether it is deprecated."""
    rows = await connection.fetch("SELECT id, content::text AS content FROM pgstac.items")
    found = {}
    for row in rows:
        content = json.loads(row["content"])
        links = {
            link["rel"].removesuffix("-version"): link["title"]
            for link in content["links"]
            if link["rel"].endswith("-version")
        }
        found[row["id"]] = links, content["properties"].get("deprecated")
    return found


def _expected(names: list[str]) -> Mapping[str, tuple[dict[str, str], bool | None]]:
    chain = [name for name in _CHAIN if name in names]
    expected: dict[str, tuple[dict[str, str], bool | None]] = {name: ({}, None) for name in names}
    for place, name in enumerate(chain):
        links = {"predecessor": chain[place - 1]} if place else {}
        if place < len(chain) - 1:
            links |= {"successor": chain[place + 1], "latest": chain[-1]}
        expected[name] = links, True if "latest" in links else None
    return expected


@pytest.fixture
async def ready(database_url: str) -> AsyncIterator[Connection]:
    session = {"role": "kakehashi_ingest", "search_path": "pgstac,public", "timezone": "UTC"}
    connection = await asyncpg.connect(database_url, server_settings=session)
    await connection.execute("DELETE FROM pgstac.items")
    await connection.execute("DELETE FROM kakehashi.product_version")
    await upsert_collections(connection, [collection("c")])
    yield connection
    await connection.close()


async def _load(connection: Connection, *batch: dict[str, Any]) -> Any:
    return await upsert_items(connection, batch)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_links_are_the_same_in_whatever_order_versions_come(
    ready: Connection, order: tuple[int, ...]
) -> None:
    for other in _OTHERS:
        await _load(ready, _version(other))
    for place in order:
        await _load(ready, _version(_CHAIN[place]))
    assert await _said(ready) == _expected([*_CHAIN, *_OTHERS])


async def test_all_versions_in_one_batch(ready: Connection) -> None:
    names = [*_CHAIN, *_OTHERS]
    random.Random(5).shuffle(names)
    await _load(ready, *map(_version, names))
    assert await _said(ready) == _expected(names)


async def test_a_version_that_comes_again_changes_nothing(ready: Connection) -> None:
    await _load(ready, *map(_version, _CHAIN))
    written = await _load(ready, *map(_version, _CHAIN))
    assert (written.inserted, written.updated, written.unchanged) == (0, 0, 3)
    assert await _said(ready) == _expected(_CHAIN)


async def test_a_version_that_changed_keeps_its_links(ready: Connection) -> None:
    await _load(ready, *map(_version, _CHAIN))
    written = await _load(ready, _version(_CHAIN[0], title="new"))
    assert written.updated == 1
    assert await _said(ready) == _expected(_CHAIN)


async def test_when_the_latest_is_deleted_the_one_before_is_the_latest(ready: Connection) -> None:
    await _load(ready, *map(_version, _CHAIN))
    gone = Deleted(_CHAIN[2], "c", _CHAIN[2], datetime.now(UTC), None)
    native = _version(_CHAIN[2], note=_CHAIN[2])
    await _load(ready, native)
    assert await delete_items(ready, "cdse", [gone]) == 1
    assert await _said(ready) == _expected(_CHAIN[:2])


async def test_what_an_upstream_says_of_deprecation_stays(ready: Connection) -> None:
    await _load(ready, _version(_CHAIN[1], deprecated=True))
    await _load(ready, _version(_CHAIN[0]))
    said = await _said(ready)
    assert said[_CHAIN[1]] == ({"predecessor": _CHAIN[0]}, True)


async def test_items_without_versions_leave_no_trace(ready: Connection) -> None:
    await _load(ready, _version("no product name"))
    assert await ready.fetchval("SELECT count(*) FROM kakehashi.product_version") == 0


async def test_versions_are_linked_anew_when_one_is_deleted_by_request(ready: Connection) -> None:
    await upsert_items(ready, [_version(name) for name in _CHAIN])
    async with ready.transaction():
        assert await delete_item(ready, "c", _CHAIN[1])
        assert not await delete_item(ready, "c", _CHAIN[1])
    assert await _said(ready) == _expected([_CHAIN[0], _CHAIN[2]])
    row = await ready.fetchrow(
        "SELECT source, id, cause, is_removal FROM kakehashi.tombstone WHERE id = $1", _CHAIN[1]
    )
    assert tuple(row) == ("cdse", _CHAIN[1], "request", True)
