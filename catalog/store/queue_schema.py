"""The tables of the job queue (procrastinate), installed and kept up to date with our own.

They lie in the schema `kakehashi`: their names all begin with `procrastinate_`, the rights of our roles
reach them there, and no further right is needed of whoever migrates. The library brings its whole schema
for a new database, and a numbered file for every later change of it; which of these were applied is noted
in `kakehashi.queue_migration`.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg


async def migrate_queue(
    connection: "asyncpg.Connection[asyncpg.Record]", say: Callable[[str], None] = lambda line: None
) -> None:
    """Make the queue's tables, or bring them to the version of the library that is installed.

    Args:
        connection: of the account that migrates; the schema `kakehashi` is up to date.
        say: told in one line what is done, only when something is.
    """
    migrations = queue_migrations()
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM kakehashi.queue_migration")}
    missing = {name: sql for name, sql in migrations.items() if name not in applied}
    if not missing:
        return
    if not applied:
        say("installing the job queue")
        # The schema is what all migrations together amount to.
        await _apply(connection, (_sql() / "schema.sql").read_text(encoding="utf-8"), list(missing))
        return
    for name, sql in missing.items():
        say(f"updating the job queue: {name}")
        await _apply(connection, sql, [name])


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", sql: str, names: list[str]) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path TO kakehashi, public")
        await connection.execute(sql)
        await connection.executemany(
            "INSERT INTO kakehashi.queue_migration (name) VALUES ($1)", [(name,) for name in names]
        )


def queue_migrations() -> dict[str, str]:
    """Return the migrations that the library brings along: SQL by name, in the order to apply them."""
    # MM.mm.pp_NN_(pre|post)_words.sql: the order of names is the order of versions.
    return {
        file.name: file.read_text(encoding="utf-8") for file in sorted((_sql() / "migrations").glob("*.sql"))
    }


def _sql() -> Path:
    """Return the library's folder of SQL, without the time that importing the library takes."""
    library = find_spec("procrastinate")
    if library is None or not library.submodule_search_locations:
        raise ModuleNotFoundError("procrastinate is not installed")
    return Path(library.submodule_search_locations[0]) / "sql"
