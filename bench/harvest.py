"""Measure the harvest: records of a replay server on loopback, through parse, harmonise, validate and load.

    .venv/bin/python -m bench.harvest                     # 100,000 records, one process per core
    .venv/bin/python -m bench.harvest --records 20000 --workers 1 --profile

The server is a process of its own, answers from prepared text, and says what CDSE's STAC API says: pages of
100 items of Sentinel-2, over as many days as windows are wanted. The database is a private cluster in a
temporary directory. Printed are items per second from the first request to the last commit, the processor
time that each part took, and, with --profile, where the time of one process goes.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from tests.replay.living import S2, Living
from tests.replay.server import running

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run it and print what was measured."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kakehashi-bench-")))
        cluster = PrivateCluster(DatabaseSettings(data_dir=folder / "data", database_url=None))
        stack.enter_context(cluster.in_use())
        asyncio.run(migrate(cluster.url()))
        url = stack.enter_context(_Server(options.records, options.days))
        plan = folder / "plan.yaml"
        plan.write_text(
            f"- source: cdse\n  collections: {S2}\n  since: {options.days + 2}d\n  reconcile: never\n"
            f"  min_interval: 0s\n  concurrency: {options.workers * 2}\n  serial: false\n"
        )
        command = [
            sys.executable,
            *(["-m", "cProfile", "-o", str(folder / "profile")] if options.profile else []),
        ]
        command += ["-m", "cli", "harvest", "--once", "--plan", str(plan)]
        command += ["--workers", str(options.workers), "--concurrency", "2"]
        environment = {
            **os.environ,
            "KAKEHASHI_DATABASE_URL": cluster.url(),
            "KAKEHASHI_SOURCES__CDSE__URL": url,
        }
        began = time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        whole = time.monotonic() - began
        _report(asyncio.run(_measured(cluster.url())), whole, options)
        if options.profile:
            _profile(folder / "profile")


def _report(measured: Any, whole: float, options: argparse.Namespace) -> None:
    items, seconds = measured["items"], measured["seconds"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{items:,} of {options.records:,} records are items of the catalogue")
    print(f"{items / seconds:,.0f} items/s from the first window to the last commit ({seconds:.1f} s)")
    print(f"{items / whole:,.0f} items/s with start and end of the command ({whole:.1f} s)")
    print(
        f"{measured['windows']} windows, {options.workers} worker processes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"largest process {used.ru_maxrss / 1024:,.0f} MB; processor time of the workers {used.ru_utime + used.ru_stime:.1f} s"
    )
    if items != options.records:
        raise SystemExit("not all records arrived")


def _profile(file: Path) -> None:
    import pstats

    pstats.Stats(str(file)).sort_stats("tottime").print_stats(30)


async def _measured(url: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow(
            """
            SELECT count(*) AS windows, sum(inserted)::bigint AS items,
                extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
            FROM kakehashi.harvest_window WHERE records > 0
            """
        )
    finally:
        await connection.close()


class _Server:
    """The replay server in a process of its own."""

    def __init__(self, records: int, days: int) -> None:
        self._receive, send = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.Process(target=_serve, args=(records, days, send), daemon=True)

    def __enter__(self) -> str:
        self._process.start()
        url: str = self._receive.recv()
        return url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(records: int, days: int, send: Any) -> None:
    living = Living(page_size=100)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    step = timedelta(days=days) / records
    living.add(*(midnight - step * (number + 1) for number in range(records)))
    with running(living) as replay:
        send.send(replay.url)
        time.sleep(1e6)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=20, help="over which they were acquired; a window each")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--profile", action="store_true", help="where the time of the first process goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
