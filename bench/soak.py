"""Let the standing harvest run through bad days, and compare the catalogue with the upstream, item by item.

    .venv/bin/python -m bench.soak --minutes 30

An upstream on loopback lives: products are added, changed and deleted all the time. It hangs, breaks off,
cuts answers short, lies about its counts and answers 429 and 503 at random. Workers are killed with -9, all
of them and one at a time, and the database is restarted without warning. In the end faults stop, the harvest
gets time to come to rest, and every item must be there once, in its last version, and nothing else.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from tests.replay.living import S2, SGLI, Living
from tests.replay.server import Answer, Request, running

ROOT = Path(__file__).resolve().parents[1]
# Half of the upstream is deleted within half an hour, and a comparison may come late: what takes out nothing because
# too much vanished at once is tried elsewhere.
PLAN = f"""
- source: cdse
  collections: {S2}
  since: 12d
  every: 2s
  overlap: 4m
  window: 2d
  deletions: true
  reconcile: 30s
  reconcile_window: 1d
  max_share: 0.95
  max_records: 150
  min_interval: 0s
  concurrency: 3
  serial: false
- source: gportal
  collections: {SGLI}
  since: 12d
  every: 30s
  overlap: 13d
  window: 4d
  reconcile: 10s
  reconcile_window: 1d
  max_share: 0.95
  max_records: 150
  min_interval: 0s
  concurrency: 2
"""
SETTINGS = {
    "KAKEHASHI_HTTP_ATTEMPTS": "3",
    "KAKEHASHI_HTTP_MAX_WAIT_S": "1",
    "KAKEHASHI_HTTP_TIMEOUT_S": "2",
    "KAKEHASHI_HARVEST_SILENT_S": "3",
    "KAKEHASHI_HARVEST_FIRST_WAIT_S": "0.5",
    "KAKEHASHI_BATCH_SIZE": "20",
}
# Of the requests, how many end in a fault.
SHARE_OF_FAULTS = 0.08
LONGEST_REST_S = 600.0
MOST_PRODUCTS = 2_500


class Faults:
    """What goes wrong with answers, at random."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.counted: Counter[str] = Counter()
        self.on = True

    def __call__(self, request: Request, answer: Answer) -> Answer:
        if not self.on or self._chance.random() >= SHARE_OF_FAULTS:
            return answer
        fault = self._chance.choice((_hang, _break_off, _cut, _lie, _busy, _busy_for_long, _down))
        self.counted[fault.__name__.strip("_")] += 1
        return fault(answer)


def _hang(answer: Answer) -> Answer:
    return Answer(answer.content, headers=answer.headers, after_s=4)


def _break_off(answer: Answer) -> Answer:
    return Answer(
        answer.content[: len(answer.content) // 3], headers=answer.headers, length=len(answer.content)
    )


def _cut(answer: Answer) -> Answer:
    return Answer(answer.content[: len(answer.content) // 2], headers=answer.headers)


def _lie(answer: Answer) -> Answer:
    text = answer.content.replace(b'"numberOfRecordsMatched": ', b'"numberOfRecordsMatched": 7')
    return Answer(text.replace(b'"numberMatched": ', b'"numberMatched": 7'), headers=answer.headers)


def _busy(answer: Answer) -> Answer:
    return Answer(status=429, headers={"retry-after": "1"})


def _busy_for_long(answer: Answer) -> Answer:
    return Answer(status=429, headers={"retry-after": "5"})


def _down(answer: Answer) -> Answer:
    return Answer(status=503)


class Soak:
    """The harvest, what happens to it, and what came of it."""

    def __init__(
        self, cluster: PrivateCluster, living: Living, url: str, plan: Path, chance: random.Random
    ) -> None:
        self._cluster = cluster
        self._living = living
        self._plan = plan
        self._chance = chance
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KAKEHASHI_")},
            **SETTINGS,
            "KAKEHASHI_DATABASE_URL": cluster.url(),
            "KAKEHASHI_SOURCES__CDSE__URL": url,
            "KAKEHASHI_SOURCES__GPORTAL__URL": f"{url}/csw",
        }
        self.happened: Counter[str] = Counter()
        self._stop = threading.Event()
        self._harvest = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "cli", "harvest", "--plan", str(self._plan), "--workers", "2"]
        log = (self._plan.parent / "harvest.log").open("ab")
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stderr=log, stdout=log, start_new_session=True
        )

    def run(self, minutes: float) -> None:
        """Let all that may happen happen, for a time."""
        troubles = [
            threading.Thread(target=self._again, args=(act, *pause))
            for act, *pause in (
                (self._live, 0.1, 0.6),
                (self._kill_a_worker, 6, 20),
                (self._kill_all, 40, 90),
                (self._restart_database, 60, 120),
            )
        ]
        for trouble in troubles:
            trouble.start()
        time.sleep(minutes * 60)
        self._stop.set()
        for trouble in troubles:
            trouble.join()
        if self._harvest.poll() is not None:
            self._harvest = self._start()

    def end(self) -> None:
        """Stop the harvest."""
        self._harvest.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._harvest.wait(20)
        for process in self._workers():
            process.kill()

    def _again(self, act: Callable[[], None], shortest: float, longest: float) -> None:
        while not self._stop.wait(self._chance.uniform(shortest, longest)):
            act()

    def _live(self) -> None:
        numbers = [one.number for one in self._living.products()]
        # As many as the plan can be done for: what is tried is that nothing is lost, not how much can be done.
        many = len(numbers) > MOST_PRODUCTS
        deed = self._chance.choice(
            ("add", "change", "change", *["delete"] * 5)
            if many
            else ("add", "add", "add", "change", "change", "delete")
        )
        self.happened[deed] += 1
        if deed == "add" or len(numbers) < 50:
            self._living.add(*(_moment(self._chance) for _ in range(self._chance.randint(1, 8))))
        elif deed == "change":
            self._living.change(self._chance.choice(numbers))
        else:
            self._living.delete(self._chance.choice(numbers))

    def _workers(self) -> list[psutil.Process]:
        try:
            whole = psutil.Process(self._harvest.pid)
            return [*whole.children(recursive=True), whole]
        except psutil.NoSuchProcess:
            return []

    def _kill_a_worker(self) -> None:
        workers = self._workers()
        if workers:
            self._kill(self._chance.choice(workers))
        if self._harvest.poll() is not None:
            self._harvest = self._start()

    def _kill_all(self) -> None:
        for process in self._workers():
            self._kill(process)
        self._harvest.wait()
        self._harvest = self._start()

    def _kill(self, process: psutil.Process) -> None:
        with suppress(psutil.NoSuchProcess):
            process.kill()
            self.happened["kill -9"] += 1
            # Dead, and not only about to be: whoever looks next starts another one.
            process.wait(10)

    def _restart_database(self) -> None:
        self._cluster.stop()
        self._cluster.start_and_keep()
        self.happened["restart of the database"] += 1


def _moment(chance: random.Random) -> datetime:
    """Return a time of acquisition some days ago: comparisons leave the last two days alone, and whole slices only."""
    return datetime.now(UTC) - timedelta(days=4) - timedelta(seconds=chance.uniform(0, 7 * 86400))


async def _rest(url: str, living: Living) -> tuple[float, list[str]]:
    """Wait until the catalogue equals the upstream; return how long that took, and what differs after all."""
    began = time.monotonic()
    differences = ["the catalogue was not looked at"]
    while time.monotonic() - began < LONGEST_REST_S:
        connection = await asyncpg.connect(url)
        try:
            differences = await _differences(connection, living)
        finally:
            await connection.close()
        if not differences:
            break
        await asyncio.sleep(1)
    return time.monotonic() - began, differences


async def _differences(connection: Any, living: Living) -> list[str]:
    found = []
    for source, collection in (("cdse", S2), ("gportal", SGLI)):
        rows = await connection.fetch(
            """
            SELECT id, (content #>> '{properties,eo:cloud_cover}')::float::int AS cover
            FROM pgstac.items WHERE collection = $1
            """,
            collection,
        )
        held, expected = {row["id"]: row["cover"] for row in rows}, living.expected(source)
        if len(held) != len(rows):
            found.append(f"{source}: {len(rows) - len(held)} items are there twice")
        found += [f"{source}: {name} is missing" for name in expected.keys() - held.keys()]
        found += [f"{source}: {name} should be gone" for name in held.keys() - expected.keys()]
        found += [
            f"{source}: {name} has version {held[name]} instead of {expected[name]}"
            for name in held.keys() & expected.keys()
            if held[name] != expected[name]
        ]
    return found


async def _figures(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            """
            SELECT count(*) AS windows, sum(attempts) AS attempts, sum(inserted) AS inserted,
                count(*) FILTER (WHERE state = 'split') AS split
            FROM kakehashi.harvest_window
            """
        )
        assert row is not None
        removed = await connection.fetchval("SELECT count(*) FROM kakehashi.tombstone WHERE is_removal")
        stuck = await connection.fetchval(
            "SELECT count(*) FROM kakehashi.harvest_window WHERE state = 'running' AND started_at < now() - interval '60 s'"
        )
        items = await connection.fetchval("SELECT count(*) FROM pgstac.items")
        return (
            f"{items:,} items, {removed} taken out; {row['windows']:,} windows in {row['attempts']:,} attempts, "
            f"{row['split']} split, {stuck} stuck"
        )
    finally:
        await connection.close()


def main() -> None:
    """Run it, print what happened, and fail if a single item differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--seed", type=int, default=None, help="of what happens; printed, so that it can be repeated"
    )
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kakehashi-soak-")))
        cluster = PrivateCluster(DatabaseSettings(data_dir=folder / "data", database_url=None))
        cluster.start_and_keep()
        stack.callback(cluster.stop)
        asyncio.run(migrate(cluster.url()))
        living, faults = Living(page_size=40), Faults(chance)
        living.add(*(_moment(chance) for _ in range(1000)))
        living.bend = faults
        replay = stack.enter_context(running(living))
        plan = folder / "plan.yaml"
        plan.write_text(PLAN)
        soak = Soak(cluster, living, replay.url, plan, chance)
        stack.callback(soak.end)
        soak.run(options.minutes)
        faults.on = False
        print(
            f"happened: {dict(soak.happened)}; faults: {dict(faults.counted)}; {len(replay.requests):,} requests"
        )
        seconds, differences = asyncio.run(_rest(cluster.url(), living))
        print(asyncio.run(_figures(cluster.url())))
        if differences:
            print("\n".join(differences[:20]))
            print((folder / "harvest.log").read_text()[-4000:])
            raise SystemExit(
                f"{len(differences)} items differ from the upstream after {seconds:.0f} s of rest"
            )
        print(f"the catalogue equals the upstream, item by item, {seconds:.0f} s after the last fault")


if __name__ == "__main__":
    main()
