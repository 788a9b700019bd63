"""`kakehashi harvest` while its database is restarted, killed, made a standby, or full: it stays and finishes."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from tests.harvest.conftest import CDSE, Bench
from tests.replay.living import Living
from tests.replay.run import ROOT, environment
from tests.replay.server import Answer, Request, running
from tests.store.clusters import administer, ask, kill_server, named

PLAN = CDSE + "  since: 7d\n  window: 1d\n  reconcile: never\n"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateCluster]:
    """A server of this module's own, which may be ill treated, with a migrated database to copy."""
    settings = DatabaseSettings(data_dir=tmp_path_factory.mktemp("worst") / "data", database_url=None)
    cluster = PrivateCluster(settings)
    cluster.start_and_keep()
    asyncio.run(administer(cluster.url(), "CREATE DATABASE ready"))
    asyncio.run(migrate(named(cluster.url(), "ready")))
    yield cluster
    cluster.stop()


@pytest.fixture
def worst(server: PrivateCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A living upstream, and a database on that server."""
    name = f"d{abs(hash(request.node.name))}"
    asyncio.run(administer(server.url(), f"CREATE DATABASE {name} TEMPLATE ready"))
    living = Living(page_size=10)
    with running(living) as replay:
        yield Bench(named(server.url(), name), tmp_path, living, replay)


@contextmanager
def standing_job(bench: Bench, folder: Path) -> Iterator[Callable[[], str]]:
    """Run the job as a process of its own; it must be there at the end, and end well when it is asked to.

    Yields:
        What it said so far.
    """
    plan, log = folder / "plan.yaml", folder / "log"
    plan.write_text(PLAN)
    settings = {
        "KAKEHASHI_SOURCES__CDSE__URL": bench.replay.url,
        "KAKEHASHI_HARVEST_SILENT_S": "2",
        "KAKEHASHI_HARVEST_FIRST_WAIT_S": "0.3",
        "KAKEHASHI_BATCH_SIZE": "7",
    }
    with log.open("wb") as output:
        job = subprocess.Popen(
            [sys.executable, "-m", "cli", "harvest", "--plan", str(plan)],
            cwd=ROOT,
            env=environment(bench.url, **settings),
            stderr=output,
        )
    try:
        yield log.read_text
        assert job.poll() is None, log.read_text()
        job.send_signal(signal.SIGTERM)
        assert job.wait(30) == 0, log.read_text()
    finally:
        job.kill()
        job.wait()
    assert "Traceback" not in log.read_text()


def wait_until(condition: Callable[[], Any], what: str, said: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _holds(condition):
        assert time.monotonic() < deadline, f"{what} did not come about: {said()}"
        time.sleep(0.05)


def _holds(condition: Callable[[], Any]) -> bool:
    """Whether something is so; not as long as the database cannot be asked."""
    try:
        return bool(condition())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def is_done(bench: Bench) -> bool:
    windows = bench.windows("backfill")
    return bool(windows) and all(window["state"] == "done" for window in windows)


def counts(bench: Bench) -> int:
    """What the ledger says of the items that came in, those that an attempt before had written among them."""
    return sum(window["inserted"] + window["unchanged"] for window in bench.windows("backfill"))


def restart(server: PrivateCluster) -> None:
    server.stop()
    server.start_and_keep()


def kill(server: PrivateCluster) -> None:
    kill_server(server)
    server.start_and_keep()


def become_a_standby(server: PrivateCluster) -> None:
    """Take nothing for two seconds, as a server does after a failover to another one, and be promoted then."""
    server.stop()
    mark = server.directory.cluster / "standby.signal"
    mark.touch()
    owner = server.directory.cluster.stat()
    os.chown(mark, owner.st_uid, owner.st_gid)
    server.start_and_keep()
    time.sleep(2)
    assert asyncio.run(ask(server.url(), "SELECT pg_is_in_recovery()"))
    assert asyncio.run(ask(server.url(), "SELECT pg_promote()"))


def test_the_job_stays_and_finishes_when_its_database_restarts_dies_and_is_read_only(
    worst: Bench, server: PrivateCluster, tmp_path: Path
):
    worst.living.add(*worst.days(4, 25))
    troubles = [restart, kill, become_a_standby]
    lock, pages = threading.Lock(), 0

    def trouble(request: Request, answer: Answer) -> Answer:
        """While a page is on its way, with others written and not written yet, something happens."""
        nonlocal pages
        with lock:
            if request.path == "/search" and "token" in request.body:
                pages += 1
                if pages % 2 == 0 and troubles:
                    troubles.pop(0)(server)
        return answer

    worst.living.bend = trouble
    with standing_job(worst, tmp_path) as said:
        wait_until(lambda: not troubles and is_done(worst), "the end of the past", said)
        assert said().count("the database is back") >= 1
    worst.equals("cdse")
    worst.is_at_rest()
    assert counts(worst) == 100


@pytest.fixture
def small_disk(server: PrivateCluster, tmp_path: Path) -> Iterator[Path]:
    """A disk in memory that PostgreSQL may write to."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: only root mounts disks")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED: file systems cannot be mounted here: {done.stderr.strip()}")
    inside = place / "tables"
    inside.mkdir()
    owner = server.directory.cluster.stat()
    os.chown(inside, owner.st_uid, owner.st_gid)
    for folder in [*place.parents, place]:
        if folder.stat().st_mode & 0o077 == 0 and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o711)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_the_job_stays_while_the_disk_is_full_and_finishes_when_there_is_room(
    server: PrivateCluster, small_disk: Path, tmp_path: Path
):
    asyncio.run(
        administer(
            server.url(),
            f"CREATE TABLESPACE small LOCATION '{small_disk / 'tables'}'",
            "CREATE DATABASE cramped TEMPLATE ready TABLESPACE small",
        )
    )
    living, filler = Living(page_size=10), small_disk / "filler"
    try:
        with running(living) as replay:
            bench = Bench(named(server.url(), "cramped"), tmp_path, living, replay)
            living.add(*bench.days(4, 100))

            def fill(request: Request, answer: Answer) -> Answer:
                """When the first pages are written, next to no room is left."""
                if request.path == "/search" and request.body.get("token") == "30" and not filler.exists():
                    filler.write_bytes(bytes(psutil.disk_usage(str(small_disk)).free - 100_000))
                return answer

            living.bend = fill
            with standing_job(bench, tmp_path) as said:
                wait_until(lambda: "No space left on device" in said(), "a full disk", said)
                living.bend = lambda request, answer: answer
                time.sleep(2)
                assert not is_done(bench)
                filler.unlink()
                wait_until(lambda: is_done(bench), "the end of the past", said)
            bench.equals("cdse")
            bench.is_at_rest()
            assert counts(bench) == 400
    finally:
        asyncio.run(
            administer(
                server.url(),
                "DROP DATABASE IF EXISTS cramped WITH (FORCE)",
                "DROP TABLESPACE IF EXISTS small",
            )
        )
