"""Free text, collection search and aggregations over many items, and what the index of texts costs a loader.

    python -m bench.discovery [--items 1000000] [--rounds 9] [--database-url URL]

Without a URL it runs a private PostgreSQL in a temporary directory.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import orjson

from bench.asking import Caller
from bench.figures import median, milliseconds, table
from bench.generated import Shape, fill
from bench.servers import ours
from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import connect
from catalog.store.writer import upsert_translations

_DATABASE = "bench_discovery"
# Every tenth collection is in Japanese too (the word of some collections); the last has items with titles, a few of them with a rare word.
_TEXTS = """
    UPDATE pgstac.items SET content = jsonb_set(content, '{properties,title}', to_jsonb(
        'Scene number ' || id || CASE WHEN hashtext(id) % 500 = 0 THEN ' 富士山' ELSE '' END))
    WHERE collection = $1
"""
_COPY = "INSERT INTO {table} SELECT * FROM bench_rows"
_QUESTIONS = {
    "items: a word of some collections": "/search?limit=10&q=" + quote("だいち"),
    "items: two words, one rare in items": "/search?limit=10&q=" + quote("だいち OR 富士山"),
    "items: a rare word of items": "/search?limit=10&q=" + quote("富士山"),
    "items: a frequent word of items": "/search?limit=10&q=scene",
    "items: a word of all collections": "/search?limit=10&q=measurements",
    "items: a word with a digit": "/search?limit=10&q=ALOS-2",
    "items: what looks like an id": "/search?limit=10&q=ALOS2478123150-230331",
    "items: all but some": "/search?limit=10&q=" + quote("NOT だいち"),
    "items: nothing": "/search?limit=10&q=nowhere",
    "collections: all": "/collections?limit=1000",
    "collections: a word": "/collections?limit=10&q=" + quote("だいち"),
    "collections: filter and sort": "/collections?limit=10&sortby=-title&filter="
    + quote("title LIKE '%bench-1%'"),
    "aggregate: one collection, one month": (
        "/collections/bench-00/aggregate?aggregations=total_count,datetime_frequency,cloud_cover_frequency"
        "&datetime=2023-03-01T00:00:00Z/2023-03-31T00:00:00Z"
    ),
    "aggregate: total and collections of all": "/aggregate?aggregations=total_count,collection_frequency",
    "aggregate: histogram of all": "/aggregate?aggregations=datetime_frequency",
    "aggregate: cloud cover of all": "/aggregate?aggregations=cloud_cover_frequency,platform_frequency",
    "aggregate: geohashes of all": "/aggregate?aggregations=centroid_geohash_grid_frequency",
}


def main() -> None:
    """Fill a database, ask, and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--collections", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--database-url")
    arguments = parser.parse_args()
    shape = Shape(arguments.items, assets=1, collections=arguments.collections)
    with _server(arguments.database_url) as base:
        asyncio.run(_report(base, shape, arguments.rounds))


@contextmanager
def _server(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="bench-discovery-") as directory:
        cluster = PrivateCluster(DatabaseSettings(data_dir=Path(directory) / "data", database_url=None))
        with cluster.in_use():
            yield cluster.url()


async def _report(base: str, shape: Shape, rounds: int) -> None:
    async with connect(base) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE}")
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    parts = urlsplit(base)
    url = f"{parts.scheme}://{parts.netloc}/{_DATABASE}?{parts.query}"
    await fill(url, shape)
    async with connect(url) as connection:
        japanese = {name: {"title": f"だいち {name}", "keywords": ["衛星"]} for name in shape.names[::10]}
        await upsert_translations(connection, "ja", japanese)
        await connection.execute(_TEXTS, shape.names[-1])
        await connection.execute("ANALYZE; CHECKPOINT")
    print(f"\n{shape.items:,} items, {shape.collections * shape.months} partitions: ms, median of {rounds}\n")
    print(table(["question", "ms", "matched"], await _answers(url, rounds)))
    print("\nRows copied into a table with the indexes of a partition: items/s, best of 5\n")
    print(table(["index of texts", "items/s"], await _load(url)))


async def _answers(url: str, rounds: int) -> list[list[str]]:
    rows = []
    # Answers are not kept: what is measured is the making of them.
    with ours(url, settings={"KAKEHASHI_CATALOGUE_CACHE_BYTES": "0"}) as server:
        async with Caller(server.port) as caller:
            for name, target in _QUESTIONS.items():
                times = []
                for turn in range(-2, rounds):
                    answer = await caller.get(target)
                    if answer.status != 200:
                        raise SystemExit(f"{name}: {answer.status} {answer.body[:300]!r}")
                    if turn >= 0:
                        times.append(answer.seconds)
                answer = await caller.get(target)
                matched = orjson.loads(answer.body).get("numberMatched", "")
                rows.append([name, milliseconds(median(times)), str(matched)])
    return rows


async def _load(url: str) -> list[list[str]]:
    """Measure rows without texts, which is what most items are."""
    async with connect(url) as connection:
        await connection.execute(
            """
            CREATE UNLOGGED TABLE bench_rows AS SELECT * FROM pgstac.items WHERE collection = 'bench-00' LIMIT 20000;
            CREATE UNLOGGED TABLE bench_without (LIKE pgstac.items);
            CREATE UNIQUE INDEX ON bench_without (id);
            CREATE INDEX ON bench_without (datetime DESC, end_datetime);
            CREATE INDEX ON bench_without USING gist (geometry);
            CREATE UNLOGGED TABLE bench_with (LIKE bench_without INCLUDING INDEXES);
            CREATE INDEX ON bench_with USING gin (kakehashi.item_words(content))
            WHERE kakehashi.has_item_text(content);
            """
        )
        number = await connection.fetchval("SELECT count(*) FROM bench_rows")
        rows = []
        times: dict[str, list[float]] = {"bench_without": [], "bench_with": []}
        for _ in range(5):
            for name, taken in times.items():
                begun = time.perf_counter()
                await connection.execute(_COPY.format(table=name))
                taken.append(time.perf_counter() - begun)
                await connection.execute(f"TRUNCATE {name}")
        rows = [[name.removeprefix("bench_"), f"{number / min(taken):,.0f}"] for name, taken in times.items()]
        await connection.execute("DROP TABLE bench_rows, bench_without, bench_with")
    return rows


if __name__ == "__main__":
    main()
