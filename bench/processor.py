"""Processor time per answer, of server and database: what does not depend on who else uses the machine."""

from pathlib import Path

from bench.asking import Caller
from bench.databases import processor_s
from bench.figures import table
from bench.generated import Shape
from bench.latency import questions, some_item
from bench.servers import Server

# The kernel counts in hundredths of a second.
_LEAST_S, _MOST_ASKED = 0.5, 200


async def report(servers: list[Server], directory: Path, url: str, shape: Shape) -> None:
    """Measure and print.

    Args:
        servers: asked one after the other, by one client.
        directory: of the private cluster.
        url: of its database.
        shape: of the generated data.
    """
    found = [await per_answer(server, directory, url, shape) for server in servers]
    rows = [
        [
            name,
            *(f"{worker * 1000:.1f} + {database * 1000:.1f}" for worker, database in each),
            *(f"{sum(other) / max(1e-4, sum(each[0])):.0f}" for other in each[1:]),
        ]
        for name in found[0]
        for each in [[one[name] for one in found]]
    ]
    print("\nProcessor time per answer, ms: server + database\n")
    print(
        table(
            ["", *(server.name for server in servers), *(f"{server.name} / ours" for server in servers[1:])],
            rows,
        )
    )


async def per_answer(
    server: Server, directory: Path, url: str, shape: Shape
) -> dict[str, tuple[float, float]]:
    """Return seconds of server and database per answer, by kind of question."""
    found = {}
    async with Caller(server.port) as caller:
        item_id = await some_item(caller, shape)
        for question in questions(shape, item_id):
            if question.pages > 1:
                continue
            for _ in range(3):
                await caller.get(question.target)
            before = server.processor_s(), processor_s(directory, url)
            asked, spent = 0, (0.0, 0.0)
            while asked < _MOST_ASKED and sum(spent) < _LEAST_S:
                for _ in range(10):
                    answer = await caller.get(question.target)
                    if answer.status != 200:
                        raise SystemExit(f"{question.name}: {answer.status} {answer.body[:300]!r}")
                asked += 10
                spent = server.processor_s() - before[0], processor_s(directory, url) - before[1]
            found[question.name] = spent[0] / asked, spent[1] / asked
    return found
