"""One first start for all, and copies of the data directory that it made."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.store.cluster import PrivateCluster
from tests.e2e.program import Up, processes_of, up
from tests.store.clusters import settings_for


@dataclass(frozen=True)
class FirstRun:
    """What was seen of `kakehashi up --offline` on a new data directory, ended with Ctrl-C."""

    data_dir: Path
    said: str
    url: str
    first_answer_s: float
    ready_s: float
    stop_s: float
    status: int
    left: list[str]


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    place = tmp_path_factory.mktemp("first")
    data_dir = place / "data"
    began = time.monotonic()
    with up(data_dir, place / "log") as running:
        running.wait_until_ready()
        ready_s = time.monotonic() - began
        began = time.monotonic()
        status = running.stop(signal.SIGINT)
        stop_s = time.monotonic() - began
        left = [process.name() for process in processes_of(data_dir)]
    return FirstRun(
        data_dir, running.said(), running.url, running.first_answer_s, ready_s, stop_s, status, left
    )


@pytest.fixture(scope="module")
def copy_of_first(
    first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Path]]:
    """Make copies of the data directory of the first run; servers on them are stopped at the end."""
    copies: list[Path] = []

    def make() -> Path:
        copy = tmp_path_factory.mktemp("copy") / "data"
        subprocess.run(["cp", "-a", str(first_run.data_dir), str(copy)], check=True)
        shutil.rmtree(copy / "run", ignore_errors=True)
        copies.append(copy)
        return copy

    yield make
    for copy in copies:
        if (copy / "postgres" / "postmaster.pid").exists():
            PrivateCluster(settings_for(copy)).stop()


@pytest.fixture(scope="module")
def running(copy_of_first: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`kakehashi up` on such a copy."""
    with up(copy_of_first(), tmp_path_factory.mktemp("running") / "log") as running:
        running.wait_until_ready()
        yield running
