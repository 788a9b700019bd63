"""How fast items are loaded, beside pypgstac and beside COPY of ready rows, on one server in one run.

    .venv/bin/python bench/loading.py                  20,000 items: some minutes
    .venv/bin/python bench/loading.py --items 200000   the size that is promised
    .venv/bin/python bench/loading.py --in-order       as pypgstac likes it best

Items of 9 collections and 36 months come mixed, as an upstream's list by id has them, or in order of time.

Every load is a process of its own that reads a file of NDJSON: `pypgstac load items` or `kakehashi load
--no-validate`, since pypgstac does not validate. Told are the wall clock, the processor time of the client and
of the server (which other work on the machine disturbs less), and the client's peak memory. While
`kakehashi load` inserts, a reader asks again and again for the newest items, and gives up where
it has to wait for a lock for 100 ms.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asyncpg
import orjson
import psutil

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.copy_rows import COLUMNS
from catalog.store.migrate import migrate

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS, ASSETS, CHANGED = 9, 19, 20
_STRIDE = 104_729  # a prime: neighbours in the file are months apart
FIRST = datetime(2021, 1, 1, tzinfo=UTC)
_PROGRAMS = {
    "pypgstac": """
import sys
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods
with PgstacDB(dsn=sys.argv[1]) as database:
    Loader(database).load_items(sys.argv[2], insert_mode=Methods(sys.argv[3]))
""",
    "kakehashi": """
import sys
from pathlib import Path
from catalog.settings import DatabaseSettings
from catalog.store.deciding import Mode
from commands.load import Order, load
order = Order((Path(sys.argv[2]),), Mode(sys.argv[3]), validate=sys.argv[4:] == ["--validate"])
load(order, DatabaseSettings(database_url=sys.argv[1]))
""",
}


@dataclass(frozen=True)
class Measured:
    """One load: seconds on the wall, of the client's and of the server's processors, and bytes of memory."""

    items: int
    wall_s: float
    client_s: float
    server_s: float
    memory: int
    said: str

    @property
    def cpu_s(self) -> float:
        """Processor time of both."""
        return self.client_s + self.server_s


@dataclass(frozen=True)
class Input:
    """What is loaded: so many items, over so many months, in order of time or all months in turn."""

    items: int
    months: int
    in_order: bool


def make_item(number: int, of: Input, *, changed: bool = False) -> dict[str, Any]:
    """Return an item of about 10 kB, as Sentinel-2 has them.

    Args:
        number: which one.
        of: of which input.
        changed: whether it says something else than usual.
    """
    collection = f"bench-{number % COLLECTIONS}"
    place = number if of.in_order else number // COLLECTIONS * _STRIDE % of.items
    moment = FIRST + timedelta(days=of.months * 30.4375) * (place / of.items)
    dice = random.Random(number)
    west, south = dice.uniform(-179, 178), dice.uniform(-80, 79)
    name = f"S2A_MSIL2A_{moment:%Y%m%dT%H%M%S}_N0510_R{number % 143:03}_T54SUE_{number:08}"
    time_text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assets = {
        f"B{band:02}_10m": {
            "href": f"s3://eodata/Sentinel-2/MSI/L2A/{moment:%Y/%m/%d}/{name}.SAFE/GRANULE/"
            f"L2A_T54SUE_A{number:06}_{moment:%Y%m%dT%H%M%S}/IMG_DATA/R10m/T54SUE_B{band:02}_10m.jp2",
            "type": "image/jp2",
            "title": f"Band {band}, 10 metres",
            "roles": ["data", "reflectance", "sampling:original"],
            "gsd": 10,
            "proj:shape": [10980, 10980],
            "proj:transform": [10, 0, 300000, 0, -10, 4000020],
            "file:size": dice.randrange(10**8),
            "file:checksum": f"d50110{dice.getrandbits(128):032x}",
            "bands": [{"name": f"B{band:02}", "eo:center_wavelength": 0.4 + band / 100}],
        }
        for band in range(ASSETS)
    }
    ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": name,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, west + 1, south + 1],
        "properties": {
            "datetime": time_text,
            "created": time_text,
            "updated": time_text,
            "platform": "sentinel-2a",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "eo:cloud_cover": dice.random() * 100 + changed,
            "grid:code": "MGRS-54SUE",
            "sat:relative_orbit": number % 143 + 1,
            "view:sun_azimuth": dice.random() * 360,
            "view:sun_elevation": dice.random() * 90,
            "processing:level": "L2",
        },
        "links": [{"rel": "via", "href": f"https://example.org/{name}", "type": "application/json"}],
        "assets": assets,
    }


def write_items(path: Path, of: Input, *, changed: bool = False) -> None:
    """Write a file of items; with `changed`, one in twenty says something else."""
    with path.open("wb") as file:
        for number in range(of.items):
            item = make_item(number, of, changed=changed and number % CHANGED == 0)
            file.write(orjson.dumps(item) + b"\n")


class Bench:
    """One server with a database per program."""

    def __init__(self, cluster: PrivateCluster, directory: Path, of: Input) -> None:
        self._cluster = cluster
        self._directory = directory
        self._of = of

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        parts = urlsplit(self._cluster.url())
        return f"{parts.scheme}:///bench_{name}?{parts.query}"

    async def make(self, name: str) -> None:
        """Make a database with pgstac and the collections, and nothing else."""
        await _run(self._cluster.url(), f"DROP DATABASE IF EXISTS bench_{name}")
        await _run(self._cluster.url(), f"CREATE DATABASE bench_{name}")
        await migrate(self.url(name))
        connection = await _connect(self.url(name))
        for number in range(COLLECTIONS):
            collection = {"type": "Collection", "id": f"bench-{number}", "stac_version": "1.1.0", "links": []}
            await connection.execute(
                "INSERT INTO pgstac.collections (content, partition_trunc) VALUES ($1, 'month')",
                json.dumps(collection),
            )
        await connection.close()

    def load(self, program: str, file: Path, mode: str, *more: str) -> Measured:
        """Load a file by a program into the database of its name."""
        # What the last one left is written down first, not while this one is measured.
        asyncio.run(_run(self.url(program), "CHECKPOINT"))
        before = self._server_seconds()
        started = time.perf_counter()
        command = [sys.executable, "-c", _PROGRAMS[program], self.url(program), str(file), mode, *more]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        said = process.stderr.read() if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if status:
            raise SystemExit(f"{program} failed: {said[-2000:]}")
        return Measured(
            self._of.items,
            wall,
            usage.ru_utime + usage.ru_stime,
            self._server_seconds() - before,
            usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            said,
        )

    def _server_seconds(self) -> float:
        """Processor time of the server with all its processes, those that ended included."""
        number = (self._cluster.directory.cluster / "postmaster.pid").read_text().split("\n", 1)[0]
        server = psutil.Process(int(number))
        total = sum(server.cpu_times()[:4])
        for child in server.children():
            try:
                total += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        return total

    async def copy_ready_rows(self) -> float:
        """COPY what kakehashi loaded into partitions that are there; return seconds per row."""
        await self.make("raw")
        source, target = await _connect(self.url("kakehashi")), await _connect(self.url("raw"))
        spent, rows = 0.0, 0
        for number in range(COLLECTIONS):
            tables = [
                await connection.fetchval(
                    "SELECT '_items_' || key FROM pgstac.collections WHERE id = $1", f"bench-{number}"
                )
                for connection in (source, target)
            ]
            await target.fetchval(
                """
                SELECT count(made)
                FROM generate_series($2::timestamptz, $2 + make_interval(months => $3), interval '1 month') AS month,
                    kakehashi.prepare_partition($1, tstzrange(month, month, '[]'), tstzrange(month, month, '[]')) AS made
                """,
                f"bench-{number}",
                FIRST,
                self._of.months + 1,
            )
            file = self._directory / "rows"
            await source.copy_from_query(
                f"SELECT {', '.join(COLUMNS)} FROM pgstac.{tables[0]}",
                output=file,
                format="binary",
            )
            started = time.perf_counter()
            done = await target.copy_to_table(
                tables[1], schema_name="pgstac", columns=COLUMNS, source=file, format="binary"
            )
            spent += time.perf_counter() - started
            rows += int(done.split()[1])
            file.unlink()
        await source.close()
        await target.close()
        return spent / rows


class Reader:
    """Asks for the newest items again and again while something is loaded."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()))
        self.seconds: list[float] = []
        self.locked_out = 0

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _read(self) -> None:
        connection = await _connect(self._url, role="kakehashi_read", lock_timeout="100ms")
        while not self._stop.is_set():
            started = time.perf_counter()
            try:
                await connection.fetch(
                    "SELECT id, content FROM pgstac.items WHERE collection = 'bench-0' "
                    "AND datetime >= '2021-01-01' ORDER BY datetime DESC LIMIT 10"
                )
            except asyncpg.LockNotAvailableError:
                self.locked_out += 1
            self.seconds.append(time.perf_counter() - started)
            await asyncio.sleep(0.02)
        await connection.close()


async def _connect(url: str, **settings: str) -> Any:
    return await asyncpg.connect(url, server_settings={"search_path": "pgstac,public", **settings})


async def _run(url: str, statement: str) -> None:
    connection = await _connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _tell(name: str, one: Measured, peer: Measured | None = None) -> None:
    ratio = f"{peer.wall_s / one.wall_s:5.1f} x wall, {peer.cpu_s / one.cpu_s:5.1f} x cpu" if peer else ""
    print(
        f"{name:36} {one.wall_s:7.1f} s {one.items / one.wall_s:8,.0f}/s   client {one.client_s:6.1f} s "
        f"server {one.server_s:6.1f} s   {one.memory / 1e6:5.0f} MB   {ratio}",
        flush=True,
    )


def measure(bench: Bench, directory: Path, of: Input) -> None:
    """Run everything and print it."""
    same, changed = directory / "items.ndjson", directory / "changed.ndjson"
    write_items(same, of)
    write_items(changed, of, changed=True)
    kilobytes = same.stat().st_size / of.items / 1000
    order = "in order of time" if of.in_order else "all months in turn"
    print(
        f"{of.items:,} items of {kilobytes:.1f} kB, {COLLECTIONS} x {of.months} months, {order}", flush=True
    )
    for name in ("pypgstac", "kakehashi"):
        asyncio.run(bench.make(name))
    steps = (
        ("insert", same, "insert"),
        ("upsert, nothing changed", same, "upsert"),
        ("upsert, 5 % changed", changed, "upsert"),
    )
    for step, file, mode in steps:
        peer = bench.load("pypgstac", file, mode)
        _tell(f"pypgstac   {step}", peer)
        with Reader(bench.url("kakehashi")) as reader:
            ours = bench.load("kakehashi", file, mode)
        _tell(f"kakehashi  {step}", ours, peer)
        print(f"           {ours.said.strip().splitlines()[-1]}")
        times = sorted(reader.seconds)
        print(
            f"           a reader meanwhile: {len(times)} searches, median {times[len(times) // 2] * 1000:.0f} ms, "
            f"longest {times[-1] * 1000:.0f} ms, {reader.locked_out} waited 100 ms for a lock",
            flush=True,
        )
        if step == "insert":
            raw = asyncio.run(bench.copy_ready_rows())
            print(
                f"COPY of the ready rows, one connection: {raw * 1e6:.0f} µs a row, {1 / raw:,.0f}/s; "
                f"kakehashi insert is at {raw * of.items / ours.wall_s:.0%} of it",
                flush=True,
            )
    _tell("kakehashi  unchanged, validated", bench.load("kakehashi", changed, "upsert", "--validate"))


def main() -> None:
    """Read options, set up a server of its own, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument(
        "--months", type=int, default=36, help="fewer for few items: each month is a partition"
    )
    parser.add_argument(
        "--directory", type=Path, help="where files and database go; needs about 60 kB per item"
    )
    parser.add_argument(
        "--in-order", action="store_true", help="items come in order of time, as few months at once as can be"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="kakehashi-bench-") as name:
        directory = Path(name)
        settings = DatabaseSettings(data_dir=directory / "data", database_url=None)
        cluster = PrivateCluster(settings)
        with cluster.in_use():
            wanted = Input(options.items, options.months, options.in_order)
            measure(Bench(cluster, directory, wanted), directory, wanted)


if __name__ == "__main__":
    main()
