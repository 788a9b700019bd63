"""`kakehashi prepare`: everything a database needs before the API can show something true."""

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.settings import DatabaseSettings
from catalog.store.bookkeeping import fingerprint_of, remember_fingerprint
from catalog.store.contents import Contents, count_contents
from catalog.store.defined import upsert_defined
from catalog.store.migrate import connect, migrate, only_one
from catalog.store.pool import database_errors
from catalog.store.writer import existing_collections, upsert_queryables
from commands.say import say

if TYPE_CHECKING:
    from catalog.definitions import Definitions
    from catalog.store.connection import Connection

# What was loaded is remembered under these names: definitions until they change, the starter catalogue for good.
_DEFINITIONS, _STARTER = "definitions", "starter catalogue"
_ROOT = Path(__file__).parent.parent
_DEFINITION_FILES = ("catalog/*.py", "catalog/*.yaml", "catalog/collections/**/*.*")
_STARTER_FILES = ("ingest/starter/**/*.json",)


def prepare(settings: DatabaseSettings, url: str, *, starter: bool = True) -> Contents:
    """Migrate a database, bring its definitions up to date, load the starter catalogue where it never was.

    Args:
        settings: of which the pool's are used.
        url: the database, of an account that may migrate it.
        starter: whether the starter catalogue is wanted.

    Raises:
        KakehashiError: something could not be done; says what.
    """
    pointed = settings.model_copy(update={"database_url": url})
    return asyncio.run(_prepare(pointed, url, starter=starter))


async def _prepare(settings: DatabaseSettings, url: str, *, starter: bool) -> Contents:
    await migrate(url, say=say)
    async with connect(url) as connection:
        with database_errors():
            async with only_one(connection):
                await _bring_up_to_date(settings, connection, starter=starter)
            return await count_contents(connection)


async def _bring_up_to_date(settings: DatabaseSettings, connection: "Connection", *, starter: bool) -> None:
    files = _fingerprint(_DEFINITION_FILES)
    is_stale = await fingerprint_of(connection, _DEFINITIONS) != files
    # Once: from then on the catalogue is what its harvest and its owner made of it.
    wants_starter = starter and await fingerprint_of(connection, _STARTER) is None
    if not is_stale and not wants_starter:
        return
    # Imported when something changed: a start that finds nothing to do must be quick.
    from catalog.definitions import load_definitions

    definitions = load_definitions()
    # Before the queryables, which pgstac looks through for every partition that it makes.
    if wants_starter:
        await _load_starter(settings, definitions)
        await remember_fingerprint(connection, _STARTER, _fingerprint(_STARTER_FILES))
    if is_stale:
        await _refresh_definitions(connection, definitions)
        await remember_fingerprint(connection, _DEFINITIONS, files)


def _fingerprint(patterns: tuple[str, ...]) -> str:
    """Return a digest of files of ours, by which a change of any of them is noticed."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in patterns for file in _ROOT.glob(pattern)):
        digest.update(f"{file.relative_to(_ROOT)}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


async def _refresh_definitions(connection: "Connection", definitions: "Definitions") -> None:
    """Register the queryables, and render anew the collections that are in the catalogue."""
    await upsert_queryables(connection, definitions.queryables)
    defined = sorted(await existing_collections(connection) & set(definitions.collections))
    await upsert_defined(connection, definitions, defined)


async def _load_starter(settings: DatabaseSettings, definitions: "Definitions") -> None:
    from commands.starter import load_starter

    say("loading the starter catalogue")
    summaries = await load_starter(settings, definitions)
    say(f"starter catalogue: {sum(summary.written.inserted for summary in summaries)} items")
