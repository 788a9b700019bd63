"""Which database is used: an existing one, or the private cluster of the data directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster


@dataclass(frozen=True)
class Database:
    """A database that is there now.

    Attributes:
        url: PostgreSQL URL of an account that may migrate it and take the roles below.
        is_private: whether it is our own cluster, reachable on this machine alone.
    """

    url: str
    is_private: bool


READ_ROLE = "kakehashi_read"
INGEST_ROLE = "kakehashi_ingest"


@contextmanager
def open_database(settings: DatabaseSettings) -> Iterator[Database]:
    """Have a database for the length of the block.

    `KAKEHASHI_DATABASE_URL` names one that is somebody else's to run; without it our own cluster
    is started, unless it runs, and is stopped at the end, unless others use it.

    Raises:
        ClusterError: the private cluster cannot be had.
    """
    if settings.database_url:
        yield Database(settings.database_url, is_private=False)
        return
    cluster = PrivateCluster(settings)
    with cluster.in_use():
        yield Database(cluster.url(), is_private=True)
