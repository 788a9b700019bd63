"""Reading from streaming replicas: they are standbys, so that nothing the API does may write."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import httpx
import pytest

from catalog.store.account import account_for_postgres
from catalog.store.binaries import find_binaries
from catalog.store.cluster import PrivateCluster
from catalog.store.replicas import server_name
from catalog.store.writer import upsert_collections
from tests.api.conftest import load, running_server
from tests.api.data import COLLECTIONS, ITEMS

_READER = "replica_reader"
_ACCOUNT = account_for_postgres("postgres")


@dataclass
class Standby:
    """A server that follows another one."""

    directory: Path
    database: str

    @property
    def url(self) -> str:
        host = quote(str(self.directory / "run"), safe="")
        return f"postgresql:///{self.database}?host={host}&port=5432&user={_READER}"

    def start(self) -> None:
        options = f"-c unix_socket_directories={self.directory / 'run'} -c hot_standby=on"
        self._pg_ctl("-o", options, f"--log={self.directory / 'run' / 'log'}", "--wait", "start")

    def stop(self) -> None:
        self._pg_ctl("--mode=immediate", "--wait", "stop")

    def sessions(self) -> int:
        """How many sessions of the API it has."""
        found: int = ask(
            self.url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kakehashi read'"
        )
        return found

    def _pg_ctl(self, *arguments: str) -> None:
        binaries = find_binaries(None)
        done = _ACCOUNT.run([binaries.path("pg_ctl"), f"--pgdata={self.directory / 'data'}", *arguments])
        assert done.returncode == 0, done.stderr + (self.directory / "run" / "log").read_text()


def ask(url: str, question: str) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(connected())


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name, as sockets need it, that PostgreSQL's account owns."""
    directory = Path(tempfile.mkdtemp(prefix="kakehashi-replicas-", dir="/tmp"))
    _ACCOUNT.own(directory)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def primary_url(make_database: Callable[[str], str]) -> str:
    url = make_database("replicated")
    asyncio.run(load(url))
    # What reads may do on it is all that this account may do anywhere.
    ask(url, f"CREATE ROLE {_READER} LOGIN IN ROLE kakehashi_read")
    ask(url, f"ALTER ROLE {_READER} SET default_transaction_read_only = on")
    return url


@pytest.fixture
def standbys(cluster: PrivateCluster, primary_url: str, place: Path) -> Iterator[list[Standby]]:
    """Two streaming replicas of the session's server."""
    parts = urlsplit(primary_url)
    host = parse_qs(parts.query)["host"][0]
    made = [Standby(place / name, parts.path.lstrip("/")) for name in ("a", "b")]
    for standby in made:
        (standby.directory / "run").mkdir(parents=True, mode=0o700)
        _ACCOUNT.own(standby.directory)
        _ACCOUNT.own(standby.directory / "run")
    # As ourselves: who runs PostgreSQL need not be able to reach our temporary directory.
    program = find_binaries(None).path("pg_basebackup")
    copy = made[0].directory / "data"
    command = [program, "-h", host, "-p", "5432", "-U", "kakehashi", "-D", str(copy), "-R", "-c", "fast"]
    subprocess.run([*command, "--no-sync"], check=True)
    subprocess.run(["cp", "-a", str(copy), str(made[1].directory / "data")], check=True)
    for path in place.rglob("*"):
        _ACCOUNT.own(path)
    running = []
    try:
        for standby in made:
            standby.start()
            running.append(standby)
        yield made
    finally:
        for standby in running:
            if (standby.directory / "data" / "postmaster.pid").exists():
                standby.stop()


def eventually(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def states(http: httpx.Client) -> dict[str, str]:
    servers = http.get("/_mgmt/health").raise_for_status().json()["servers"]
    return {server["server"]: f"{server['role']} {server['state']}" for server in servers}


def walk(http: httpx.Client) -> int:
    """Number of items on all pages of a search that plans, filters, sorts and counts."""
    found, target = (
        0,
        "/search?limit=40&filter=eo:cloud_cover>=0 OR eo:cloud_cover IS NULL&sortby=eo:cloud_cover",
    )
    while target:
        page = http.get(target).raise_for_status().json()
        found += len(page["features"])
        target = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    return found


def test_reads_go_to_replicas_and_find_those_that_work(
    primary_url: str, standbys: list[Standby], tmp_path: Path
) -> None:
    first, second = standbys
    environment = {
        "KAKEHASHI_DATABASE_URL": primary_url,
        "KAKEHASHI_DATABASE_READ_URLS": f"{first.url} {second.url}",
        "KAKEHASHI_CATALOGUE_TTL_S": "0.1",
    }
    names = [server_name(standby.url) for standby in standbys]
    own = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kakehashi read'"
    with running_server(tmp_path / "log", environment) as server, server.client() as http:
        for path in ("/", "/collections", "/queryables", "/collections/sentinel-2/items/sentinel-2_002"):
            assert http.get(path).status_code == 200
        assert walk(http) == len(ITEMS)
        assert first.sessions()
        assert second.sessions()
        eventually(lambda: states(http)[names[0]] == states(http)[names[1]] == "standby up", "both are up")

        async def change() -> None:
            connection = await asyncpg.connect(primary_url, server_settings={"search_path": "pgstac,public"})
            try:
                await upsert_collections(connection, [COLLECTIONS[0] | {"title": "Replicated"}])
            finally:
                await connection.close()

        asyncio.run(change())
        eventually(lambda: "Replicated" in http.get("/collections").text, "the change arrives")

        # One goes: nobody notices.
        first.stop()
        for _ in range(6):
            assert walk(http) == len(ITEMS)
        assert states(http)[names[0]].endswith("down")
        # Both are gone: the primary serves.
        second.stop()
        assert walk(http) == len(ITEMS)
        assert ask(primary_url, own) > 0
        # One is back: it is found again, without anybody's doing.
        first.start()
        eventually(lambda: states(http)[names[0]] == "standby up", "it comes back")
        assert walk(http) == len(ITEMS)
        log = server.log.read_text()
    assert log.count(f"{names[0]} is left alone") == 1
    assert log.count(f"{names[0]} is back") == 1
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://reader:p%40ss@db.example.org:5433/catalogue", "db.example.org:5433"),
        ("postgresql://db.example.org/catalogue?user=x&password=secret", "db.example.org"),
        ("postgresql://u:p@[::1]:5432/x", "[::1]:5432"),
        ("postgresql:///x?host=%2Frun%2Fpg&port=5432&user=u", "/run/pg"),
        ("postgresql:///x?host=a.example.org&port=6432", "a.example.org:6432"),
        ("postgresql:///x", "localhost"),
    ],
)
def test_a_servers_name_tells_no_secret(url: str, name: str) -> None:
    assert server_name(url) == name
