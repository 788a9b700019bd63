"""How fast the API answers, beside the reference server on the same database and the same queries.

Makes a private PostgreSQL cluster in a directory of its own, generates items in it (once: the
next run finds them), installs stac-fastapi.pgstac 7.2 into a venv there, runs the servers and
asks them in turn. Prints tables in Markdown.

    .venv/bin/python bench/api.py                          # 200,000 items of 10 kB, everything
    .venv/bin/python bench/api.py --items 30000 --rounds 5 # a quick look
    .venv/bin/python bench/api.py --only latency --no-peer # ours and the raw fetch alone
    .venv/bin/python bench/api.py --only growth            # 0.2 to 5 million smaller items

The *raw fetch* is what asyncpg needs to get the JSON text of the very rows that an answer holds,
from their partitions, by id: the least that any server on this database can take.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvloop

from bench import growth, latency, processor, throughput
from bench.databases import database, private_cluster
from bench.generated import Shape
from bench.servers import Server, install_peer, ours, peer

_PARTS = ("latency", "processor", "throughput", "growth")


def main() -> None:
    """Measure what the options say."""
    options = _options()
    directory: Path = options.directory
    with private_cluster(directory) as base:
        if options.peer:
            install_peer(directory / "peer")
        if {"latency", "processor", "throughput"} & set(options.only):
            shape = Shape(
                options.items, options.assets, options.collections, options.months, options.item_assets
            )
            url = uvloop.run(database(base, shape))
            with ExitStack() as stack:
                servers = [stack.enter_context(ours(url))]
                if options.peer:
                    servers += [
                        stack.enter_context(peer(directory / "peer", url, api_hydrate=hydrate))
                        for hydrate in (True, False)
                    ]
                uvloop.run(_measure(options, servers, url, shape))
        if "growth" in options.only:
            sizes = [int(float(size) * 1_000_000) for size in options.growth_sizes.split(",")]
            uvloop.run(growth.report(base, directory, sizes, options.growth_assets, options.rounds))


async def _measure(options: argparse.Namespace, servers: list[Server], url: str, shape: Shape) -> None:
    if "latency" in options.only:
        await latency.report(servers, url, shape, options.rounds)
    if "processor" in options.only:
        await processor.report(servers, options.directory, url, shape)
    if "throughput" in options.only:
        await throughput.report(servers, shape, options.seconds)
    rows = ", ".join(f"{server.name}: {max(server.memory()) / 1e6:.0f} MB" for server in servers)
    print(f"\nMemory of a worker after this (resident): {rows}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--directory",
        type=Path,
        default=Path("/tmp/kakehashi-bench"),
        help="where database and venv go and stay",
    )
    add("--items", type=int, default=200_000, help="of all collections together (200000)")
    add("--assets", type=int, default=19, help="per item; 19 make 10 kB (19)")
    add("--collections", type=int, default=9)
    add("--months", type=int, default=36, help="monthly partitions of each collection (36)")
    add(
        "--item-assets",
        action="store_true",
        help="let collections have item_assets, which pgstac cuts off the items (ours have none)",
    )
    add("--rounds", type=int, default=20, help="times that each question is asked of each server (20)")
    add("--seconds", type=float, default=5, help="length of each throughput run (5)")
    add(
        "--only",
        type=lambda text: text.split(","),
        default=["latency", "processor", "throughput"],
        help=f"parts to run, separated by commas, of {', '.join(_PARTS)} (all but growth)",
    )
    add("--no-peer", dest="peer", action="store_false", help="leave out the reference server")
    add("--growth-sizes", default="0.2,1,5", help="millions of items (0.2,1,5)")
    add("--growth-assets", type=int, default=1, help="assets of the items of the growth run (1: about 1 kB)")
    options = parser.parse_args()
    if unknown := set(options.only) - set(_PARTS):
        parser.error(f"--only: no such part: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
