"""The quarantine from the command line: trying its records again, looking at them, dropping old ones."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from catalog import jsontext
from catalog.definitions import Definitions, load_definitions
from catalog.settings import DatabaseSettings
from catalog.store.database import INGEST_ROLE, READ_ROLE, open_database
from catalog.store.migrate import migrate
from catalog.store.pool import open_pool
from catalog.store.quarantine import Choice, Held, held_records, purge
from catalog.store.statistics import fold_changes
from commands.display import RunDisplay
from commands.ingest import make_harmonizer, opened_upstream, recorded_run, schemas_of
from commands.say import say
from ingest.contract import Source, Window
from ingest.load import CatalogueSink
from ingest.report import Summary
from ingest.requarantine import Ages, Retry, Watch
from ingest.settings import IngestSettings
from ingest.sources import make_source

_LINE_EVERY_S = 10.0


def retry_quarantine(
    choice: Choice,
    limit: int | None,
    url: str | None,
    database: DatabaseSettings,
    settings: IngestSettings,
) -> Summary:
    """Try refused records of one source again and print what came of it on standard error.

    Args:
        choice: which records.
        limit: most records to try.
        url: base address of the upstream, which is asked for descriptions of collections alone.
        database: which database.
        settings: of the ingest job.

    Raises:
        KakehashiError: it could not be finished; what was loaded before stays and is whole.
    """
    make_source(choice.source, definitions := load_definitions())  # a name that is wrong is told at once
    with open_database(database) as found:
        asyncio.run(migrate(found.url, say=say))
        pointed = database.model_copy(update={"database_url": found.url})
        summary, left = asyncio.run(_retry(choice, limit, url, pointed, settings, definitions))
    for line in summary.lines(loaded=True):
        say(line)
    say(f"  out of the quarantine: {left:,}")
    return summary


def list_quarantine(choice: Choice, limit: int | None, database: DatabaseSettings, *, as_json: bool) -> None:
    """Print refused records of one source, those that were refused last at the end.

    Args:
        choice: which records.
        limit: most records to print.
        database: which database.
        as_json: one JSON object a line, with the record itself; else a line for people.

    Raises:
        StoreError: there is no database, or it is not set up.
    """
    with open_database(database) as found:
        asyncio.run(
            _list(choice, limit, database.model_copy(update={"database_url": found.url}), as_json=as_json)
        )


def purge_quarantine(choice: Choice, older_than: timedelta, database: DatabaseSettings) -> int:
    """Drop records of one source that were refused last some time ago; return how many.

    Args:
        choice: which records.
        older_than: since they were refused last.
        database: which database.

    Raises:
        ConfigurationError: no such source.
        StoreError: there is no database, or it is not set up.
    """
    make_source(choice.source, load_definitions())
    with open_database(database) as found:
        asyncio.run(migrate(found.url, say=say))
        pointed = database.model_copy(update={"database_url": found.url})
        return asyncio.run(_purge(choice, older_than, pointed))


async def _purge(choice: Choice, older_than: timedelta, database: DatabaseSettings) -> int:
    told = time.monotonic()

    def tell(gone: int) -> None:
        nonlocal told
        if time.monotonic() - told > _LINE_EVERY_S:
            told = time.monotonic()
            say(f"  {gone:,} records dropped so far")

    pool = await open_pool(database, INGEST_ROLE, read_only=False)
    try:
        async with pool.connection() as connection:
            return await purge(connection, choice, older_than, tell)
    finally:
        await pool.close()


async def _retry(
    choice: Choice,
    limit: int | None,
    url: str | None,
    database: DatabaseSettings,
    settings: IngestSettings,
    definitions: Definitions,
) -> tuple[Summary, int]:
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(_opened(choice.source, url, settings, definitions))
        pool = await open_pool(database, INGEST_ROLE, read_only=False)
        stack.push_async_callback(pool.close)
        reading = await stack.enter_async_context(pool.connection())
        writing = await stack.enter_async_context(pool.connection())
        schemas = schemas_of(settings, database.data_dir)
        harmonizer, summary = make_harmonizer(source, definitions, schemas), Summary(source.name)
        ages = Ages()
        sink = CatalogueSink(
            writing,
            source.name,
            definitions,
            harmonizer.describe,
            settings.batch_size,
            asked_at=ages.asked_at,
            refused_at=ages.refused_at,
        )
        stack.push_async_callback(sink.close)
        display = stack.enter_context(RunDisplay(source.name, limit))
        watch = Watch(display.progress, display.refusal)
        retry = Retry(source, writing, sink, harmonizer, summary, ages, watch)
        chosen = (choice.collection,) if choice.collection else ()
        started = time.monotonic()
        try:
            async with recorded_run(writing, chosen, Window(), summary, sink):
                left = await retry.run(reading, choice, limit)
        finally:
            summary.seconds = time.monotonic() - started
        await fold_changes(writing)
        return summary, left


async def _list(choice: Choice, limit: int | None, database: DatabaseSettings, *, as_json: bool) -> None:
    pool = await open_pool(database, READ_ROLE)
    printed = 0
    try:
        async with pool.connection() as connection:
            async for portion in held_records(connection, choice):
                for held in portion:
                    if limit is not None and printed >= limit:
                        return
                    print(_as_json(held) if as_json else _as_line(held))
                    printed += 1
    finally:
        await pool.close()
        if not printed and not as_json:
            say("nothing is held")


def _as_json(held: Held) -> str:
    record = held.record
    told = {
        "native_id": record.native_id,
        "collection": record.collection,
        "kind": record.kind,
        "code": record.code,
        "reason": record.reason,
        "first_seen": held.first_seen,
        "last_seen": held.last_seen,
        "times_seen": held.times_seen,
        "native": record.native,
    }
    return jsontext.dumps(told).decode()


def _as_line(held: Held) -> str:
    record = held.record
    name = record.native_id or held.digest.hex()[:12]
    times = "" if held.times_seen == 1 else f" ({held.times_seen} times)"
    line = f"{held.last_seen:%Y-%m-%d %H:%M} {record.code} {name}: {record.reason}{times}"
    return "".join(letter if letter.isprintable() else " " for letter in line)


@asynccontextmanager
async def _opened(
    name: str, url: str | None, settings: IngestSettings, definitions: Definitions
) -> AsyncIterator[Source]:
    """Open a source; without its upstream if that wants a token that is not set: records are here already."""
    source = make_source(name, definitions)
    if source.definition.needs_token and settings.of(name).token is None:
        yield source
        return
    async with opened_upstream(name, url, settings, definitions) as opened:
        yield opened
