"""Pools of database connections, and the one place where the driver's errors become ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg

from catalog.errors import DatabaseUnreachable, QueryTimeout, StoreError
from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    DriverPool = asyncpg.Pool[asyncpg.Record]

# What the driver raises when the server is away, going, starting, full, or refuses us.
_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
)
# What it raises when the schema is not there, or is not ours to read.
_NO_SCHEMA = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
)


class Pool:
    """Connections of one role; made when first needed, made anew when the database comes back."""

    def __init__(self, pool: "DriverPool", wait_s: float) -> None:
        """Wrap a driver's pool.

        Args:
            pool: the driver's pool, which this object closes.
            wait_s: longest time in seconds to wait for a connection, free or new.
        """
        self._pool = pool
        self._wait_s = wait_s

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """Lend a connection for the length of the block.

        Raises:
            DatabaseUnreachable: none could be had in time, or it was lost inside the block.
            QueryTimeout: a query in the block ran longer than the statement timeout.
            StoreError: the schema is missing or may not be read.
        """
        connection = await self._acquire()
        try:
            with database_errors():
                yield connection
        finally:
            # Giving back a broken connection fails too; the pool has dropped it by then.
            try:
                await self._pool.release(connection)
            except (*_LOST, asyncpg.PostgresError, TimeoutError):
                connection.terminate()

    async def close(self) -> None:
        """Close all connections; those in use are cut after five seconds."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _acquire(self) -> "Connection":
        try:
            return await self._pool.acquire(timeout=self._wait_s)
        except TimeoutError as error:
            raise DatabaseUnreachable(f"no database connection was free within {self._wait_s:g} s") from error
        except (*_LOST, asyncpg.PostgresError, ValueError) as error:
            raise DatabaseUnreachable(f"no connection to the database: {_one_line(error)}") from error


async def open_pool(settings: DatabaseSettings, role: str, *, read_only: bool = True) -> Pool:
    """Open a pool whose sessions have the rights of `role`, whoever the URL logs in as.

    Nothing is connected yet, so that a server can start while its database is away.

    Args:
        settings: URL (unset: the private cluster of the data directory, which somebody else
            keeps running), pool size and timeouts.
        role: `kakehashi_read` or `kakehashi_ingest`.
        read_only: whether every transaction refuses to write.
    """
    url = settings.database_url or PrivateCluster(settings).url()
    session = {
        "application_name": f"kakehashi {role.removeprefix('kakehashi_')}",
        "role": role,
        "search_path": "pgstac,public",
        "timezone": "UTC",
        "datestyle": "ISO, YMD",
        "jit": "off",
        # Partitions are chosen by the values of a search, so a plan for any value is a bad one.
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": str(int(settings.statement_timeout_s * 1000)),
        "default_transaction_read_only": "on" if read_only else "off",
    }
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=settings.database_connect_timeout_s,
        server_settings=session,
        reset=_keep_session,
    )
    return Pool(pool, settings.database_connect_timeout_s)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what the driver raises into errors of ours; what is nobody's fault but a bug passes.

    Raises:
        QueryTimeout: the statement timeout cut a query.
        DatabaseUnreachable: the connection was lost.
        StoreError: our schema is not there, or the role may not read it.
    """
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise QueryTimeout("the query took too long and was stopped") from error
    except _LOST as error:
        raise DatabaseUnreachable(f"the connection to the database was lost: {_one_line(error)}") from error
    except _NO_SCHEMA as error:
        raise StoreError(
            f"the database is not set up (`kakehashi db migrate`): {_one_line(error)}"
        ) from error


async def _keep_session(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Leave the session as it is: nothing of ours outlives a transaction, so a reset is a lost round trip."""


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:300] if text else type(error).__name__
