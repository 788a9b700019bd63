"""`kakehashi ingest`: one source, now."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from catalog.definitions import Definitions, load_definitions
from catalog.errors import ConfigurationError
from catalog.settings import DatabaseSettings
from catalog.store.bookkeeping import finish_run, start_run
from catalog.store.database import INGEST_ROLE, open_database
from catalog.store.ledger import database_time
from catalog.store.migrate import migrate
from catalog.store.pool import Pool, open_pool
from catalog.store.statistics import fold_changes
from commands.arguments import check_address
from commands.display import RunDisplay, announce_retries
from commands.say import say
from ingest.contract import Page, Selection, Source, Window
from ingest.fetch import Patience, Turns, open_fetcher
from ingest.harmonize import Harmonizer
from ingest.identity import settle
from ingest.load import CatalogueSink, NdjsonSink
from ingest.pipeline import Sink, run
from ingest.recorded import as_stream, read_pages
from ingest.report import Summary
from ingest.schema_fallback import SchemaFallback
from ingest.settings import IngestSettings
from ingest.sources import make_source

if TYPE_CHECKING:
    from catalog.store.connection import Connection


@dataclass(frozen=True)
class Order:
    """What is to be ingested.

    Attributes:
        files: recorded answers to take instead of asking the upstream.
        output: file for the items, None for standard output; only with `dry_run`.
    """

    source: str
    selection: Selection
    limit: int | None = None
    url: str | None = None
    files: tuple[Path, ...] = ()
    dry_run: bool = False
    output: Path | None = None


def ingest(order: Order, database: DatabaseSettings, settings: IngestSettings) -> Summary:
    """Ingest from one source and print the closing summary on standard error.

    Raises:
        KakehashiError: it could not be finished; what was loaded before stays and is whole.
    """
    definitions = load_definitions()
    if order.dry_run:
        with _output(order.output) as file:
            schemas = schemas_of(settings, database.data_dir)
            summary = asyncio.run(_to_file(order, settings, definitions, schemas, file))
    else:
        with open_database(database) as found:
            asyncio.run(migrate(found.url, say=say))
            pointed = database.model_copy(update={"database_url": found.url})
            summary = asyncio.run(_to_catalogue(order, pointed, settings, definitions))
    for line in summary.lines(loaded=not order.dry_run):
        say(line)
    return summary


def schemas_of(settings: IngestSettings, data_dir: Path) -> SchemaFallback | None:
    """Return what gets extension schemas that are not bundled; None if nobody is to be asked.

    Raises:
        ConfigurationError: the directory that they are kept in begins with `~`, and there is no such home.
    """
    if not settings.schemas_from_network:
        return None
    folder = settings.schema_dir or data_dir / "schemas"
    try:
        return SchemaFallback(folder.expanduser(), settings.schema_hosts)
    except RuntimeError as error:
        raise ConfigurationError(f"KAKEHASHI_SCHEMA_DIR: {folder} cannot be used: {error}") from error


def make_harmonizer(
    source: Source, definitions: Definitions, schemas: SchemaFallback | None = None
) -> Harmonizer:
    """Return what turns a source's records into items of this catalogue."""
    return Harmonizer(
        source,
        definitions.vocabulary,
        bilingual=definitions.bilingual,
        settle=partial(settle, defined=definitions.collections),
        schemas=schemas,
    )


async def _to_file(
    order: Order,
    settings: IngestSettings,
    definitions: Definitions,
    schemas: SchemaFallback | None,
    file: IO[bytes],
) -> Summary:
    async with opened_source(order, settings, definitions) as (source, pages):
        harmonizer = make_harmonizer(source, definitions, schemas)
        return await _run(order, source, pages, NdjsonSink(file), harmonizer, Summary(source.name))


async def _to_catalogue(
    order: Order, database: DatabaseSettings, settings: IngestSettings, definitions: Definitions
) -> Summary:
    async with AsyncExitStack() as stack:
        source, pages = await stack.enter_async_context(opened_source(order, settings, definitions))
        pool = await open_pool(database, INGEST_ROLE, read_only=False)
        stack.push_async_callback(pool.close)
        schemas = schemas_of(settings, database.data_dir)
        return await load_pages(order, source, pages, pool, settings, definitions, schemas=schemas)


async def load_pages(
    order: Order,
    source: Source,
    pages: AsyncIterator[Page],
    pool: Pool,
    settings: IngestSettings,
    definitions: Definitions,
    *,
    schemas: SchemaFallback | None = None,
    is_starter: bool = False,
) -> Summary:
    """Load pages of a source into the catalogue.

    Args:
        order: what is loaded.
        source: whose pages they are.
        pages: of the upstream, or of files.
        pool: of the ingest role.
        settings: of the ingest job.
        definitions: our collections.
        schemas: where schemas that are not bundled come from.
        is_starter: whether they are of the starter catalogue. They were recorded long ago: what is or was in
            the catalogue is newer and stays as it is, and they say nothing of how fresh their source is,
            so that no run of it is recorded. Nothing is shown of how far it is.

    Raises:
        KakehashiError: it could not be finished; the run is recorded as failed.
    """
    async with pool.connection() as connection:
        harmonizer = make_harmonizer(source, definitions, schemas)
        began = None if order.files or is_starter else await database_time(connection)
        sink = CatalogueSink(
            connection,
            source.name,
            definitions,
            harmonizer.describe,
            settings.batch_size,
            asked_at=None if began is None else lambda record: began,
            only_new=is_starter,
        )
        summary = Summary(source.name)
        async with AsyncExitStack() as stack:
            if not is_starter:
                chosen = order.selection
                await stack.enter_async_context(
                    recorded_run(connection, chosen.collections, chosen.window, summary, sink)
                )
            stack.push_async_callback(sink.close)
            await _run(order, source, pages, sink, harmonizer, summary, quiet=is_starter)
        await fold_changes(connection)
        return summary


@asynccontextmanager
async def recorded_run(
    connection: "Connection", collections: Sequence[str], window: Window, summary: Summary, sink: Sink
) -> AsyncIterator[None]:
    """Record in the catalogue that a run begins and, from its summary and sink, how it ends.

    Args:
        connection: of the ingest role.
        collections: that were asked for; empty: all.
        window: that was asked for.
        summary: of the run; names the source.
        sink: tells what became of the items.
    """
    failure = None
    number = await start_run(connection, summary.source, collections, window.start, window.end)
    try:
        yield
    except BaseException as error:
        failure = str(error) or type(error).__name__  # an interrupted run is not done either
        raise
    finally:
        if not connection.is_closed():
            await finish_run(
                connection,
                number,
                pages=summary.pages,
                records=summary.records,
                written=sink.written,
                refused=sum(summary.refused.values()),
                error=failure,
            )


async def _run(
    order: Order,
    source: Source,
    pages: AsyncIterator[Page],
    sink: Sink,
    harmonizer: Harmonizer,
    summary: Summary,
    *,
    quiet: bool = False,
) -> Summary:
    with RunDisplay(source.name, order.limit, quiet=quiet) as display:
        return await run(
            source,
            pages,
            sink,
            harmonizer,
            selection=order.selection,
            limit=order.limit,
            summary=summary,
            on_progress=display.progress,
            on_refusal=display.refusal,
        )


@asynccontextmanager
async def opened_source(
    order: Order, settings: IngestSettings, definitions: Definitions
) -> AsyncIterator[tuple[Source, AsyncIterator[Page]]]:
    """Open a source and the stream of its pages: of files, or of the upstream.

    Raises:
        ConfigurationError: no such source, a file or the address is wrong, or the source's token is
            not set.
    """
    if order.files:
        source = make_source(order.source, definitions)
        yield source, as_stream(read_pages(source, order.files))
        return
    announce_retries()
    async with opened_upstream(order.source, order.url, settings, definitions) as source:
        yield source, source.pages(order.selection)


@asynccontextmanager
async def opened_upstream(
    name: str,
    url: str | None,
    settings: IngestSettings,
    definitions: Definitions,
    turns: Turns | None = None,
) -> AsyncIterator[Source]:
    """Open a source that asks its upstream.

    Args:
        name: of the source.
        url: base address given on the command line.
        settings: address and token that are set, and how patient we are.
        definitions: our collections.
        turns: shared with others who ask the same upstream.

    Raises:
        ConfigurationError: no such source, the address is wrong, or the source's token is not set.
    """
    own = settings.of(name)
    quiet_source = make_source(name, definitions)
    variable = f"KAKEHASHI_SOURCES__{name.upper().replace('-', '_')}__"
    if quiet_source.definition.needs_token and own.token is None:
        raise ConfigurationError(f"{name} asks for an access token: set {variable}TOKEN")
    url, named = (own.url, f"{variable}URL") if url is None else (url, "--url")
    if url is not None:
        check_address(url, named)
    patience = Patience(
        timeout_s=settings.http_timeout_s,
        attempts=settings.http_attempts,
        max_wait_s=settings.http_max_wait_s,
        max_bytes=settings.http_max_bytes,
        min_interval_s=quiet_source.definition.min_interval_s,
    )
    token = own.token.get_secret_value() if own.token else None
    base = url or quiet_source.definition.endpoint
    async with open_fetcher(patience, token=token, base=base, turns=turns) as fetcher:
        yield make_source(name, definitions, fetcher, url)


@contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    """Open the file for items; one that was not finished is not left behind."""
    if path is None:
        yield sys.stdout.buffer
        return
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"--output: {path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def collection_ids(names: Sequence[str]) -> tuple[str, ...]:
    """Return collection ids given several at once or separated by commas."""
    return tuple(part for name in names for part in name.split(",") if part)
