"""How a run of pages ends when something fails."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from catalog.errors import DatabaseUnreachable, QueryTimeout, UpstreamUnavailable
from catalog.store.written import Written
from ingest.contract import Page, Record, Selection
from ingest.harmonize import Harmonizer
from ingest.pipeline import run
from ingest.report import Refusal, Summary
from tests.replay.running import Kept
from tests.unit.documents import definitions, sentinel_2
from tests.unit.harvested import source


class Failing(Kept):
    """A sink whose database goes away with the first item."""

    def __init__(self, failure: BaseException | None = None) -> None:
        super().__init__()
        self.written = Written(inserted=7)
        self.flushed = 0
        self._failure = failure

    async def item(self, item: dict[str, Any], record: Record) -> list[Refusal]:
        if self._failure is not None:
            raise self._failure
        return await super().item(item, record)

    async def flush(self) -> list[Refusal]:
        self.flushed += 1
        if self._failure is not None:
            raise DatabaseUnreachable("no connection")
        return []


async def pages(failure: Exception | None = None) -> AsyncIterator[Page]:
    yield Page({"type": "FeatureCollection", "features": [sentinel_2("a")]}, "test")
    if failure is not None:
        raise failure


async def ran(sink: Failing, failure: Exception | None = None, summary: Summary | None = None) -> None:
    cdse = source("cdse")
    harmonizer = Harmonizer(cdse, definitions().vocabulary)
    await run(cdse, pages(failure), sink, harmonizer, selection=Selection(), summary=summary)


@pytest.mark.parametrize("failure", [QueryTimeout("the reason"), asyncio.CancelledError()], ids=repr)
async def test_why_a_sink_failed_is_told_and_not_that_it_fails_again(failure: BaseException) -> None:
    """What waited was written once more, and the error of that hid the first one."""
    sink = Failing(failure)
    with pytest.raises(type(failure)):
        await ran(sink)
    assert sink.flushed == 0


async def test_what_an_upstream_gave_before_it_failed_is_written() -> None:
    sink = Failing()
    with pytest.raises(UpstreamUnavailable):
        await ran(sink, UpstreamUnavailable("away"))
    assert sink.ids == ["a"]
    assert sink.flushed == 1


async def test_a_run_that_fails_tells_what_it_wrote() -> None:
    summary = Summary("cdse")
    with pytest.raises(QueryTimeout):
        await ran(Failing(QueryTimeout("x")), summary=summary)
    assert summary.written == Written(inserted=7)
