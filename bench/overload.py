"""What happens when far more clients ask than the server can serve.

Many connections ask as fast as they are answered, a mix of cheap and dear questions; some read slowly,
some leave before their answer is there. Every request has to end in an answer: 200, or 503 with
Retry-After, which these clients honour. Uses the database that `bench/api.py` makes.

    .venv/bin/python bench/overload.py                    # 200 connections, 60 s, 2 workers
    .venv/bin/python bench/overload.py --seconds 10 --items 30000
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvloop

from bench.asking import Caller
from bench.databases import database, private_cluster
from bench.figures import median, milliseconds, percentile, table
from bench.generated import Shape
from bench.latency import questions, some_item
from bench.servers import Server, ours

# Of all connections: those that read a few bytes at a time, and those that hang up early.
_SLOW_SHARE, _LEAVING_SHARE = 0.05, 0.05
_LONGEST_PAUSE_S = 5.0
# A client's own patience; an answer later than this counts as lost.
_TIMEOUT_S = 60.0


@dataclass
class Tally:
    """What came of the requests."""

    statuses: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    lost: int = 0
    left: int = 0
    memory: list[int] = field(default_factory=list)

    def note(self, name: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self.statuses[str(status)] += 1
        if status == 200:
            self.times.setdefault(name, []).append(seconds)


def main() -> None:
    """Measure what the options say; exit status 1 if a request was lost or failed."""
    options = _options()
    shape = Shape(options.items)
    with private_cluster(options.directory) as base:
        url = uvloop.run(database(base, shape))
        settings = dict(pair.split("=", 1) for pair in options.setting)
        with ours(url, options.workers, settings) as server:
            tally = uvloop.run(_load(server, shape, options))
    _report(tally, options)
    if tally.lost or any(status not in ("200", "503") for status in tally.statuses):
        raise SystemExit(1)


async def _load(server: Server, shape: Shape, options: argparse.Namespace) -> Tally:
    async with Caller(server.port) as caller:
        item_id = await some_item(caller, shape)
    mix = [(each.name, each.target) for each in questions(shape, item_id) if each.pages == 1]
    tally = Tally()
    end = time.monotonic() + options.seconds
    slow = round(options.connections * _SLOW_SHARE)
    leaving = round(options.connections * _LEAVING_SHARE)
    clients = [_leave(server.port, mix, end, tally) for _ in range(leaving)]
    clients += [_read_slowly(server.port, end, tally) for _ in range(slow)]
    clients += [
        _ask(server.port, mix, end, tally, seed) for seed in range(options.connections - leaving - slow)
    ]
    watching = asyncio.ensure_future(_watch_memory(server, tally))
    await asyncio.gather(*clients)
    watching.cancel()
    return tally


async def _ask(port: int, mix: list[tuple[str, str]], end: float, tally: Tally, seed: int) -> None:
    """Ask one thing after the other."""
    chance = random.Random(seed)
    async with Caller(port) as caller:
        while time.monotonic() < end:
            name, target = chance.choice(mix)
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    answer = await caller.get(
                        target, {"Accept-Encoding": chance.choice(["identity", "gzip", "zstd"])}
                    )
            except (OSError, TimeoutError):
                tally.lost += 1
                caller.close()
                continue
            tally.note(name, answer.status, answer.seconds)
            if answer.status == 503:
                await asyncio.sleep(min(_LONGEST_PAUSE_S, float(answer.headers["retry-after"])))


async def _read_slowly(port: int, end: float, tally: Tally) -> None:
    """Ask for a large page and take 64 kB of it a second."""
    while time.monotonic() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65536)
        writer.write(b"GET /search?limit=100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status = await reader.readline()
        if not status:
            tally.lost += 1
        else:
            tally.statuses[status.split()[1].decode()] += 1
        while time.monotonic() < end and await reader.read(65536):  # noqa: ASYNC110 - it is its pace
            await asyncio.sleep(1)
        writer.close()


async def _leave(port: int, mix: list[tuple[str, str]], end: float, tally: Tally) -> None:
    """Ask, and hang up before the answer can be there."""
    chance = random.Random(port)
    while time.monotonic() < end:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {chance.choice(mix)[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(chance.random() / 20)
        writer.close()
        tally.left += 1
        await asyncio.sleep(0.1)


async def _watch_memory(server: Server, tally: Tally) -> None:
    while True:
        with contextlib.suppress(Exception):  # a process may end while it is looked at
            tally.memory.append(max(server.memory()))
        await asyncio.sleep(0.5)


def _report(tally: Tally, options: argparse.Namespace) -> None:
    times = [seconds for each in tally.times.values() for seconds in each]
    print(
        f"\n{options.connections} connections, {options.seconds:g} s, {options.workers} workers, {options.items:,} items: "
        f"{len(times) / options.seconds:.0f} answers/s"
    )
    print(f"statuses: {dict(tally.statuses)}; lost: {tally.lost}; hung up: {tally.left}")
    print(f"memory of the largest worker, at most: {max(tally.memory) / 1e6:.0f} MB\n")
    rows = [
        [name, str(len(values)), *(milliseconds(value) for value in _summary(values))]
        for name, values in [*tally.times.items(), ("all", times)]
    ]
    print(table(["ms", "answers", "median", "p95", "p99", "max"], rows))


def _summary(values: list[float]) -> tuple[float, float, float, float]:
    return median(values), percentile(values, 0.95), percentile(values, 0.99), max(values)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--directory", type=Path, default=Path("/tmp/kakehashi-bench"), help="that of bench/api.py")
    add("--items", type=int, default=200_000)
    add("--connections", type=int, default=200)
    add("--seconds", type=float, default=60)
    add("--workers", type=int, default=2)
    add("--setting", action="append", default=[], metavar="KAKEHASHI_NAME=VALUE", help="for the server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
