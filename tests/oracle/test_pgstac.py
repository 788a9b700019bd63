"""pgstac's own `search()` as a second oracle, where it is right; and where it is not, why we differ."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest

from app.cql2_text import parse_text
from app.search_request import read_search
from catalog.settings import DatabaseSettings
from catalog.store.database import READ_ROLE
from catalog.store.pool import open_pool
from catalog.store.reader import Reader
from catalog.store.writer import upsert_collections, upsert_items, upsert_queryables
from tests.api.data import COLLECTIONS, ITEMS, QUERYABLES
from tests.oracle.evaluate import KINDS, matches

Keys = list[tuple[str, str]]


@dataclass
class Both:
    """The same database, asked by us and by pgstac."""

    runner: asyncio.Runner
    reader: Reader
    owner: Any

    def ours(self, body: dict[str, Any]) -> Keys:
        search = read_search(body, default_limit=10, max_limit=10_000, posted=True).search
        page = self.runner.run(self.reader.search(search))
        return [(document.collection, document.id) for document in page.documents]

    def pgstacs(self, body: dict[str, Any]) -> Keys:
        asked = orjson.dumps({"filter-lang": "cql2-json", **body}).decode()
        text = self.runner.run(self.owner.fetchval("SELECT pgstac.search($1::jsonb)", asked))
        return [(item["collection"], item["id"]) for item in orjson.loads(text)["features"]]


@pytest.fixture(scope="module")
def both(make_database: Callable[[str], str]) -> Iterator[Both]:
    url = make_database("oracle_pgstac")
    with asyncio.Runner() as runner:
        session = {"search_path": "pgstac,public", "timezone": "UTC"}
        owner = runner.run(asyncpg.connect(url, server_settings=session))
        runner.run(upsert_queryables(owner, QUERYABLES))
        runner.run(upsert_collections(owner, COLLECTIONS))
        runner.run(upsert_items(owner, ITEMS))
        pool = runner.run(open_pool(DatabaseSettings(database_url=url), READ_ROLE))
        reader = Reader(pool)
        yield Both(runner, reader, owner)
        runner.run(reader.close())
        runner.run(pool.close())
        runner.run(owner.close())


AGREED = [
    '"eo:cloud_cover" < 10',
    "\"eo:cloud_cover\" >= 9.7 AND platform = 'sentinel-2a'",
    '"eo:cloud_cover" BETWEEN 9 AND 10',
    'NOT ("eo:cloud_cover" > 10)',
    "platform = 'だいち'",
    "platform <> 'alos-2'",
    "platform LIKE 'sent%'",
    "platform LIKE '%\\_%'",
    "platform IN ('alos-2', 'GCOM-C')",
    "platform IS NULL",
    "NOT platform IS NULL",
    "CASEI(platform) = CASEI('gcom-C')",
    '"sat:absolute_orbit" = 3 OR "sat:absolute_orbit" = 4',
    '"sat:absolute_orbit" IN (1, 2)',
    "created > TIMESTAMP('2024-01-05T00:00:00Z')",
    "A_CONTAINS(instruments, ('msi'))",
    "A_OVERLAPS(instruments, ('sgli', 'none'))",
    "T_BEFORE(datetime, TIMESTAMP('2023-02-01T00:00:00Z'))",
    "T_AFTER(end_datetime, TIMESTAMP('2023-02-01T00:00:00Z'))",
    "T_INTERSECTS(datetime, INTERVAL('2023-02-01', '2023-02-10'))",
    "T_DURING(INTERVAL(start_datetime, end_datetime), INTERVAL('2023-02-01T00:00:00Z', '2023-04-01T00:00:00Z'))",
    "T_DISJOINT(INTERVAL(datetime, end_datetime), INTERVAL('2023-02-01T00:00:00Z', '..'))",
    "T_EQUALS(datetime, TIMESTAMP('2023-02-02T01:00:00Z'))",
    "T_STARTEDBY(INTERVAL(datetime, end_datetime), TIMESTAMP('2023-04-04T00:00:00Z'))",
    "T_OVERLAPS(INTERVAL(datetime, end_datetime), INTERVAL('2023-04-04T06:00:00Z', '2023-04-06T00:00:00Z'))",
    "T_METBY(datetime, INTERVAL('2023-01-01T00:00:00Z', '2023-02-02T01:00:00Z'))",
    "S_INTERSECTS(geometry, POLYGON((139 35, 140 35, 140 36, 139 36, 139 35)))",
    "S_WITHIN(geometry, POLYGON((138 34, 141 34, 141 37, 138 37, 138 34)))",
    "S_CONTAINS(geometry, POINT(139.7 35.7))",
    "S_DISJOINT(geometry, POLYGON((138 34, 141 34, 141 37, 138 37, 138 34)))",
    "S_CROSSES(geometry, LINESTRING(100 35.7, 150 35.7))",
    "collection = 'gcom-c' AND id <> 'gcom-c_001'",
]


@pytest.mark.parametrize("text", AGREED)
def test_filters_that_pgstac_gets_right(both: Both, text: str) -> None:
    body = {"filter": parse_text(text), "limit": 1000}
    found = both.ours(body)
    assert 0 < len(found) < len(ITEMS) or text.startswith("platform LIKE '%\\")
    assert found == both.pgstacs(body)


@pytest.mark.parametrize(
    "sort",
    [
        ["-datetime"],
        ["+datetime"],
        ["+eo:cloud_cover", "-datetime"],
        ["-sat:absolute_orbit", "+platform"],
        ["-id"],
        ["+created", "+id"],
        ["+instruments"],
    ],
    ids=str,
)
def test_orders_that_pgstac_gets_right(both: Both, sort: list[str]) -> None:
    sortby = [{"field": key[1:], "direction": "desc" if key[0] == "-" else "asc"} for key in sort]
    body = {"sortby": sortby, "limit": 1000}
    assert both.ours(body) == both.pgstacs(body)


_COVER, _ORBIT = {"property": "eo:cloud_cover"}, {"property": "sat:absolute_orbit"}
_INSTRUMENTS, _PLACE = {"property": "instruments"}, {"property": "geometry"}
_AROUND = {
    "type": "Polygon",
    "coordinates": [[[138, 34], [141, 34], [141, 37], [138, 37], [138, 34]]],
}
DIFFERENT: list[tuple[str, dict[str, Any]]] = [
    (
        "an item that makes a division by zero makes the search fail",
        {"op": ">", "args": [{"op": "/", "args": [100, _COVER]}, 11]},
    ),
    (
        "there is no remainder",
        {"op": "=", "args": [{"op": "%", "args": [_ORBIT, 4]}, 1]},
    ),
    ("there is no power", {"op": "=", "args": [{"op": "^", "args": [_ORBIT, 2]}, 9]}),
    (
        "dates outside of temporal operators are unknown",
        {"op": ">", "args": [{"property": "created"}, {"date": "2024-01-05"}]},
    ),
    ("a geometry has to come second", {"op": "s_contains", "args": [_AROUND, _PLACE]}),
    ("boxes are unknown", {"op": "s_intersects", "args": [_PLACE, {"bbox": [138, 34, 141, 37]}]}),
    ("the operator is spelled otherwise", {"op": "a_containedBy", "args": [_INSTRUMENTS, ["msi", "x"]]}),
    (
        "lists are compared in their order, but they are sets",
        {"op": "a_equals", "args": [_INSTRUMENTS, ["msi", "sgli"]]},
    ),
    ("a boolean alone is unknown", {"op": "and", "args": [True, {"op": "=", "args": [_ORBIT, 3]}]}),
    (
        "an item that says `datetime: null` has no datetime",
        {"op": "isNull", "args": [{"property": "datetime"}]},
    ),
]


@pytest.mark.parametrize(("why", "condition"), DIFFERENT, ids=[why for why, _ in DIFFERENT])
def test_filters_that_pgstac_gets_wrong(both: Both, why: str, condition: dict[str, Any]) -> None:
    wanted = sorted((item["collection"], item["id"]) for item in ITEMS if _matches(condition, item))
    body = {"filter": condition, "limit": 1000}
    assert sorted(both.ours(body)) == wanted
    try:
        theirs = sorted(both.pgstacs(body))
    except asyncpg.PostgresError:
        return
    assert theirs != wanted, "pgstac has learned it: move the filter to the list above"


def _matches(condition: dict[str, Any], item: dict[str, Any]) -> bool:
    """The evaluator with the kinds of these items' properties."""
    kinds = {
        "eo:cloud_cover": "number",
        "sat:absolute_orbit": "number",
        "created": "time",
        "instruments": "list",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in kinds.items():
            patch.setitem(KINDS, name, kind)
        return matches(condition, item)
