"""`kakehashi load`: any STAC from files into the catalogue."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import ConfigurationError, RecordRefused
from catalog.settings import DatabaseSettings
from catalog.store.database import INGEST_ROLE, open_database
from catalog.store.deciding import Mode
from catalog.store.defined import upsert_defined
from catalog.store.loader import Loader
from catalog.store.migrate import migrate
from catalog.store.pool import open_pool
from catalog.store.prepared import Key
from catalog.store.recognised import Recogniser
from catalog.store.statistics import fold_changes
from catalog.store.writer import existing_collections, upsert_collections
from catalog.store.written import Written
from commands.ahead import ahead
from commands.load_display import LoadDisplay
from commands.load_portion import Portion, portions
from commands.load_processes import Readers
from commands.load_reading import Kind, Reading
from commands.say import say
from ingest.foreign import made_collection
from ingest.stac_files import StacFile

if TYPE_CHECKING:
    from catalog.definitions import Definitions
    from catalog.store.connection import Connection

# More connections than this wait for each other, and for the one process that feeds them.
_MOST_CONNECTIONS = 4
_BATCH = 3000


@dataclass(frozen=True)
class Order:
    """What is to be loaded.

    Attributes:
        paths: files, or `-`.
        mode: what happens to items that are there already.
        create_collections: whether a collection that is not there is made for its items.
        validate: whether documents are checked against the STAC schemas.
        processes: how many read large files; None: as many as there are processors.
    """

    paths: tuple[Path, ...]
    mode: Mode = Mode.UPSERT
    create_collections: bool = False
    validate: bool = True
    processes: int | None = None


@dataclass
class LoadSummary:
    """What came of a load.

    Attributes:
        items: taken, whether they were written or not.
        collections: taken.
        changed_collections: how many of them were new or different.
        created: ids of collections that were made for their items.
        repeated: items that came again in their batch.
        recognised: items whose text was loaded before, so that it was not read; they are unchanged.
        refused: documents that were not loaded, by code.
        unknown_schemas: extensions that are not bundled, so that nothing was checked against them.
    """

    items: int = 0
    collections: int = 0
    changed_collections: int = 0
    created: list[str] = field(default_factory=list)
    repeated: int = 0
    recognised: int = 0
    written: Written = field(default_factory=Written)
    refused: Counter[str] = field(default_factory=Counter)
    unknown_schemas: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return the summary for a person."""
        written, refused = self.written, sum(self.refused.values())
        speed = f", {self.items / self.seconds:,.0f} items/s" if self.seconds >= 1 and self.items else ""
        lines = [
            f"{self.items:,} items: {written.inserted:,} new, {written.updated:,} updated, "
            f"{written.unchanged:,} unchanged, {refused:,} refused in {self.seconds:.1f} s{speed}"
        ]
        if self.collections:
            lines.append(
                f"  collections: {self.collections:,}, of which new or changed {self.changed_collections:,}"
            )
        if self.created:
            lines.append(f"  collections made for their items: {', '.join(sorted(self.created))}")
        if self.repeated:
            lines.append(f"  came more than once: {self.repeated:,}; the last one counts")
        lines += [f"  refused, {code}: {count:,}" for code, count in sorted(self.refused.items())]
        if self.unknown_schemas:
            lines.append(f"  not checked, schema not bundled: {', '.join(sorted(self.unknown_schemas))}")
        return lines


def load(order: Order, settings: DatabaseSettings) -> LoadSummary:
    """Load files and print the closing summary on standard error.

    Raises:
        KakehashiError: it could not be finished; what was committed before stays.
    """
    files = [StacFile(path) for path in order.paths]
    missing = [str(file.path) for file in files if not file.is_there]
    if missing:
        raise ConfigurationError(f"no such file: {', '.join(missing)}")
    summary = LoadSummary()
    try:
        with open_database(settings) as database:
            asyncio.run(migrate(database.url, say=say))
            pointed = settings.model_copy(update={"database_url": database.url})
            asyncio.run(_load(order, files, pointed, summary))
    finally:
        for line in summary.lines():
            say(line)
    return summary


async def _load(
    order: Order, files: Sequence[StacFile], settings: DatabaseSettings, summary: LoadSummary
) -> None:
    count = min(_MOST_CONNECTIONS, max(2, os.cpu_count() or 1))
    wide = settings.model_copy(update={"database_pool_size": count + 1})
    async with AsyncExitStack() as stack:
        pool = await open_pool(wide, INGEST_ROLE, read_only=False)
        stack.push_async_callback(pool.close)
        own, *rest = [await stack.enter_async_context(pool.connection()) for _ in range(count + 1)]
        loader = await stack.enter_async_context(Loader(rest, mode=order.mode, batch_size=_BATCH))
        readers = stack.enter_context(Readers(validate=order.validate, processes=order.processes))
        summary.unknown_schemas = readers.unknown_schemas
        display = stack.enter_context(LoadDisplay(files))
        await _Load(order, own, loader, readers, display, summary).run(files)


class _Load:
    """The state of one load."""

    def __init__(
        self,
        order: Order,
        connection: "Connection",
        loader: Loader,
        readers: Readers,
        display: LoadDisplay,
        summary: LoadSummary,
    ) -> None:
        self._order = order
        self._connection = connection
        self._loader = loader
        self._readers = readers
        self._display = display
        self._summary = summary
        self._definitions: Definitions | None = None
        self._known: set[str] = set()
        self._recogniser = Recogniser(connection, checked=order.validate)

    async def run(self, files: Sequence[StacFile]) -> None:
        started = time.monotonic()
        self._known = await existing_collections(self._connection)
        try:
            for file in files:
                # What is there is refused when inserting, and that is for the loader to say.
                read = portions(file.pieces(), sighted=self._order.mode is not Mode.INSERT)
                async with aclosing(ahead(read)) as found:
                    async for portion in found:
                        await self._take_portion(portion, started)
            await self._loader.finish()
            await fold_changes(self._connection)
        finally:
            self._summary.seconds = time.monotonic() - started
            self._collect()

    async def _take_portion(self, portion: Portion, started: float) -> None:
        """Take some pieces of a file, in order; texts that are in the catalogue as they stand are only counted.

        Of what has the same id the last one counts: so a text is not passed over where another record of
        its item came shortly before, and may be written after we looked.
        """
        unsettled = [*self._loader.pending_keys(), given := set[Key]()]
        known = await self._known_keys(portion)
        pieces = list(zip(portion.pieces, portion.digests, strict=True))
        bases = self._loader.bases
        unknown = [piece for place, piece in enumerate(pieces) if place not in known]
        if portion.is_full and unknown:
            self._readers.start()
        async with aclosing(self._readers.read(unknown, bases)) as readings:
            for place, piece in enumerate(pieces):
                key = known.get(place)
                if key is None:
                    read = await anext(readings)
                elif any(key in keys for keys in unsettled):
                    read = self._readers.read_here(piece, bases)
                else:
                    self._summary.items += 1
                    self._summary.recognised += 1
                    continue
                for one in read:
                    given.add(one.key)
                    await self._take(one)
                self._show(started)
        self._show(started)

    def _show(self, started: float) -> None:
        self._summary.seconds = time.monotonic() - started
        self._display.progress(self._summary)

    async def _known_keys(self, portion: Portion) -> dict[int, Key]:
        """Return the collections and ids of those pieces that need not be read, by their place in the portion."""
        places = list(portion.sightings)
        known = await self._recogniser.known(list(portion.sightings.values()))
        return {places[number]: portion.sightings[places[number]].key for number in known}

    async def _take(self, one: Reading) -> None:
        self._summary.items += one.kind is Kind.ITEM
        self._summary.collections += one.kind is Kind.COLLECTION
        if one.refused is not None:
            self._refuse(one, RecordRefused(*one.refused))
            return
        try:
            if one.prepared is not None:
                await self._loader.add_prepared(one.prepared)
            elif one.document is not None and one.kind is Kind.ITEM:
                await self._take_item(one.document, one.text)
            elif one.document is not None:
                await self._take_collection(one.document)
        except RecordRefused as error:
            self._refuse(one, error)
        if self._loader.outcome.refused:
            self._collect()

    def _refuse(self, one: Reading, error: RecordRefused) -> None:
        self._summary.refused[error.code] += 1
        self._display.refusal(one.place, one.key[1], error)

    async def _take_item(self, item: dict[str, Any], text: str | None) -> None:
        name = item.get("collection")
        if isinstance(name, str) and name not in self._known:
            await self._ensure(name)
        await self._loader.add(item, text)

    async def _take_collection(self, collection: dict[str, Any]) -> None:
        # Items that wait were prepared for the collection as it was.
        await self._loader.renew(collection["id"])
        self._summary.changed_collections += await upsert_collections(self._connection, [collection])
        self._known.add(collection["id"])

    async def _ensure(self, name: str) -> None:
        """Make a collection that is not there, if that is wanted: ours if we define it."""
        if not self._order.create_collections:
            raise RecordRefused(
                "unknown-collection",
                f"there is no collection {name!r:.80}: load it first, or give --create-collections",
            )
        # Imported when it is needed: reading definitions takes longer than a small load.
        from catalog.definitions import load_definitions

        self._definitions = self._definitions or load_definitions()
        if name in self._definitions.collections:
            await upsert_defined(self._connection, self._definitions, [name])
        else:
            await upsert_collections(self._connection, [made_collection(name)])
        self._known.add(name)
        self._summary.created.append(name)

    def _collect(self) -> None:
        """Bring the summary in line with what is committed."""
        for item, error in self._loader.take_refused():
            self._summary.refused[error.code] += 1
            self._display.refusal(item.collection, item.id, error)
        self._summary.written = self._loader.outcome.total()
        self._summary.written.unchanged += self._summary.recognised
        self._summary.repeated = self._loader.outcome.repeated
