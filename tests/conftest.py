"""What all tests share: a real PostgreSQL with PostGIS and pgstac, started once per session."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate

_TEMPLATE = "kakehashi_template"
# This server's data go with the session: it need not wait for the disk.
_NOTHING_TO_LOSE = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "SELECT pg_reload_conf()",
)


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """Programs that tests start hear SIGINT and SIGHUP, also where the tests run in the background of a shell."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateCluster]:
    """A private cluster for the session, in a temporary directory."""
    settings = DatabaseSettings(data_dir=tmp_path_factory.mktemp("postgres") / "data", database_url=None)
    private = PrivateCluster(settings)
    with private.in_use():
        asyncio.run(_administer(private.url(), *_NOTHING_TO_LOSE))
        yield private


@pytest.fixture(scope="session")
def make_database(cluster: PrivateCluster) -> Callable[[str], str]:
    """Make a migrated, empty database of a given name; return its URL (of the owner)."""
    asyncio.run(_administer(cluster.url(), f"CREATE DATABASE {_TEMPLATE}"))
    asyncio.run(migrate(_named(cluster.url(), _TEMPLATE)))

    def make(name: str) -> str:
        asyncio.run(_administer(cluster.url(), f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
        return _named(cluster.url(), name)

    return make


@pytest.fixture(scope="module")
def database_url(
    cluster: PrivateCluster, make_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[str]:
    """URL of a migrated, empty database that the tests of one module share, and that goes with them."""
    name = "module_" + request.node.name.replace("/", "_").replace(".py", "").replace("-", "_")
    yield make_database(name)
    asyncio.run(_drop(cluster, name))


_fresh = iter(range(1_000_000))


@pytest.fixture
def fresh_database_url(cluster: PrivateCluster, make_database: Callable[[str], str]) -> Iterator[str]:
    """URL of a migrated, empty database that one test has to itself, and that goes with it."""
    name = f"fresh_{next(_fresh)}"
    yield make_database(name)
    asyncio.run(_drop(cluster, name))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded responses and schemas, where it is there; else the test is skipped."""
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared" / "samples").is_dir():
            return parent / "shared"
    pytest.skip("NOT TESTED: no folder `shared` with recorded responses beside the repository")


def _named(url: str, database: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}:///{database}?{parts.query}"


async def _drop(cluster: PrivateCluster, name: str) -> None:
    """Take a database away, so that the server stays small: some tests copy it."""
    await _administer(cluster.url(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _administer(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """No test of this process may reach beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(host).startswith(
            ("127.", "::1", "localhost")
        ):
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
