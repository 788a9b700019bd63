"""The loop: pages of a source → records → items → a sink. Knows no upstream and no database."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from catalog.errors import ConfigurationError, RecordRefused, TooManyResults, UpstreamError
from catalog.store.written import Written
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Source, Tombstone
from ingest.geometry import intersects_box
from ingest.harmonize import Harmonizer
from ingest.report import Refusal, Summary
from ingest.times import parse_time

Progress = Callable[[Summary], None]
Ending = Callable[[Summary], Awaitable[None]]


class Sink(Protocol):
    """Where items go: the catalogue, or a file."""

    async def collection(self, collection: Collection) -> None:
        """Take a collection."""
        ...

    async def item(self, item: Item, record: Record) -> list[Refusal]:
        """Take an item; return what had to be refused after all, of it or of items taken before.

        Raises:
            RecordRefused: this item cannot be taken.
        """
        ...

    async def tombstone(self, tombstone: Tombstone) -> list[Refusal]:
        """Take out what an upstream deleted; return what had to be refused of items taken before."""
        ...

    async def refused(self, refusal: Refusal) -> None:
        """Keep a refused record."""
        ...

    async def flush(self) -> list[Refusal]:
        """Make everything taken so far durable; return what had to be refused after all."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Make everything that is done within the block durable together, or nothing of it."""
        ...

    @property
    def written(self) -> Written:
        """What became of the items so far."""
        ...


async def run(
    source: Source,
    pages: AsyncIterator[Page],
    sink: Sink,
    harmonizer: Harmonizer,
    *,
    selection: Selection,
    limit: int | None = None,
    summary: Summary | None = None,
    max_records: int | None = None,
    ending: Ending | None = None,
    on_progress: Progress = lambda summary: None,
    on_refusal: Callable[[Refusal], None] = lambda refusal: None,
) -> Summary:
    """Bring everything that the pages hold into a sink.

    Args:
        source: cuts the pages into records.
        pages: of the upstream, or of files.
        sink: takes the items.
        harmonizer: turns records into items.
        selection: what was asked for; records outside of its time and place are left out.
        limit: most items to take; most collections, of a source that has nothing else.
        summary: counted in this one, so that a caller has the counts of a run that fails.
        max_records: nothing is taken if the upstream says that it has more than this.
        ending: done in the transaction that makes the last items durable, when all went through.
        on_progress: told after each page.
        on_refusal: told of each refused record.

    Raises:
        TooManyResults: there are more than `max_records`.
        UpstreamError: the upstream failed; all items that were taken before are durable.
        ConfigurationError: a file of pages is wrong; the same.
        StoreError: the sink failed.
    """
    summary = summary or Summary(source.name)
    run_of_pages = _Run(source, sink, harmonizer, selection, limit, summary, on_refusal)
    started = time.monotonic()
    try:
        async for page in pages:
            _count_matched(summary, page, max_records)
            summary.pages += 1
            await run_of_pages.take_page(page)
            summary.seconds = time.monotonic() - started
            on_progress(summary)
            if run_of_pages.is_full:
                break
    except (UpstreamError, ConfigurationError):
        # There are no more pages. Where it is the sink that failed, it would fail again, and hide why.
        await run_of_pages.finish()
        raise
    else:
        async with sink.transaction():
            await run_of_pages.finish()
            if ending is not None:
                await ending(summary)
    finally:
        summary.seconds = time.monotonic() - started
        summary.written = sink.written
        summary.unknown_terms = harmonizer.vocabulary.unknown
        summary.unknown_schemas = harmonizer.validator.unknown
        summary.repairs = harmonizer.repairs
    return summary


def _count_matched(summary: Summary, page: Page, max_records: int | None) -> None:
    if page.matched is None:
        return
    summary.matched = (summary.matched or 0) + page.matched
    if max_records is not None and summary.matched > max_records:
        reason = f"{page.origin}: {summary.matched} records match, more than {max_records}"
        raise TooManyResults(reason, summary.matched)


class _Run:
    """The state of one run."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        harmonizer: Harmonizer,
        selection: Selection,
        limit: int | None,
        summary: Summary,
        on_refusal: Callable[[Refusal], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._harmonizer = harmonizer
        self._selection = selection
        self._limit = limit
        self._summary = summary
        self._on_refusal = on_refusal
        # Pages that shift while they are read repeat records of the page before, never older ones.
        self._seen_before: set[tuple[str, str]] = set()
        self._seen: set[tuple[str, str]] = set()

    @property
    def is_full(self) -> bool:
        only_collections = self._source.definition.collections_only
        taken = self._summary.collections if only_collections else self._summary.items
        return self._limit is not None and taken >= self._limit

    async def take_page(self, page: Page) -> None:
        self._seen_before, self._seen = self._seen, set()
        for record in self._source.records(page):
            if self.is_full:
                return
            self._summary.records += 1
            try:
                await self._take(record)
            except RecordRefused as error:
                await self._refuse(Refusal(record, error, page.origin))

    async def _take(self, record: Record) -> None:
        if record.kind is Kind.COLLECTION:
            collection = self._harmonizer.collection(record)
            if await self._harmonizer.learn():
                collection = self._harmonizer.collection(record)
            if self._selection.collections and collection["id"] not in self._selection.collections:
                self._summary.outside += 1
                return
            await self._sink.collection(collection)
            self._summary.collections += 1
            return
        if record.kind is Kind.TOMBSTONE:
            await self._bury(self._harmonizer.tombstone(record))
            return
        item = self._harmonizer.item(record)
        if await self._harmonizer.learn():
            item = self._harmonizer.item(record)
        key = (item["collection"], item["id"])
        if key in self._seen or key in self._seen_before:
            self._summary.repeated += 1
            return
        self._seen.add(key)
        if not _is_wanted(item, self._selection):
            self._summary.outside += 1
            return
        late = await self._sink.item(self._harmonizer.settle(item), record)
        self._summary.items += 1
        await self._refuse_late(late)

    async def _bury(self, tombstone: Tombstone) -> None:
        if self._selection.collections and tombstone.collection not in self._selection.collections:
            self._summary.outside += 1
            return
        key = (tombstone.collection, tombstone.id)
        self._seen.discard(key)
        self._seen_before.discard(key)
        late = await self._sink.tombstone(tombstone)
        self._summary.tombstones += 1
        await self._refuse_late(late)

    async def finish(self) -> None:
        await self._refuse_late(await self._sink.flush())
        self._summary.written = self._sink.written

    async def _refuse_late(self, refusals: list[Refusal]) -> None:
        for refusal in refusals:
            self._summary.items -= 1
            await self._refuse(refusal)

    async def _refuse(self, refusal: Refusal) -> None:
        self._summary.refused[refusal.error.code] += 1
        self._on_refusal(refusal)
        await self._sink.refused(refusal)


def _is_wanted(item: Item, selection: Selection) -> bool:
    """Whether an item lies in the time, the place and the collections that were asked for."""
    if selection.collections and item["collection"] not in selection.collections:
        return False
    start, end = _span(item["properties"])
    window = selection.window
    if window.start is not None and end < window.start:
        return False
    if window.end is not None and start >= window.end:
        return False
    return selection.bbox is None or intersects_box(item["geometry"], selection.bbox)


def _span(properties: Mapping[str, Any]) -> tuple[datetime, datetime]:
    start = properties.get("start_datetime") or properties["datetime"]
    end = properties.get("end_datetime") or properties["datetime"]
    return parse_time(start), parse_time(end)
