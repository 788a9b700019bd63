"""Putting native documents through the pure middle of the pipeline, as the tests of the sources do."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from catalog.errors import RecordRefused
from ingest.contract import Page, Source
from ingest.harmonize import Harmonizer
from ingest.sources import make_source
from tests.unit.documents import definitions

CLOCK = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@cache
def source(name: str) -> Source:
    return make_source(name, definitions())


def harvested(name: str, document: Any) -> list[dict[str, Any]]:
    """Return the items of a page; none of its records may be refused."""
    harmonizer = Harmonizer(source(name), definitions().vocabulary, clock=lambda: CLOCK)
    return [harmonizer.item(record) for record in source(name).records(Page(document, "test"))]


def refused(name: str, document: Any) -> RecordRefused:
    """Return why the one record of a page is refused."""
    with pytest.raises(RecordRefused) as refusal:
        harvested(name, document)
    return refusal.value
