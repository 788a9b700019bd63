"""What it would cost and save to store each item's answer beside pgstac's content.

    .venv/bin/python bench/rendering.py                  # 50,000 items of 10 kB
    .venv/bin/python bench/rendering.py --items 20000

Three ways to a page of 100: pgstac's `content` as text, from which nothing is made (the least that any way
can take); what the read path does, pieces of that text cut and joined; and a table that holds each item's
JSON ready made. Beside them what such a table takes on disk, and the time to write it.
"""

import argparse
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import asyncpg
import uvloop

from bench.databases import database, private_cluster
from bench.figures import median, milliseconds, percentile, table
from bench.generated import Shape
from catalog.store.planning import page_statement, select_items
from catalog.store.queryables import load_queryables
from catalog.store.rows import BaseItems, items_of
from catalog.store.search import Search

_RENDER = """
    CREATE TABLE public.bench_rendering AS
    SELECT id, collection, datetime, ((content - 'links') || jsonb_build_object(
        'type', 'Feature', 'id', id, 'collection', collection, 'geometry', ST_AsGeoJSON(geometry, 20)::jsonb
    ))::text AS members, (content->'links')::text AS links
    FROM pgstac.items
"""
_READ = """
    SELECT id, collection, members, links FROM public.bench_rendering
    WHERE collection = $1 ORDER BY datetime DESC, id DESC LIMIT 100
"""
_LEAST = """
    SELECT content::text FROM pgstac.items
    WHERE collection = $1 ORDER BY datetime DESC, id DESC LIMIT 100
"""


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", type=Path, default=Path("/tmp/kakehashi-bench"))
    parser.add_argument("--items", type=int, default=50_000, help="of all collections together (50000)")
    parser.add_argument("--rounds", type=int, default=50, help="pages of each way (50)")
    options = parser.parse_args()
    shape = Shape(items=options.items, collections=2, months=12)
    with private_cluster(options.directory) as base:
        uvloop.run(_report(base, shape, options.rounds))


async def _report(base: str, shape: Shape, rounds: int) -> None:
    url = await database(base, shape)
    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pgstac,public", "timezone": "UTC", "jit": "off"}
    )
    try:
        seconds = await _write(connection)
        times = await _read_in_turn(connection, shape.names[1], rounds)
        least = median(times["content as text"])
        rows = [
            [
                name,
                milliseconds(median(own)),
                milliseconds(percentile(own, 0.95)),
                f"{median(own) / least:.2f}",
            ]
            for name, own in times.items()
        ]
        print(table(["page of 100 items", "median ms", "p95 ms", "of the least"], rows))
        sizes = await _sizes(connection)
        print()
        print(table(["on disk", "bytes per item"], [[name, f"{size:,.0f}"] for name, size in sizes.items()]))
        print(f"\nWriting the ready-made JSON: {seconds / shape.items * 1e6:.0f} µs per item")
    finally:
        await connection.execute("DROP TABLE IF EXISTS public.bench_rendering")
        await connection.close()


async def _write(connection: "asyncpg.Connection[Any]") -> float:
    """Make the table; return the seconds it took."""
    await connection.execute("DROP TABLE IF EXISTS public.bench_rendering")
    begun = time.perf_counter()
    await connection.execute(_RENDER)
    await connection.execute("CREATE INDEX ON public.bench_rendering (collection, datetime DESC, id DESC)")
    seconds = time.perf_counter() - begun
    await connection.execute("VACUUM ANALYZE public.bench_rendering")
    return seconds


async def _read_in_turn(
    connection: "asyncpg.Connection[Any]", collection: str, rounds: int
) -> dict[str, list[float]]:
    search = Search(collections=(collection,), limit=100)
    statement = page_statement(select_items(search, await load_queryables(connection)), 100, None)
    bases = BaseItems()

    async def ours() -> None:
        rows = await connection.fetch(statement.sql, *statement.parameters)
        assert len(await items_of(connection, rows, bases)) == 100

    async def fetched(sql: str) -> None:
        assert len(await connection.fetch(sql, collection)) == 100

    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "content as text": lambda: fetched(_LEAST),
        "pieces of it joined (as served)": ours,
        "ready-made JSON": lambda: fetched(_READ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 5):
        for name, way in ways.items():
            begun = time.perf_counter()
            await way()
            if number >= 5:
                times[name].append(time.perf_counter() - begun)
    return times


async def _sizes(connection: "asyncpg.Connection[Any]") -> dict[str, float]:
    items = await connection.fetchval("SELECT count(*) FROM pgstac.items")
    own = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('pgstac.items') WHERE isleaf"
    )
    more = await connection.fetchval("SELECT pg_total_relation_size('public.bench_rendering')")
    return {
        "pgstac's items with all indexes": float(own) / items,
        "ready-made JSON with its index": more / items,
    }


if __name__ == "__main__":
    main()
