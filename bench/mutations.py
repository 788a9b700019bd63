"""Change recorded answers in every place in every way that upstreams do, and look what becomes of them.

    .venv/bin/python bench/mutations.py FOLDER [--source NAME] [--places N]

Each file of a folder that a source takes is changed in one place at a time: a member missing, null, empty, a number
as text, a text as number, a list for its one entry and the other way round, other geometries, reversed times, leap
seconds. Every record must become a valid item or be refused with a reason; a form that the source does not
know must be refused as such. Printed are faults, and how often each refusal came.
"""

import argparse
import copy
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from catalog import jsontext
from catalog.definitions import load_definitions
from catalog.errors import KakehashiError, RecordRefused, UpstreamChanged
from commands.ingest import make_harmonizer
from ingest.contract import Kind, Page, Source
from ingest.recorded import read_pages
from ingest.sources import SOURCES, make_source

Place = tuple[Any, ...]
ABSENT = object()
_GEOMETRIES: list[Any] = [
    {
        "type": "Polygon",
        "coordinates": [[[130, 33, 5], [131, 33, 5], [131, 32, 5], [130, 32, 5], [130, 33, 5]]],
    },
    {"type": "MultiPolygon", "coordinates": [[[[179, 0], [181, 0], [181, 1], [179, 1], [179, 0]]]]},
    {"type": "Polygon", "coordinates": [[[170, 80], [-170, 80], [-50, 85], [50, 85], [170, 80]]]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [130, 33]}]},
    {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[["130", "33"], ["131", "33"], ["131", "32"], ["130", "33"]]]},
    {"type": "LineString", "coordinates": [[179, 0], [-179, 1]]},
]
_TIMES = [
    "2016-12-31T23:59:60Z",
    "2024-02-30T00:00:00Z",
    "2024-01-01",
    "1704067200",
    "2024-01-01T00:00:00+09:00",
]


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Give the places of a document; of lists the first three entries."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value[:3]):
            yield from places(member, (*path, index))


def at(document: Any, place: Place) -> Any:
    """Return what is at a place."""
    for step in place:
        document = document[step]
    return document


def changed(document: Any, place: Place, value: Any) -> Any:
    """Return a document with another value at a place, or without it."""
    if not place:
        return value
    document = copy.deepcopy(document)
    holder = at(document, place[:-1])
    if value is ABSENT:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return document


def variants(value: Any, place: Place) -> Iterator[Any]:
    """Give what an upstream might write instead of a value."""
    yield from (ABSENT, None)
    if isinstance(value, bool):
        yield from (str(value).lower(), int(value))
    elif isinstance(value, int | float):
        yield from (str(value), f" {value} ", -value, float(value), [value], 10**30)
    elif isinstance(value, str):
        yield from (
            "",
            " ",
            value.swapcase(),
            [value],
            {"value": value},
            5,
            value + "\u0000\ud800",
            value * 2000,
        )
        if value[:4].isdigit() and value[4:5] == "-":
            yield from _TIMES
    elif isinstance(value, list):
        yield from ([], value[:1], value + value, {str(index): entry for index, entry in enumerate(value)})
        if value:
            yield value[0]
    elif isinstance(value, dict):
        yield from ({}, [value], list(value.values()), str(value))
        if "coordinates" in value or place[-1:] in {("geometry",), ("GeoFootprint",)}:
            yield from _GEOMETRIES


class Check:
    """Puts changed documents through one source, and counts."""

    def __init__(self, name: str) -> None:
        self.definitions = load_definitions()
        self.source: Source = make_source(name, self.definitions)
        self.harmonizer = make_harmonizer(self.source, self.definitions)
        self.outcomes: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def put(self, document: Any, origin: str) -> None:
        """Put one page through; note what became of it."""
        try:
            for record in self.source.records(Page(document, origin)):
                try:
                    self._take(record)
                except RecordRefused as error:
                    self.outcomes[f"refused: {error.code}"] += 1
                    if error.code in {"invalid-item", "invalid-collection"}:
                        self.outcomes[f"  by schema: {error.reason[:90]}"] += 1
        except UpstreamChanged:
            self.outcomes["form not known"] += 1
        except Exception as error:  # noqa: BLE001 - every kind of failure is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
            ours = next(
                (f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames) if "/ingest/" in f.filename),
                "",
            )
            self.faults[f"{type(error).__name__}: {str(error)[:80]} at {where} from {ours}"] += 1

    def _take(self, record: Any) -> None:
        if record.kind is Kind.COLLECTION:
            jsontext.dumps(self.harmonizer.collection(record))
            self.outcomes["collections"] += 1
        elif record.kind is Kind.TOMBSTONE:
            self.harmonizer.tombstone(record)
            self.outcomes["deletions"] += 1
        else:
            jsontext.dumps(self.harmonizer.settle(self.harmonizer.item(record)))
            self.outcomes["items"] += 1


def shorter(document: Any) -> Any:
    """Return a page with its first two records: the others are of the same form."""
    if isinstance(document, list):
        return document[:2]
    if isinstance(document, dict):
        lists = ("features", "collections", "value", "items", "results")
        return {
            name: value[:2] if name in lists and isinstance(value, list) else value
            for name, value in document.items()
        }
    return document


def run(name: str, folder: Path, most: int, say: Callable[[str], None]) -> int:
    """Change all files of a folder that a source takes; return the number of different faults."""
    check = Check(name)
    choose = random.Random(name)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            pages = read_pages(make_source(name, check.definitions), [file])
        except KakehashiError:
            continue
        for page in pages:
            document = shorter(page.document)
            if not isinstance(document, dict | list):
                continue
            check.put(document, page.origin)
            found = list(places(document))
            for place in found if len(found) <= most else choose.sample(found, most):
                for value in variants(at(document, place), place) if place else ():
                    check.put(changed(document, place, value), page.origin)
    say(
        f"{name}: {sum(n for what, n in check.outcomes.items() if not what.startswith('  '))} outcomes, {len(check.faults)} faults"
    )
    for what, number in check.outcomes.most_common(30):
        say(f"  {what}: {number}")
    for what, number in check.faults.most_common():
        say(f"  FAULT {what}: {number}")
    return len(check.faults)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", choices=sorted(SOURCES))
    parser.add_argument("--places", type=int, default=150, help="most places of a file that are changed")
    arguments = parser.parse_args()
    names = [arguments.source] if arguments.source else list(SOURCES)
    sys.exit(bool(sum(run(name, arguments.folder, arguments.places, print) for name in names)))


if __name__ == "__main__":
    main()
