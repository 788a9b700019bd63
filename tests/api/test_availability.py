"""A database that is away, comes back, is full, slow, or not set up."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from tests.api.conftest import Server, running_server

PATHS = ["/", "/collections", "/search", "/queryables", "/collections/x/items/y", "/_mgmt/health"]


def unavailable(answer: httpx.Response) -> str:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    body = answer.json()
    assert body.keys() == {"code", "description"}
    return str(body["code"])


def test_starts_without_its_database_and_recovers_by_itself(tmp_path: Path) -> None:
    settings = DatabaseSettings(data_dir=tmp_path / "data", database_url=None)
    cluster = PrivateCluster(settings)
    with (
        running_server(tmp_path / "log", {"KAKEHASHI_DATABASE_URL": cluster.url()}) as server,
        server.client() as http,
    ):
        for path in PATHS:
            assert unavailable(http.get(path)) == "DatabaseUnreachable"
        assert http.get("/_mgmt/ping").status_code == 200
        assert http.get("/conformance").status_code == 200
        for _ in range(2):
            with cluster.in_use():
                asyncio.run(migrate(cluster.url()))
                for path in PATHS:
                    answer = http.get(path)
                    assert answer.status_code == (404 if path.endswith("y") else 200), answer.text
            assert unavailable(http.get("/search")) == "DatabaseUnreachable"


def test_database_that_is_not_set_up(cluster: PrivateCluster, tmp_path: Path) -> None:
    async def create() -> None:
        connection = await asyncpg.connect(cluster.url())
        try:
            await connection.execute("CREATE DATABASE bare")
        finally:
            await connection.close()

    asyncio.run(create())
    url = cluster.url().replace("postgresql:///kakehashi?", "postgresql:///bare?")
    with running_server(tmp_path / "log", {"KAKEHASHI_DATABASE_URL": url}) as server, server.client() as http:
        for path in PATHS:
            unavailable(http.get(path))
        log = server.log.read_text()
    assert "kakehashi db migrate" in log or "does not exist" in log


_READS_ITEMS = ["/search", "/aggregate?aggregations=total_count", "/aggregate?aggregations=datetime_min"]


async def _lock(url: str, seconds: float, ready: asyncio.Event) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE pgstac.items IN ACCESS EXCLUSIVE MODE")
            ready.set()
            await asyncio.sleep(seconds)
    finally:
        await connection.close()


async def _ask_while_locked(url: str, server: Server, requests: int) -> list[httpx.Response]:
    ready = asyncio.Event()
    lock = asyncio.create_task(_lock(url, 4, ready))
    await ready.wait()
    async with httpx.AsyncClient(timeout=30) as http:
        answers = await asyncio.gather(*(http.get(server.url + path) for path in _READS_ITEMS[:requests]))
    await lock
    return answers


@pytest.mark.parametrize(
    ("environment", "code", "within"),
    [
        ({"KAKEHASHI_STATEMENT_TIMEOUT_S": "0.5"}, {"QueryTimeout"}, 2.5),
        (
            {"KAKEHASHI_DATABASE_POOL_SIZE": "1", "KAKEHASHI_DATABASE_WAIT_S": "0.5"},
            {"ServerBusy"},
            4.5,
        ),
    ],
    ids=["statement timeout", "pool exhausted"],
)
def test_slow_query_and_full_pool(
    make_database: Callable[[str], str],
    tmp_path: Path,
    environment: dict[str, str],
    code: set[str],
    within: float,
) -> None:
    url = make_database(f"slow_{next(iter(code)).lower()}")
    with running_server(tmp_path / "log", {"KAKEHASHI_DATABASE_URL": url, **environment}) as server:
        httpx.get(f"{server.url}/search").raise_for_status()
        begun = time.monotonic()
        answers = asyncio.run(_ask_while_locked(url, server, 3))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) == (3 if "QueryTimeout" in code else 2)
        assert {unavailable(answer) for answer in refused} == code
        assert time.monotonic() - begun < within + 2
        # Logged, each once, in a line; and the server goes on.
        log = server.log.read_text()
        assert sum(log.count(f"\n{name}: ") + log.startswith(f"{name}: ") for name in code) == len(refused)
        assert "Traceback" not in log
        httpx.get(f"{server.url}/search").raise_for_status()


def test_connections_cut_by_the_administrator(make_database: Callable[[str], str], tmp_path: Path) -> None:
    url = make_database("cut")

    async def cut() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'kakehashi%'"
            )
        finally:
            await connection.close()

    with running_server(tmp_path / "log", {"KAKEHASHI_DATABASE_URL": url}) as server, server.client() as http:
        for _ in range(3):
            http.get("/search").raise_for_status()
            asyncio.run(cut())
            time.sleep(0.2)


def test_the_read_path_cannot_write(loaded_url: str, server: Server) -> None:
    httpx.get(f"{server.url}/search").raise_for_status()

    async def look() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(loaded_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'kakehashi read'"
            )
            assert await connection.fetchval("SELECT count(*) FROM pgstac.searches") == 0
        finally:
            await connection.close()
        return rows

    assert asyncio.run(look())


def test_memory_of_a_worker(server: Server) -> None:
    """Issue 2: at most 150 MB, here after some work."""
    for _ in range(20):
        httpx.get(f"{server.url}/search?limit=1000&filter=eo:cloud_cover<50").raise_for_status()
    resident = psutil.Process(server.process.pid).memory_info().rss
    print(f"resident: {resident / 1e6:.0f} MB")
    assert resident < 150e6
