"""How long `status` takes with a million items in 4,000 partitions, and with a million refused records.

.venv/bin/python bench/status.py
.venv/bin/python bench/status.py --items 200000 --collections 10

The items are small and made by PostgreSQL itself, straight into pgstac's partitions, so that nobody told
our bookkeeping of them: the first status meets a catalogue of strangers, then they are counted, and the
later ones are of a catalogue that is known.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import asyncpg
import orjson

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from catalog.store.quarantine import Choice, held_records
from catalog.store.statistics import fold_changes
from catalog.store.status import read_status
from catalog.store.writer import upsert_collections
from tests.store.items import collection

ROUNDS = 9
MONTHS = 100
FIRST = "2018-01-01"

_PARTITIONS = """
    SELECT count(*)
    FROM generate_series($2::timestamptz, $2::timestamptz + make_interval(months => $3 - 1), '1 month') AS month
    CROSS JOIN LATERAL kakehashi.prepare_partition($1, tstzrange(month, month, '[]'), tstzrange(month, month, '[]'))
"""
_ITEMS = """
    INSERT INTO pgstac.items (id, geometry, collection, datetime, end_datetime, content)
    SELECT $1 || '-' || number, ST_MakeEnvelope(lon, lat, lon + 1, lat + 1, 4326), $1, moment, moment,
        jsonb_build_object(
            'properties', jsonb_build_object('datetime', moment, 'platform', 'sentinel-2' || chr(97 + number % 3),
                'gsd', 10, 'eo:cloud_cover', number % 101),
            'assets', '{}'::jsonb, 'links', '[]'::jsonb, 'stac_extensions', '[]'::jsonb)
    FROM generate_series(1, $2::int) AS number
    CROSS JOIN LATERAL (
        SELECT number % 178 - 89.0 AS lat, number % 358 - 179.0 AS lon,
            $3::timestamptz + make_interval(months => number % $4::int) + make_interval(mins => number % 40000) AS moment
    ) AS placed
"""
_REFUSED = """
    INSERT INTO kakehashi.quarantine (source, digest, native_id, collection, code, reason, native)
    SELECT 'cdse', sha256(number::text::bytea), number::text, 'c' || number % 40,
        (ARRAY['no-geometry', 'bad-datetime', 'schema'])[1 + number % 3], 'made up', repeat('x', 500) || number
    FROM generate_series(1, $1::int) AS number
"""


async def connect(url: str, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    session = {"role": role, "search_path": "pgstac,public", "timezone": "UTC", "jit": "off"}
    return await asyncpg.connect(url, server_settings=session | {"plan_cache_mode": "force_custom_plan"})


async def fill(url: str, items: int, collections: int, refused: int) -> None:
    connection = await connect(url, "kakehashi_ingest")
    names = [f"c{number}" for number in range(collections)]
    await upsert_collections(
        connection, [collection(name, **{"kakehashi:partition": "month"}) for name in names]
    )
    first = await connection.fetchval(f"SELECT '{FIRST}'::timestamptz")
    for name in names:
        await connection.execute(_PARTITIONS, name, first, MONTHS)
        await connection.execute(_ITEMS, name, items // collections, first, MONTHS)
    await connection.execute(_REFUSED, refused)
    await connection.close()


async def measure(url: str, what: str) -> None:
    connection = await connect(url, "kakehashi_read")
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        orjson.dumps(await read_status(connection))
        took.append(time.perf_counter() - start)
    status = await read_status(connection)
    exact = "exact" if status.items_exact else "estimated"
    print(
        f"{what}: first {took[0] * 1000:.0f} ms, then {statistics.median(took[1:]) * 1000:.0f} ms (median of {ROUNDS - 1})"
        f"; {status.items:,} items ({exact}), {status.quarantined:,} refused records"
    )
    await connection.close()


async def run(url: str, options: argparse.Namespace) -> None:
    start = time.perf_counter()
    await migrate(url)
    await fill(url, options.items, options.collections, options.refused)
    owner = await asyncpg.connect(url)
    partitions = await owner.fetchval("SELECT count(*) FROM pg_partition_tree('pgstac.items') WHERE isleaf")
    print(f"{options.items:,} items in {partitions:,} partitions made in {time.perf_counter() - start:.0f} s")
    await measure(url, "never counted")
    ingest = await connect(url, "kakehashi_ingest")
    for what in ("counted anew, summaries too", "nothing to do"):
        start = time.perf_counter()
        folded = await fold_changes(ingest)
        print(f"{what}: {len(folded)} collections in {time.perf_counter() - start:.2f} s")
    await measure(url, "counted")
    start = time.perf_counter()
    read = sum([len(portion) async for portion in held_records(ingest, Choice("cdse"))])
    print(f"quarantine: {read:,} records read in portions in {time.perf_counter() - start:.1f} s")
    await ingest.close()
    await owner.close()


def command(url: str) -> None:
    program = [sys.executable, "-m", "cli", "status", "--json"]
    environment = {"KAKEHASHI_DATABASE_URL": url, "PATH": "/usr/bin:/bin", "PYTHONPATH": "."}
    took = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(
            program, env=environment, cwd=Path(__file__).parent.parent, check=True, capture_output=True
        )
        took.append(time.perf_counter() - start)
    print(f"`kakehashi status --json` as a process, Python's start with it: {min(took):.2f} s (best of 3)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--collections", type=int, default=40, help=f"each with {MONTHS} partitions")
    parser.add_argument("--refused", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kakehashi-bench-") as directory:
        Path(directory).chmod(0o755)
        settings = DatabaseSettings(data_dir=Path(directory) / "data", database_url=None)
        cluster = PrivateCluster(settings)
        with cluster.in_use():
            asyncio.run(run(cluster.url(), options))
            command(cluster.url())


if __name__ == "__main__":
    main()
