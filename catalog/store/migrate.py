"""Bringing the database up to date: extensions, pgstac, then our own numbered SQL files.

Each file of `migrations/` is applied once, in number order, in a transaction of its own, and is
recorded with its SHA-256. An advisory lock makes a second start wait for the first, so two starts
at once never collide. Nothing here runs twice, and a start that finds everything done only reads.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from catalog.errors import DatabaseUnreachable, MigrationError
from catalog.store.queue_schema import migrate_queue

PGSTAC_VERSION = "0.10.0"
_OWN_DATABASE = "docs/how-to/own-database.md"
_EXTENSIONS = ("postgis", "btree_gist", "unaccent")
_PGSTAC_ROLES = ("pgstac_admin", "pgstac_read", "pgstac_ingest")
_MIGRATIONS = Path(__file__).parent / "migrations"
# Any fixed number will do; it is the word "kakehashi" hashed, so that it collides with nobody's.
_LOCK = int.from_bytes(hashlib.sha256(b"kakehashi migrate").digest()[:8], "big", signed=True)

_CONNECT_TIMEOUT_S = 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, by which a file that was changed after it was applied is found out."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(directory: Path = _MIGRATIONS) -> list[Migration]:
    """Return the SQL files of a directory in number order.

    Raises:
        MigrationError: a name is not `NNNN_words.sql`, or a number is missing or used twice.
    """
    found = []
    for file in sorted(directory.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", file.stem)
        if not match:
            raise MigrationError(f"{file.name}: a migration is named NNNN_words.sql")
        found.append(Migration(int(match.group(1)), file.stem, file.read_text(encoding="utf-8")))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations are not numbered 1, 2, 3 ...: {numbers}")
    return found


async def migrate(url: str, *, say: Say = lambda line: None, directory: Path = _MIGRATIONS) -> None:
    """Bring a database up to date.

    Args:
        url: PostgreSQL URL of an account that may create extensions and roles, or for which an
            administrator has created them (`docs/how-to/own-database.md`).
        say: told in one line what is done, only when something is.
        directory: where our SQL files are.

    Raises:
        DatabaseUnreachable: no connection.
        MigrationError: something could not be done; what was begun is rolled back.
    """
    migrations = read_migrations(directory)
    async with connect(url) as connection:
        try:
            async with only_one(connection):
                await _create_extensions(connection)
                await _migrate_pgstac(connection, url, say)
                await _apply(connection, migrations, say)
                if await connection.fetchval("SELECT to_regclass('kakehashi.queue_migration') IS NOT NULL"):
                    await migrate_queue(connection, say)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise MigrationError(f"the database could not be brought up to date: {_reason(error)}") from error


@asynccontextmanager
async def connect(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Open one connection for set-up work, with errors of ours.

    Raises:
        DatabaseUnreachable: the server is not there, or refuses us.
    """
    try:
        connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings={
                "application_name": "kakehashi",
                "search_path": "pgstac,public",
                "timezone": "UTC",
            },
        )
    except ValueError as error:
        # Its text is left out: it may quote a part of the password.
        raise DatabaseUnreachable(
            "KAKEHASHI_DATABASE_URL is not of the form postgresql://user:password@host:port/database "
            "(special characters of a password are written %40, %2F ...)"
        ) from error
    except TimeoutError as error:
        raise DatabaseUnreachable(
            f"cannot reach the database of KAKEHASHI_DATABASE_URL: no answer within {_CONNECT_TIMEOUT_S} s"
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnreachable(
            f"cannot reach the database of KAKEHASHI_DATABASE_URL: {_reason(error)}"
        ) from error
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def only_one(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Let one process at a time set up this database; the others wait their turn."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _create_extensions(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    rows = await connection.fetch("SELECT extname FROM pg_extension")
    missing = [name for name in _EXTENSIONS if name not in {row["extname"] for row in rows}]
    for name in missing:
        try:
            await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}"')
        except asyncpg.PostgresError as error:
            raise MigrationError(
                f"PostgreSQL extension {name} is missing and cannot be created "
                f"({_reason(error)}){_advice(error, missing)}"
            ) from error


def _advice(error: asyncpg.PostgresError, missing: list[str]) -> str:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        statements = "; ".join(f"CREATE EXTENSION {name}" for name in missing)
        return f": let an administrator run {statements} ({_OWN_DATABASE})"
    if isinstance(error, (asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError)):
        return ": install its package on the database server"
    return ""


async def _migrate_pgstac(connection: "asyncpg.Connection[asyncpg.Record]", url: str, say: Say) -> None:
    installed = None
    if await connection.fetchval("SELECT to_regclass('pgstac.migrations') IS NOT NULL"):
        installed = await connection.fetchval(
            "SELECT version FROM pgstac.migrations ORDER BY datetime DESC, version DESC LIMIT 1"
        )
    if installed == PGSTAC_VERSION:
        return
    if installed is not None and _numbers(installed) > _numbers(PGSTAC_VERSION):
        raise MigrationError(
            f"the database has pgstac {installed}, which is newer than {PGSTAC_VERSION}: update Kakehashi"
        )
    say(
        f"installing pgstac {PGSTAC_VERSION}"
        if installed is None
        else f"updating pgstac {installed} to {PGSTAC_VERSION}"
    )
    await _create_roles(connection)
    try:
        # Not in a thread of its own, which a signal could not end and which would outlive us. The
        # second or two that it takes keep nobody waiting: nothing else runs before the schema is there.
        _run_pypgstac(url)
    except Exception as error:  # pypgstac and psycopg raise what they like, bare Exception too
        raise MigrationError(f"pgstac {PGSTAC_VERSION} could not be installed: {_reason(error)}") from error


async def _create_roles(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make pgstac's roles and take part in them.

    Its own script makes them too, but then takes them on, which without being a member of them only
    a superuser may.
    """
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        return
    try:
        rows = await connection.fetch("SELECT rolname FROM pg_roles")
        for name in _PGSTAC_ROLES:
            if name not in {row["rolname"] for row in rows}:
                await connection.execute(f"CREATE ROLE {name}")
        await connection.execute(f"GRANT {', '.join(_PGSTAC_ROLES)} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"pgstac's roles cannot be made or taken on ({_reason(error)}): which rights that needs is told "
            f"in {_OWN_DATABASE}"
        ) from error


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _run_pypgstac(url: str) -> None:
    # Imported here: it is slow to import, and needed only when there is something to migrate.
    from pypgstac.db import PgstacDB
    from pypgstac.migrate import Migrate

    with PgstacDB(dsn=url) as database:
        Migrate(database).run_migration(PGSTAC_VERSION)


async def _apply(
    connection: "asyncpg.Connection[asyncpg.Record]", migrations: list[Migration], say: Say
) -> None:
    # Asked first: `IF NOT EXISTS` wants the right to create even where there is nothing to create.
    if not await connection.fetchval("SELECT to_regclass('kakehashi.migration') IS NOT NULL"):
        try:
            await connection.execute(
                """
                CREATE SCHEMA IF NOT EXISTS kakehashi;
                CREATE TABLE IF NOT EXISTS kakehashi.migration (
                    number int PRIMARY KEY,
                    name text NOT NULL,
                    sha256 text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                );
                """
            )
        except asyncpg.PostgresError as error:
            raise MigrationError(f"schema kakehashi cannot be created: {_reason(error)}") from error
    rows = await connection.fetch("SELECT number, name, sha256 FROM kakehashi.migration")
    applied = {row["number"]: row for row in rows}
    known = {migration.number for migration in migrations}
    newer = sorted(set(applied) - known)
    if newer:
        raise MigrationError(
            f"the database has migration {newer[-1]}, which this version does not know: update Kakehashi"
        )
    for migration in migrations:
        if migration.number not in applied:
            say(f"migrating the schema: {migration.name}")
            await _apply_one(connection, migration)
        elif applied[migration.number]["sha256"] != migration.digest:
            raise MigrationError(
                f"{migration.name} was changed after it was applied: add a new migration instead"
            )


async def _apply_one(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO kakehashi.migration (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.digest,
            )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MigrationError(f"{migration.name} failed and was rolled back: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return an error as one line, which never holds the URL and so no password."""
    text = " ".join(str(error).split())
    return text[:300] if text else type(error).__name__
