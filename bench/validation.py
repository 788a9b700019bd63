"""How many items a second one core validates: the starter catalogue, and recorded items by collection.

.venv/bin/python bench/validation.py [FOLDER]
"""

import asyncio
import io
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import orjson

from catalog.definitions import load_definitions
from catalog.errors import KakehashiError
from catalog.validation import Validator
from ingest.contract import Selection
from ingest.harmonize import Harmonizer
from ingest.load import NdjsonSink
from ingest.pipeline import run
from ingest.recorded import as_stream, read_pages, starter_files
from ingest.sources import SOURCES, make_source

ROUNDS = 5


def starter_items() -> list[dict[str, object]]:
    """Return all items of the starter catalogue, as they are loaded."""
    definitions = load_definitions()
    items: list[dict[str, object]] = []
    for name in SOURCES:
        source = make_source(name, definitions)
        output = io.BytesIO()
        pages = as_stream(read_pages(source, starter_files(name)))
        harmonizer = Harmonizer(source, definitions.vocabulary)
        asyncio.run(run(source, pages, NdjsonSink(output), harmonizer, selection=Selection()))
        items += [orjson.loads(line) for line in output.getvalue().splitlines()]
    return items


def recorded_items(folder: Path) -> list[dict[str, object]]:
    """Return the items that recorded answers of upstreams make."""
    definitions = load_definitions()
    items: list[dict[str, object]] = []
    for name in SOURCES:
        for file in sorted(folder.rglob("*.json")):
            source = make_source(name, definitions)
            try:
                pages = read_pages(source, [file])
            except KakehashiError:
                continue
            output = io.BytesIO()
            harmonizer = Harmonizer(source, definitions.vocabulary)
            asyncio.run(run(source, as_stream(pages), NdjsonSink(output), harmonizer, selection=Selection()))
            found = [orjson.loads(line) for line in output.getvalue().splitlines()]
            items += [item for item in found if item["type"] == "Feature"]
    return items


def measure(name: str, items: list[dict[str, object]]) -> None:
    """Print how long the items take, in time of the processor, so that other programs do not count."""
    validator = Validator()
    for item in items:
        validator.check_item(item)  # compiles what is needed
    again = max(1, 400 // len(items))
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(again):
            for item in items:
                validator.check_item(item)
        times.append((time.process_time() - start) / (again * len(items)))
    size = sum(len(orjson.dumps(item)) for item in items) / len(items)
    median = statistics.median(times)
    print(
        f"{name}: {len(items)} items of {size / 1000:.1f} kB: {median * 1e6:.0f} µs each, {1 / median:.0f} items/s on one core"
    )


def main() -> None:
    """Print the figures."""
    measure("starter catalogue", starter_items())
    if len(sys.argv) > 1:
        items = recorded_items(Path(sys.argv[1]))
        measure("recorded items", items)
        kinds: dict[str, list[dict[str, object]]] = {}
        for item in items:
            kinds.setdefault(str(item["collection"]), []).append(item)
        for kind, found in sorted(kinds.items()):
            measure(f"  {kind}", found)


if __name__ == "__main__":
    main()
