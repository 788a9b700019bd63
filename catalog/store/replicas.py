"""Several servers to read from: those that work are asked in turn, those that do not are left alone.

A server counts as down when no connection to it can be had. It is then tried in the background, and
comes back by itself. A request that meets a server just as it goes down is passed to the next one
before anything was asked; it fails only if its connection is lost while a query runs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from catalog.errors import DatabaseBusy, DatabaseUnreachable, StoreError
from catalog.settings import DatabaseSettings
from catalog.store.pool import Pool, database_errors, database_url_of, open_pool

if TYPE_CHECKING:
    from catalog.store.pool import Lent

logger = logging.getLogger(__name__)

_LOOK_S = 2.0
# With others to ask, a server that does not answer is not worth a longer wait.
_CONNECT_TIMEOUT_S = 2.0

_STATE = """
    SELECT
        pg_is_in_recovery() AS is_standby,
        CASE
            -- Nothing new has come since: a quiet primary leaves its standbys with an old time stamp.
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())
        END::float8 AS lag_s
"""


@dataclass
class Server:
    """One server, as it was seen last.

    Attributes:
        name: host and port, or the directory of a socket; no account, no password.
        pool: connections to it.
        is_last_resort: whether it is asked only when no other works.
        is_up: whether a connection could be had.
        is_standby: whether it follows another server; None: not known yet.
        lag_s: seconds that a standby is behind.
    """

    name: str
    pool: Pool
    is_last_resort: bool = False
    is_up: bool = True
    is_standby: bool | None = None
    lag_s: float | None = None

    async def look(self) -> None:
        """See whether it works, and how it is."""
        try:
            async with self.pool.connection() as connection:
                row = await connection.fetchrow(_STATE, timeout=_CONNECT_TIMEOUT_S)
        except DatabaseBusy:
            return  # it works, hard
        except StoreError as error:
            self.turn(is_up=False, why=str(error))
            return
        assert row is not None
        self.is_standby, self.lag_s = row["is_standby"], row["lag_s"]
        self.turn(is_up=True)

    def turn(self, *, is_up: bool, why: str = "") -> None:
        """Note that it is up or down, and say so in the log when that is news."""
        if is_up != self.is_up:
            if is_up:
                logger.warning("database server %s is back", self.name)
            else:
                logger.warning("database server %s is left alone: %s", self.name, why)
        self.is_up = is_up


class Replicas:
    """Connections of whichever server works; `Connections` for several."""

    def __init__(self, servers: Sequence[Server]) -> None:
        """Take over the pools of some servers.

        Args:
            servers: in the order in which they are asked first.
        """
        self.servers = list(servers)
        self._turn = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Lent"]:
        """Lend a connection; see `catalog.store.pool.Connections`."""
        pool, connection = await self._take()
        try:
            with database_errors():
                yield connection
        finally:
            pool.give_back(connection)

    async def _take(self) -> "tuple[Pool, Lent]":
        """Return a connection of the first server that has one, and the pool to give it back to."""
        failure: StoreError | None = None
        for server in self._in_turn():
            try:
                connection = await server.pool.take()
            except DatabaseBusy as error:
                failure = error
            except DatabaseUnreachable as error:
                server.turn(is_up=False, why=str(error))
                failure = failure or error
            else:
                server.turn(is_up=True)
                return server.pool, connection
        raise failure or DatabaseUnreachable("there is no database server to ask")

    async def watch(self) -> None:
        """Look at all servers again and again, until cancelled."""
        while True:
            await asyncio.gather(*(server.look() for server in self.servers))
            await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(server.pool.close() for server in self.servers))

    def _in_turn(self) -> list[Server]:
        """Return all servers in the order in which one request tries them."""
        self._turn += 1
        turn = self._turn % len(self.servers)
        rotated = self.servers[turn:] + self.servers[:turn]
        # Those that are down come last, lest all be down: then one of them may just have come back.
        return sorted(rotated, key=lambda server: (not server.is_up, server.is_last_resort))


async def open_replicas(settings: DatabaseSettings, role: str) -> Replicas:
    """Open pools to the servers of `database_read_urls`, and to the database itself as the last resort.

    Args:
        settings: the URLs; with none for reading, the database is the one server.
        role: that sessions take.
    """
    patient = settings.database_connect_timeout_s
    hasty = settings.model_copy(update={"database_connect_timeout_s": min(patient, _CONNECT_TIMEOUT_S)})
    servers = [
        Server(server_name(url), await open_pool(hasty, role, url=url)) for url in settings.database_read_urls
    ]
    if not servers or settings.database_url:
        url = database_url_of(settings)
        servers.append(Server(server_name(url), await open_pool(settings, role, url=url), bool(servers)))
    return Replicas(servers)


def server_name(url: str) -> str:
    """Return what a server may be called in public: host and port of its URL, or its socket's directory."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = query.get("host", [""])[0] or unquote(parts.netloc.rpartition("@")[2])
    if not host:
        return "localhost"
    port = query.get("port", [""])[0]
    return f"{host}:{port}" if port and "," not in host and not host.startswith("/") else host
