"""Trying refused records again: from the quarantine through the same parse, harmonise, validate and load.

A record that goes through leaves the quarantine in the transaction that commits its item, so that
neither is there without the other. One that is refused again stays, with its new reason. One whose item
was made since of what the upstream said later leaves it, too: it would take the item back. So does one
that the upstream deleted since it gave it.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import jsontext
from catalog.store.quarantine import Choice, Held, held_records, is_overtaken, release
from catalog.store.writer import Written
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Source, Tombstone
from ingest.harmonize import Harmonizer
from ingest.pipeline import Sink, run
from ingest.report import Refusal, Summary

if TYPE_CHECKING:
    from catalog.store.connection import Connection

_ORIGIN = "the quarantine"


class _HeldRecords:
    """A source whose pages are portions of the quarantine; all else is that of the source they came from."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.definition = source.definition

    def records(self, page: Page) -> Iterator[Record]:
        yield from page.document

    def pages(self, selection: Selection) -> AsyncIterator[Page]:
        return self._source.pages(selection)

    def to_item(self, record: Record) -> Item:
        return self._source.to_item(record)

    def to_collection(self, record: Record) -> Collection:
        return self._source.to_collection(record)

    async def describe(self, collection: str) -> Collection | None:
        return await self._source.describe(collection)


class AskedAt:
    """When the records that are tried again were asked for, by the clock of the database."""

    def __init__(self) -> None:
        self._moments: dict[int, datetime] = {}

    def note(self, record: Record, held: Held) -> None:
        """Note it of a record; when it was refused if that is all that is known."""
        self._moments[id(record)] = held.record.asked_at or held.last_seen

    def forget(self) -> None:
        """Forget all records: others may get their place in memory."""
        self._moments.clear()

    def __call__(self, record: Record) -> datetime:
        """Return it for a record of the portion that is being tried."""
        return self._moments[id(record)]


class _NewerStays:
    """A sink that passes everything on to another one but what its source has said better since."""

    def __init__(self, sink: Sink, reading: "Connection", source: str, since: Mapping[int, datetime]) -> None:
        self._sink = sink
        self._reading = reading
        self._source = source
        self._since = since  # when each record was refused last, by its `id()`

    @property
    def written(self) -> Written:
        return self._sink.written

    async def collection(self, collection: Collection) -> None:
        await self._sink.collection(collection)

    async def item(self, item: Item, record: Record) -> list[Refusal]:
        since = self._since[id(record)]
        if await is_overtaken(self._reading, self._source, item["collection"], item["id"], since):
            return []
        return await self._sink.item(item, record)

    async def tombstone(self, tombstone: Tombstone) -> list[Refusal]:
        return await self._sink.tombstone(tombstone)

    async def refused(self, refusal: Refusal) -> None:
        await self._sink.refused(refusal)

    async def flush(self) -> list[Refusal]:
        return await self._sink.flush()

    def transaction(self) -> AbstractAsyncContextManager[object]:
        return self._sink.transaction()


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told while records are tried again.

    Attributes:
        on_progress: after each portion.
        on_refusal: of each record that is refused again.
    """

    on_progress: Callable[[Summary], None] = lambda summary: None
    on_refusal: Callable[[Refusal], None] = lambda refusal: None


class Retry:
    """Tries records of the quarantine again."""

    def __init__(
        self,
        source: Source,
        connection: "Connection",
        sink: Sink,
        harmonizer: Harmonizer,
        summary: Summary,
        asked_at: AskedAt,
        watch: Watch,
    ) -> None:
        """Prepare it.

        Args:
            source: that the records came from.
            connection: of the sink.
            sink: takes the items.
            harmonizer: turns records into items.
            summary: counted in this one.
            asked_at: is told when the records were asked for; the sink's own.
            watch: who is told.
        """
        self._source = source
        self._connection = connection
        self._sink = sink
        self._harmonizer = harmonizer
        self._summary = summary
        self._asked_at = asked_at
        self._watch = watch

    async def run(self, reading: "Connection", choice: Choice, limit: int | None = None) -> int:
        """Try records, those that were refused last at the end; return how many left the quarantine.

        Args:
            reading: connection that the quarantine is read through, not the sink's.
            choice: which records.
            limit: most records to try.
        """
        left = tried = 0
        async for portion in held_records(reading, choice):
            chosen = portion if limit is None else portion[: limit - tried]
            left += await self._portion(reading, chosen)
            tried += len(chosen)
            if limit is not None and tried >= limit:
                break
        return left

    async def _portion(self, reading: "Connection", portion: Sequence[Held]) -> int:
        # Of one record in several versions, the last one counts.
        latest: dict[str | bytes, tuple[Record, list[bytes]]] = {}
        since: dict[int, datetime] = {}
        self._asked_at.forget()
        for held in portion:
            record = _record(held)
            if record is None:
                self._summary.records += 1
                self._summary.refused["unreadable"] += 1
                continue
            key = held.record.native_id or held.digest
            _, older = latest.get(key, (record, []))
            latest[key] = (record, [*older, held.digest])
            since[id(record)] = held.last_seen
            self._asked_at.note(record, held)
        refused: set[int] = set()

        def note(refusal: Refusal) -> None:
            refused.add(id(refusal.record))
            self._watch.on_refusal(refusal)

        def gone() -> list[bytes]:
            kept = [digests for record, digests in latest.values() if id(record) not in refused]
            return [digest for digests in kept for digest in digests]

        async def ending(_: Summary) -> None:
            await release(self._connection, self._source.name, gone())

        await run(
            _HeldRecords(self._source),
            _one(Page([record for record, _ in latest.values()], _ORIGIN)),
            _NewerStays(self._sink, reading, self._source.name, since),
            self._harmonizer,
            selection=Selection(),
            summary=self._summary,
            ending=ending,
            on_refusal=note,
        )
        self._watch.on_progress(self._summary)
        return len(gone())


def _record(held: Held) -> Record | None:
    """Return a record as its source gave it; None if its text was too long to be kept whole."""
    try:
        native = jsontext.loads(held.record.native)
    except ValueError:
        return None
    return Record(native, held.record.native_id, Kind(held.record.kind)) if isinstance(native, dict) else None


async def _one(page: Page) -> AsyncIterator[Page]:
    yield page
