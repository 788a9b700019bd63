"""Pools of database connections, and the one place where the driver's errors become ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import asyncpg

from catalog.errors import DatabaseBusy, DatabaseUnreachable, QueryTimeout, StoreError
from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster

_LONGEST_SILENCE_MS = 60_000

if TYPE_CHECKING:
    # A connection of a pool, to be given back.
    Lent = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    DriverPool = asyncpg.Pool[asyncpg.Record]

# What the driver raises when the server is away, going, starting, full, or refuses us.
_REFUSED = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
)
# When a connection is made or given back, every error of the system is one of the network, or of the socket.
_AWAY = (OSError, *_REFUSED)
# A session that the server ends while nobody uses it is for a moment in no state that the driver takes orders in.
_BETWEEN = asyncpg.InternalClientError
# While it is lent, others are of what is done beside: a file, or standard output that nobody reads any more.
_LOST = (
    TimeoutError,
    ConnectionResetError,
    ConnectionAbortedError,
    ConnectionRefusedError,
    _BETWEEN,
    *_REFUSED,
)
# What it raises when nothing can be written now: no memory, two who wait for each other.
_CANNOT_WRITE = (
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
# What it raises when the schema is not there, or is not ours to read.
_NO_SCHEMA = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
)
# After the statement timeout, how long the server may stay silent before it counts as lost.
_SILENCE_S = 5.0


class Connections(Protocol):
    """Where connections are borrowed: of one server, or of several (`catalog.store.replicas`)."""

    def connection(self) -> AbstractAsyncContextManager["Lent"]:
        """Lend a connection for the length of the block.

        Raises:
            DatabaseBusy: all are in use, and were so for too long or for too many.
            DatabaseUnreachable: none could be had, or it was lost inside the block.
            QueryTimeout: a query in the block ran longer than the statement timeout.
            StoreError: the schema is missing or may not be read.
        """

    async def close(self) -> None:
        """Close all connections; those in use are cut after five seconds."""


@dataclass(frozen=True)
class Patience:
    """How long requests wait for a connection.

    Attributes:
        wait_s: longest time in seconds that one waits while all connections are in use.
        connect_s: longest time in seconds that making a new one takes.
        most_waiting: one more than so many is turned away at once: it would wait in vain.
    """

    wait_s: float
    connect_s: float
    most_waiting: int


@dataclass(frozen=True)
class Use:
    """How much of a pool is in use.

    Attributes:
        open: connections that are there.
        in_use: of these, how many are lent.
        most: how many there may be.
        waiting: requests that wait for one.
    """

    open: int
    in_use: int
    most: int
    waiting: int


class Pool:
    """Connections to one server; made when first needed, made anew when the database comes back."""

    def __init__(self, pool: "DriverPool", patience: Patience) -> None:
        """Wrap a driver's pool.

        Args:
            pool: the driver's pool, which this object closes; its connect timeout is `connect_s`.
            patience: how long to wait.
        """
        self._pool = pool
        self._patience = patience
        self._free = asyncio.Semaphore(pool.get_max_size())
        self._waiting = 0
        # A task that nobody refers to may be collected before it is done.
        self._returning: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Lent"]:
        """Lend a connection; see `Connections.connection`."""
        connection = await self.take()
        try:
            with database_errors():
                yield connection
        finally:
            self.give_back(connection)

    async def take(self) -> "Lent":
        """Return a connection, which must be given back.

        Raises:
            DatabaseBusy: all are in use, and were so for too long or for too many.
            DatabaseUnreachable: none could be had.
            StoreError: the database is not set up.
        """
        # Most of the time one is free, and no clock has to be set.
        await (self._wait_for_turn() if self._free.locked() else self._free.acquire())
        try:
            return await self._acquire()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: "Lent") -> None:
        """Take a connection back, in the background: nobody's answer waits until it is ready for others."""
        returning = asyncio.create_task(self._release(connection))
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)

    async def close(self) -> None:
        """Close all connections; those in use are cut after five seconds."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @property
    def use(self) -> Use:
        """How much of it is in use now."""
        size = self._pool.get_size()
        return Use(size, size - self._pool.get_idle_size(), self._pool.get_max_size(), self._waiting)

    async def _release(self, connection: "Lent") -> None:
        try:
            await self._pool.release(connection, timeout=self._patience.connect_s)
        except (*_AWAY, asyncpg.PostgresError):
            # Giving back a broken connection fails too; the pool has dropped it by then.
            connection.terminate()
        finally:
            self._free.release()

    async def _wait_for_turn(self) -> None:
        """Wait until one connection more may be used; first come, first served."""
        if self._waiting >= self._patience.most_waiting:
            raise DatabaseBusy(f"{self._waiting} requests wait for a database connection already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience.wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise DatabaseBusy(
                f"no database connection was free within {self._patience.wait_s:g} s"
            ) from error
        finally:
            self._waiting -= 1

    async def _acquire(self) -> "Lent":
        try:
            # The driver's pool has one free, whose turn it is, or makes one within its own timeout. With another
            # timeout here it would make a task for each request.
            return await self._pool.acquire()
        except TimeoutError as error:
            raise DatabaseUnreachable(
                f"the database did not take a connection within {self._patience.connect_s:g} s"
            ) from error
        except asyncpg.InvalidParameterValueError as error:  # our roles are made when it is set up
            raise StoreError(
                f"the database is not set up (`kakehashi db migrate`): {_one_line(error)}"
            ) from error
        except (*_AWAY, asyncpg.PostgresError, ValueError) as error:
            raise DatabaseUnreachable(f"no connection to the database: {_one_line(error)}") from error


async def open_pool(
    settings: DatabaseSettings, role: str, *, read_only: bool = True, url: str | None = None
) -> Pool:
    """Open a pool whose sessions have the rights of `role`, whoever the URL logs in as.

    Nothing is connected yet, so that a server can start while its database is away.

    Args:
        settings: pool size and timeouts.
        role: `kakehashi_read` or `kakehashi_ingest`.
        read_only: whether every transaction refuses to write.
        url: of the server; None: `database_url_of` the settings.
    """
    patience = Patience(
        settings.database_wait_s, settings.database_connect_timeout_s, settings.database_most_waiting
    )
    pool = await asyncpg.create_pool(
        url or database_url_of(settings),
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=patience.connect_s,
        # The server cuts queries; this is for one that no longer answers at all. Writes may take their time.
        command_timeout=settings.statement_timeout_s + _SILENCE_S if read_only else None,
        server_settings=session_settings(settings, role, read_only=read_only),
        reset=_keep_session,
    )
    return Pool(pool, patience)


def database_url_of(settings: DatabaseSettings) -> str:
    """Return the URL of the database; without a setting, that of the private cluster, which somebody else keeps running."""
    return settings.database_url or PrivateCluster(settings).url()


def session_settings(settings: DatabaseSettings, role: str, *, read_only: bool = True) -> dict[str, str]:
    """Return what every session of a role is set to; see `open_pool`."""
    return {
        "application_name": f"kakehashi {role.removeprefix('kakehashi_')}",
        "role": role,
        "search_path": "pgstac,public",
        "timezone": "UTC",
        "datestyle": "ISO, YMD",
        "jit": "off",
        # A worker process takes longer to start than most searches do, and takes a core from the other clients.
        "parallel_setup_cost": "100000",
        # Partitions are chosen by the values of a search, so a plan for any value is a bad one.
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": str(int(settings.statement_timeout_s * 1000)),
        "default_transaction_read_only": "on" if read_only else "off",
        # Read where days are forgotten: `catalog.store.counting`.
        "kakehashi.activity_days": str(settings.activity_days),
        # A process that hangs in the middle of writing keeps nobody waiting for its locks.
        "idle_in_transaction_session_timeout": str(_LONGEST_SILENCE_MS),
    }


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what the driver raises into errors of ours; what is nobody's fault but a bug passes.

    Raises:
        QueryTimeout: the statement timeout cut a query.
        DatabaseUnreachable: the connection was lost.
        StoreError: our schema is not there, or the role may not read it; the disk is full, or the
            database takes no writes.
    """
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise QueryTimeout("the query took too long and was stopped") from error
    except asyncpg.DiskFullError as error:
        raise StoreError(f"the database has no room left: {_one_line(error)}") from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise StoreError(f"the database is read-only: {_one_line(error)}") from error
    except _LOST as error:
        raise DatabaseUnreachable(f"the connection to the database was lost: {_one_line(error)}") from error
    except _CANNOT_WRITE as error:
        raise StoreError(f"the database does not take what is written: {_one_line(error)}") from error
    except _NO_SCHEMA as error:
        raise StoreError(
            f"the database is not set up (`kakehashi db migrate`): {_one_line(error)}"
        ) from error


async def _keep_session(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Leave the session as it is: nothing of ours outlives a transaction, so a reset is a lost round trip."""


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:300] if text else type(error).__name__
