"""Data directories to try things on: copies of one that is made once."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.store.cluster import PrivateCluster
from tests.e2e.program import PlainUser, plain_user
from tests.store.clusters import administer, named, settings_for

_count = iter(range(1_000_000))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose cluster was made, started and stopped; not to be changed."""
    directory = tmp_path_factory.mktemp("made") / "data"
    with PrivateCluster(settings_for(directory)).in_use():
        pass
    return directory


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that directory; a server on it is stopped at the end."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    shutil.rmtree(copy / "run")
    yield copy
    if (copy / "postgres" / "postmaster.pid").exists():
        PrivateCluster(settings_for(copy)).stop()


@pytest.fixture
def fresh_dir(tmp_path: Path) -> Iterator[Path]:
    """A path where nothing is yet; a server on it is stopped at the end."""
    path = tmp_path / "fresh"
    yield path
    if (path / "postgres" / "postmaster.pid").exists():
        PrivateCluster(settings_for(path)).stop()


@pytest.fixture
def root() -> None:
    """What only root can try."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: needs root")


@pytest.fixture
def nobody() -> PlainUser:
    """An account without privileges."""
    return plain_user()


@pytest.fixture
def open_place(nobody: PlainUser) -> Iterator[Path]:
    """A directory that the plain user owns, at a place it can reach."""
    place = Path(tempfile.mkdtemp(prefix="kakehashi-test-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(place, nobody.uid, nobody.gid)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def small_disk(root: None, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system in memory with the options given; it goes with the test."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"NOT TESTED: file systems cannot be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def empty_database_url(cluster: PrivateCluster) -> str:
    """URL (of the owner) of a database of the session's server in which nothing is yet."""
    name = f"empty_{next(_count)}"
    asyncio.run(administer(cluster.url(), f"CREATE DATABASE {name}"))
    return named(cluster.url(), name)
