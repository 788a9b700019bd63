"""A real server process on a real database, and the items in it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from catalog.store.writer import upsert_collections, upsert_items, upsert_queryables, upsert_translations
from tests.api import texts
from tests.api.data import COLLECTIONS, ITEMS, QUERYABLES

ROOT = Path(__file__).resolve().parents[2]
_RUN = "import sys; from commands.serve import run_api; run_api('127.0.0.1', int(sys.argv[1]))"


@dataclass
class Server:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, **kwargs: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, **kwargs)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def load(url: str) -> None:
    """Write all of `data` into a database."""
    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    try:
        await upsert_queryables(connection, QUERYABLES)
        await upsert_collections(connection, COLLECTIONS)
        await upsert_items(connection, ITEMS)
    finally:
        await connection.close()


@contextmanager
def running_server(log: Path, environment: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAKEHASHI_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(port)],
            cwd=ROOT,
            env=clean | environment,
            stdout=output,
            stderr=output,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        deadline = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"{server.url}/_mgmt/ping", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="session")
def loaded_url(make_database: Callable[[str], str]) -> str:
    """URL of a database that holds the items of `data`, which no test changes."""
    url = make_database("api")
    asyncio.run(load(url))
    return url


@pytest.fixture(scope="session")
def server(loaded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API on that database."""
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, {"KAKEHASHI_DATABASE_URL": loaded_url}) as running:
        yield running


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def texts_url(make_database: Callable[[str], str]) -> str:
    """URL of a database that holds the collections and items of `texts`, which no test changes."""

    async def load(url: str) -> None:
        connection = await asyncpg.connect(
            url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
        )
        try:
            await upsert_queryables(connection, QUERYABLES)
            await upsert_collections(connection, texts.COLLECTIONS)
            await upsert_translations(connection, "ja", texts.TRANSLATIONS)
            await upsert_items(connection, texts.ITEMS)
        finally:
            await connection.close()

    url = make_database("api_texts")
    asyncio.run(load(url))
    return url


@pytest.fixture(scope="session")
def texts_server(texts_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API on that database."""
    log = tmp_path_factory.mktemp("texts") / "log"
    with running_server(log, {"KAKEHASHI_DATABASE_URL": texts_url}) as running:
        yield running


@pytest.fixture
def texts_http(texts_server: Server) -> Iterator[httpx.Client]:
    with texts_server.client() as client:
        yield client
