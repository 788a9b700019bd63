"""Trying refused records again: from the quarantine through the same parse, harmonise, validate and load.

A record that goes through leaves the quarantine in the transaction that commits its item, so that
neither is there without the other. One that is refused again stays, with its new reason. One whose item
was made since of what the upstream said later leaves it, too: it would take the item back. So does one
that the upstream deleted since it gave it.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import jsontext
from catalog.store.quarantine import Choice, Held, held_records, release
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Source
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


class Ages:
    """How old the records that are tried again are, by the clock of the database."""

    def __init__(self) -> None:
        """Begin without any; a portion's are noted before it is tried."""
        self._held: dict[int, Held] = {}

    def note(self, record: Record, held: Held) -> None:
        """Note it of a record of the portion that is tried next."""
        self._held[id(record)] = held

    def forget(self) -> None:
        """Forget all records: others may get their place in memory."""
        self._held.clear()

    def asked_at(self, record: Record) -> datetime:
        """Return when the upstream was asked for a record; when it was refused, if that is all that is known."""
        held = self._held[id(record)]
        return held.record.asked_at or held.last_seen

    def refused_at(self, record: Record) -> datetime:
        """Return when a record was refused last."""
        return self._held[id(record)].last_seen


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
        ages: Ages,
        watch: Watch,
    ) -> None:
        """Prepare it.

        Args:
            source: that the records came from.
            connection: of the sink.
            sink: takes the items.
            harmonizer: turns records into items.
            summary: counted in this one.
            ages: is told how old the records are; the sink's own.
            watch: who is told.
        """
        self._source = source
        self._connection = connection
        self._sink = sink
        self._harmonizer = harmonizer
        self._summary = summary
        self._ages = ages
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
            left += await self._portion(chosen)
            tried += len(chosen)
            if limit is not None and tried >= limit:
                break
        return left

    async def _portion(self, portion: Sequence[Held]) -> int:
        # Of one record in several versions, the last one counts.
        latest: dict[str | bytes, tuple[Record, list[bytes]]] = {}
        self._ages.forget()
        for held in portion:
            record = _record(held)
            if record is None:
                self._summary.records += 1
                self._summary.refused["unreadable"] += 1
                continue
            key = held.record.native_id or held.digest
            _, older = latest.get(key, (record, []))
            latest[key] = (record, [*older, held.digest])
            self._ages.note(record, held)
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
            self._sink,
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
