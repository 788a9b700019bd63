"""Databases to measure on, in a private cluster that stays between runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.generated import Shape, fill
from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import connect


async def database(base: str, shape: Shape) -> str:
    """Return the URL of a database of this shape; fill it if it is new."""
    name = f"bench_{shape.fingerprint.replace('-', '_')}"
    async with connect(base) as connection:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            await connection.execute(f"CREATE DATABASE {name}")
    parts = urlsplit(base)
    url = (
        parts._replace(path=f"/{name}").geturl()
        if parts.netloc
        else f"{parts.scheme}:///{name}?{parts.query}"
    )
    await fill(url, shape)
    return url


@contextmanager
def private_cluster(directory: Path) -> Iterator[str]:
    """Run the cluster of the measurements for the length of the block; gives its URL."""
    cluster = PrivateCluster(DatabaseSettings(data_dir=directory / "data", database_url=None))
    with cluster.in_use():
        yield cluster.url()


def processor_s(directory: Path, url: str) -> float:
    """Return the seconds of processor time that the sessions on a database took so far.

    Args:
        directory: as for `private_cluster`.
        url: of the database.
    """
    postmaster = (directory / "data" / "postgres" / "postmaster.pid").read_text().split()[0]
    name = urlsplit(url).path.lstrip("/")
    spent = 0.0
    for process in psutil.Process(int(postmaster)).children():
        with suppress(psutil.Error):  # a session may end while it is looked at
            if f" {name} " in f"{' '.join(process.cmdline())} ":
                spent += sum(process.cpu_times()[:2])
    return spent
