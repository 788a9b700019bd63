"""Databases to measure on, in a private cluster that stays between runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

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
