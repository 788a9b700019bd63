"""Whether pages take longer when the catalogue grows. The items are smaller than real ones, to save disk."""

from urllib.parse import urlsplit

from bench.asking import Caller
from bench.figures import median, milliseconds, table
from bench.generated import Shape, fill
from bench.latency import questions, some_item
from bench.servers import ours
from catalog.store.migrate import connect

_DATABASE = "bench_growth"


async def report(base: str, sizes: list[int], assets: int, rounds: int) -> None:
    """Grow one database from size to size, and measure at each.

    Args:
        base: URL of a database of the same server.
        sizes: numbers of items, ascending.
        assets: of each item.
        rounds: times that each question is asked.
    """
    async with connect(base) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE}")
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    parts = urlsplit(base)
    url = f"{parts.scheme}:///{_DATABASE}?{parts.query}"
    columns: list[dict[str, float]] = []
    for size in sizes:
        shape = Shape(size, assets)
        await fill(url, shape)
        async with connect(url) as connection:
            await connection.execute("CHECKPOINT")
        columns.append(await _medians(url, shape, rounds))
    rows = [
        [
            name,
            *(milliseconds(column[name]) for column in columns),
            f"{columns[-1][name] / columns[0][name]:.2f}",
        ]
        for name in columns[0]
    ]
    print(f"\nGrowth, items of {assets} asset(s): ms median of {rounds}\n")
    print(table(["items", *(f"{size / 1e6:g} M" for size in sizes), "last / first"], rows))


async def _medians(url: str, shape: Shape, rounds: int) -> dict[str, float]:
    found = {}
    with ours(url) as server:
        async with Caller(server.port) as caller:
            item_id = await some_item(caller, shape)
            for question in questions(shape, item_id):
                if question.pages > 1:
                    continue
                times = []
                for turn in range(-3, rounds):
                    answer = await caller.get(question.target)
                    if answer.status != 200:
                        raise SystemExit(f"{question.name}: {answer.status} {answer.body[:300]!r}")
                    if turn >= 0:
                        times.append(answer.seconds)
                found[question.name] = median(times)
    return found
