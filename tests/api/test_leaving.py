"""A client that leaves, or reads slowly, takes nothing from others."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import asyncpg
import httpx
import pytest

from tests.api.conftest import Server, load, running_server


def _ask_and_leave(server: Server, request: bytes) -> socket.socket:
    address = server.url.removeprefix("http://").split(":")
    client = socket.create_connection((address[0], int(address[1])))
    client.sendall(request)
    return client


async def _active(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    found: int = await connection.fetchval(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'kakehashi read' AND state = 'active'
        """
    )
    return found


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", active: int) -> None:
    deadline = time.monotonic() + 20
    while await _active(connection) != active:
        assert time.monotonic() < deadline, f"still {await _active(connection)} active, not {active}"
        await asyncio.sleep(0.02)


def _post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return b"%sContent-Length: %d\r\n\r\n%s" % (head.encode(), len(body), body)


_COUNT = b'{"aggregations": ["total_count"]}'
# A request, and the table that it waits for.
REQUESTS = [
    (b"GET /search HTTP/1.1\r\nHost: x\r\n\r\n", "pgstac.items"),
    (b"HEAD /search HTTP/1.1\r\nHost: x\r\n\r\n", "pgstac.items"),
    (_post("/search", b"{}"), "pgstac.items"),
    (_post("/aggregate", _COUNT), "pgstac.items"),
    (_post("/collections/gcom-c/aggregate", _COUNT), "pgstac.items"),
    (_post("/collections", b'{"q": "sea"}'), "kakehashi.collection_text"),
]
_POOL = 3


@pytest.fixture(scope="module")
def url(make_database: Callable[[str], str]) -> str:
    name = make_database("leaving")
    asyncio.run(load(name))
    return name


@pytest.fixture(scope="module")
def small(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"KAKEHASHI_DATABASE_URL": url, "KAKEHASHI_DATABASE_POOL_SIZE": str(_POOL)}
    with running_server(tmp_path_factory.mktemp("leaving") / "log", environment) as server:
        httpx.get(f"{server.url}/search").raise_for_status()
        yield server


def test_the_query_of_who_leaves_is_cancelled(url: str, small: Server) -> None:
    async def leave(request: bytes, table: str) -> None:
        watcher, locker = await asyncpg.connect(url), await asyncpg.connect(url)
        try:
            async with locker.transaction():
                # The query waits for this lock, which nobody gives back until the test ends.
                await locker.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                clients = [_ask_and_leave(small, request) for _ in range(_POOL)]
                await _until(watcher, _POOL)
                for client in clients:
                    client.close()
                # The statement timeout is half a minute: it was not that.
                await _until(watcher, 0)
        finally:
            await locker.close()
            await watcher.close()

    for request, table in REQUESTS:
        asyncio.run(leave(request, table))
    # The connections are whole, and nothing was logged as a fault.
    for _ in range(_POOL + 1):
        httpx.get(f"{small.url}/search").raise_for_status()
    assert small.log.read_text() == ""


def test_who_reads_slowly_holds_no_connection(small: Server) -> None:
    slow = []
    for _ in range(_POOL + 2):
        client = _ask_and_leave(small, b"GET /search?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1) == b"H"  # answered; the rest waits in buffers
        slow.append(client)
    with small.client() as http:
        for _ in range(3):
            http.get("/search?limit=100").raise_for_status()
    for client in slow:
        client.close()
