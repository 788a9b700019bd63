"""Whether pages take longer when the catalogue grows. The items are smaller than real ones, to save disk."""

from contextlib import ExitStack
from pathlib import Path

from bench.asking import Caller
from bench.databases import database
from bench.figures import median, milliseconds, table
from bench.generated import Shape
from bench.latency import questions, some_item
from bench.processor import per_answer
from bench.servers import Server, ours


async def report(base: str, directory: Path, sizes: list[int], assets: int, rounds: int) -> None:
    """Make a database of each size, and ask a server on each in turn.

    Args:
        base: URL of a database of the same cluster.
        directory: of the cluster.
        sizes: numbers of items, ascending.
        assets: of each item.
        rounds: times that each question is asked.
    """
    shapes = [Shape(size, assets) for size in sizes]
    urls = [await database(base, shape) for shape in shapes]
    with ExitStack() as stack:
        servers = [stack.enter_context(ours(url)) for url in urls]
        waited = await _waited(servers, shapes, rounds)
        spent = [
            await per_answer(server, directory, url, shape)
            for server, url, shape in zip(servers, urls, shapes, strict=True)
        ]
    head = ["", *(f"{size / 1e6:g} M" for size in sizes), "last / first"]
    rows = [
        [name, *map(milliseconds, times), f"{times[-1] / times[0]:.2f}"] for name, times in waited.items()
    ]
    print(f"\nGrowth, items of {assets} asset(s), one client: ms median of {rounds}\n")
    print(table(head, rows))
    rows = []
    for name in spent[0]:
        sums = [sum(each[name]) for each in spent]
        rows.append([name, *(f"{each * 1000:.1f}" for each in sums), f"{sums[-1] / max(1e-4, sums[0]):.2f}"])
    print("\nThe same, processor time per answer of server and database: ms\n")
    print(table(head, rows))


async def _waited(servers: list[Server], shapes: list[Shape], rounds: int) -> dict[str, list[float]]:
    """Return the median seconds of each kind of question on each server."""
    callers = [Caller(server.port) for server in servers]
    asked = [
        questions(shape, await some_item(caller, shape))
        for caller, shape in zip(callers, shapes, strict=True)
    ]
    found: dict[str, list[float]] = {}
    for same in zip(*asked, strict=True):
        if same[0].pages > 1:
            continue
        times: list[list[float]] = [[] for _ in servers]
        for turn in range(-3, rounds):
            for each, caller, question in zip(times, callers, same, strict=True):
                answer = await caller.get(question.target)
                if answer.status != 200:
                    raise SystemExit(f"{question.name}: {answer.status} {answer.body[:300]!r}")
                if turn >= 0:
                    each.append(answer.seconds)
        found[same[0].name] = [median(each) for each in times]
    for caller in callers:
        caller.close()
    return found
