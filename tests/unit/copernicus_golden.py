"""Golden documents of the Copernicus sources: compared, or written anew with `KAKEHASHI_GOLDEN=write`."""

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from catalog import jsontext
from catalog.errors import RecordRefused
from ingest.contract import Kind, Page, Source
from ingest.harmonize import Harmonizer
from ingest.sources import make_source
from tests.unit.documents import definitions

_GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CLOCK = datetime(2026, 11, 23, tzinfo=UTC)


@cache
def _reading(name: str) -> tuple[Source, Harmonizer]:
    source = make_source(name, definitions())
    vocabulary, bilingual = definitions().vocabulary, definitions().bilingual
    return source, Harmonizer(source, vocabulary, clock=lambda: CLOCK, bilingual=bilingual)


def taken(name: str, document: Any) -> list[Any]:
    """Put a document through a source as the pipeline does; return what comes out, refusals among it."""
    source, harmonizer = _reading(name)
    outcome: list[Any] = []
    for record in source.records(Page(document, "test")):
        try:
            made = (
                harmonizer.collection(record) if record.kind is Kind.COLLECTION else harmonizer.item(record)
            )
            outcome.append(made)
        except RecordRefused as error:
            outcome.append(error)
    assert not harmonizer.validator.unknown
    return outcome


def one(name: str, document: Any) -> Any:
    """Return the only thing that comes out, which is no refusal."""
    (made,) = taken(name, document)
    assert not isinstance(made, RecordRefused), made
    return made


def refusal(name: str, document: Any) -> str:
    """Return the code with which the only record is refused."""
    (error,) = taken(name, document)
    assert isinstance(error, RecordRefused)
    return error.code


def assert_golden(name: str, document: Any) -> None:
    """Compare with `tests/golden/<name>.json`."""
    file = _GOLDEN / f"{name}.json"
    made = jsontext.loads(jsontext.dumps(document))
    if os.environ.get("KAKEHASHI_GOLDEN") == "write":
        file.write_text(json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    assert made == json.loads(file.read_text())
