"""How fast the store finds a page, by kind of search: the read path without HTTP, beside the raw fetch.

    .venv/bin/python bench/search.py                                       # 100,000 items of 10 kB
    .venv/bin/python bench/search.py --items 40000 --collections 100 --months 40   # 4,000 partitions
    .venv/bin/python bench/search.py --url postgresql:///name?host=/run    # a database that is filled already

The *raw fetch* asks for the JSON text of the very rows of the page, by id, partition by partition.
The *first* page of a connection also reads the catalogue of the partitions it touches.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import asyncpg
import uvloop

from app.search_request import read_search
from bench.databases import database, private_cluster
from bench.figures import median, milliseconds, percentile, table
from bench.generated import Shape
from catalog.settings import DatabaseSettings
from catalog.store.database import READ_ROLE
from catalog.store.page import Page
from catalog.store.pool import open_pool
from catalog.store.reader import Reader
from catalog.store.search import Search

_JAPAN, _EUROPE = [130, 30, 146, 46], [-10, 35, 30, 70]
_ONE = "bench-01"
_BY_CLOUDS = [{"field": "eo:cloud_cover", "direction": "desc"}]
_CLEAR = "eo:cloud_cover < 20 AND platform = 'sentinel-2a'"
QUESTIONS: dict[str, dict[str, Any]] = {
    "newest 10 of a collection": {"collections": [_ONE]},
    "newest 100 of a collection": {"collections": [_ONE], "limit": 100},
    "newest 10 of all": {},
    "newest 100 of all": {"limit": 100},
    "oldest 100 of all": {"limit": 100, "sortby": [{"field": "datetime", "direction": "asc"}]},
    "bbox, newest 10": {"bbox": _JAPAN},
    "bbox of a continent, newest 10": {"bbox": _EUROPE},
    "bbox and year, 100": {
        "bbox": _JAPAN,
        "datetime": "2023-01-01T00:00:00Z/2023-12-31T23:59:59Z",
        "limit": 100,
    },
    "one day of all, 10": {"datetime": "2023-05-05T00:00:00Z/2023-05-05T23:59:59Z"},
    "filter, newest 20": {"filter": _CLEAR, "limit": 20},
    "filter, by cloud cover, 20": {
        "collections": [_ONE],
        "filter": _CLEAR,
        "sortby": _BY_CLOUDS,
        "limit": 20,
    },
    "filter that nothing passes": {"collections": [_ONE], "filter": "sat:absolute_orbit = -1"},
    "ids in a collection": {"collections": [_ONE], "ids": [f"{_ONE}_003_0000007", f"{_ONE}_004_0000003"]},
    "ids anywhere": {"ids": [f"{_ONE}_003_0000007", f"{_ONE}_004_0000003"]},
}


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", type=Path, default=Path("/tmp/kakehashi-bench"))
    parser.add_argument("--url", help="of a database that bench/generated.py filled")
    parser.add_argument("--items", type=int, default=100_000, help="of all collections together (100000)")
    parser.add_argument("--collections", type=int, default=4)
    parser.add_argument("--months", type=int, default=24, help="monthly partitions of each collection (24)")
    parser.add_argument("--rounds", type=int, default=15, help="pages of each kind (15)")
    options = parser.parse_args()
    if options.url:
        uvloop.run(report(options.url, options.rounds))
        return
    shape = Shape(items=options.items, collections=options.collections, months=options.months)
    with private_cluster(options.directory) as base:
        uvloop.run(report(uvloop.run(database(base, shape)), options.rounds))


async def report(url: str, rounds: int) -> None:
    """Measure every kind of search and print a table."""
    pool = await open_pool(DatabaseSettings(database_url=url, statement_timeout_s=60), READ_ROLE)
    reader = Reader(pool)
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        rows = []
        for name, body in QUESTIONS.items():
            search = read_search(body, default_limit=10, max_limit=10_000, posted=True).search
            rows.append([name, *await _measure(reader, connection, search, rounds)])
        head = ["search", "first ms", "median ms", "p95 ms", "raw fetch ms", "ratio", "items", "matched"]
        print(table(head, rows))
    finally:
        await connection.close()
        await reader.close()
        await pool.close()


async def _measure(
    reader: Reader, connection: "asyncpg.Connection[Any]", search: Search, rounds: int
) -> list[str]:
    times, page = await _times(reader, search, rounds + 1)
    first, *rest = times
    raw = await _raw_fetch(connection, page, rounds)
    ratio = f"{median(rest) / median(raw):.1f}" if raw else "-"
    count = page.matched
    matched = "-" if count is None else f"{'' if count.is_exact else '~'}{count.items:,}"
    return [
        milliseconds(first),
        milliseconds(median(rest)),
        milliseconds(percentile(rest, 0.95)),
        milliseconds(median(raw) if raw else None),
        ratio,
        str(len(page.documents)),
        matched,
    ]


async def _times(reader: Reader, search: Search, rounds: int) -> tuple[list[float], Page]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await reader.search(search)
        times.append(time.perf_counter() - begun)
    return times, await reader.search(search)


async def _raw_fetch(connection: "asyncpg.Connection[Any]", page: Page, rounds: int) -> list[float]:
    if not page.documents:
        return []
    names = sorted({document.collection for document in page.documents})
    ids = [document.id for document in page.documents]
    found = await connection.fetch(
        "SELECT tableoid::regclass::text AS partition, array_agg(id) AS ids FROM pgstac.items "
        "WHERE collection = ANY ($1) AND id = ANY ($2) GROUP BY 1",
        names,
        ids,
    )
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for row in found:
            await connection.fetch(
                f"SELECT content::text FROM {row['partition']} WHERE id = ANY ($1)", row["ids"]
            )
        times.append(time.perf_counter() - begun)
    return times


if __name__ == "__main__":
    main()
