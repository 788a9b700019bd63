"""How many items a second one core validates, on the starter catalogue and on one large item.

.venv/bin/python bench/validation.py
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


def main() -> None:
    """Print the figures."""
    validator = Validator()
    items = starter_items()
    for item in items:
        validator.check_item(item)  # compiles what is needed
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for item in items:
            validator.check_item(item)
        times.append((time.perf_counter() - start) / len(items))
    size = sum(len(orjson.dumps(item)) for item in items) / len(items)
    best = statistics.median(times)
    print(
        f"{len(items)} items of {size / 1000:.1f} kB: {best * 1e6:.0f} µs each, {1 / best:.0f} items/s on one core"
    )


if __name__ == "__main__":
    main()
