"""What tests of sources share: a document through the whole road to items, and golden items."""

import dataclasses
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.errors import RecordRefused
from ingest.contract import Kind, Page, Source
from ingest.harmonize import Harmonizer
from ingest.sources import make_source
from tests.unit.documents import definitions

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Taken:
    """What became of documents.

    Attributes:
        items: valid ones.
        collections: valid ones.
        refused: code and reason of each record that became none.
        unknown: words that the vocabulary lacks.
    """

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.collections: list[dict[str, Any]] = []
        self.refused: list[tuple[str, str]] = []
        self.unknown: dict[tuple[str, str], int] = {}

    @property
    def item(self) -> dict[str, Any]:
        """The only item there is."""
        assert not self.refused, self.refused
        assert len(self.items) == 1
        return self.items[0]

    @property
    def codes(self) -> list[str]:
        """Why records were refused."""
        return [code for code, _ in self.refused]


def take(name: str, *documents: Any, origins: tuple[str, ...] = (), source: Source | None = None) -> Taken:
    """Put documents through a source, the common rules and the schemas.

    Args:
        name: of the source.
        documents: pages.
        origins: their addresses or file names, where those matter.
        source: to use instead of a new one.
    """
    source = source or make_source(name, definitions())
    vocabulary = dataclasses.replace(definitions().vocabulary, unknown=Counter())
    harmonizer = Harmonizer(source, vocabulary, clock=lambda: NOW)
    taken = Taken()
    for index, document in enumerate(documents):
        origin = origins[index] if index < len(origins) else f"test {index}"
        for record in source.records(Page(document, origin)):
            try:
                if record.kind is Kind.COLLECTION:
                    taken.collections.append(harmonizer.collection(record))
                else:
                    taken.items.append(json.loads(json.dumps(harmonizer.item(record))))
            except RecordRefused as error:
                taken.refused.append((error.code, error.reason))
    taken.unknown = dict(harmonizer.vocabulary.unknown)
    assert not harmonizer.validator.unknown, "an extension that is not bundled is not checked"
    return taken


def check_golden(place: str, item: dict[str, Any]) -> None:
    """Compare an item with the golden one at `tests/golden/<place>.json`; `KAKEHASHI_GOLDEN=write` renews it."""
    file = GOLDEN / f"{place}.json"
    text = json.dumps(item, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("KAKEHASHI_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(text)
