"""How many requests a second a server answers when many clients ask at once."""

import asyncio
import time

from bench.asking import Caller
from bench.figures import median, milliseconds, percentile, table
from bench.generated import Shape
from bench.servers import Server

_CONNECTIONS = (1, 8, 32)


async def report(servers: list[Server], shape: Shape, seconds: float) -> None:
    """Measure and print, one server after the other; the clients run on the same machine."""
    name = shape.names[0]
    targets = {
        "page of 10": f"/search?collections={name}&limit=10",
        "page of 100": f"/search?collections={name}&limit=100",
    }
    rows = []
    for label, target in targets.items():
        for server in servers:
            cells = [f"{label}, {server.name}"]
            for connections in _CONNECTIONS:
                times, elapsed, failed = await _run(server.port, target, connections, seconds)
                wrong = f", {failed} failed" if failed else ""
                cells.append(
                    f"{len(times) / elapsed:.0f}/s, {milliseconds(median(times))} ({milliseconds(percentile(times, 0.95))}){wrong}"
                    if times
                    else f"none{wrong}"
                )
            rows.append(cells)
    print(f"\nThroughput of one worker, {seconds:g} s each: requests/s, ms median (p95)\n")
    print(table(["connections", *map(str, _CONNECTIONS)], rows))


async def _run(port: int, target: str, connections: int, seconds: float) -> tuple[list[float], float, int]:
    """Return the times of all good answers, the seconds it took, and how many were not good."""
    times: list[float] = []
    failed = 0
    begun = time.perf_counter()

    async def ask() -> None:
        nonlocal failed
        async with Caller(port) as caller:
            while time.perf_counter() - begun < seconds:
                try:
                    answer = await caller.get(target)
                except OSError:
                    failed += 1
                    continue
                if answer.status == 200:
                    times.append(answer.seconds)
                else:
                    failed += 1

    await asyncio.gather(*(ask() for _ in range(connections)))
    return times, time.perf_counter() - begun, failed
