"""What becomes of recorded answers of upstreams: every file of a folder is offered to every source.

    .venv/bin/python bench/recorded.py FOLDER [--files] [--source NAME]

The road is that of `kakehashi ingest --from-file --dry-run`. Printed is a table per source: files that
are answers of it, records in them, items and collections out, refused records by reason, and words and
schemas that are not known here. `--files` prints the same per file, and which files no source takes.
"""

import argparse
import asyncio
import dataclasses
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from catalog.definitions import Definitions, load_definitions
from catalog.errors import ConfigurationError, KakehashiError
from commands.ingest import make_harmonizer
from ingest.contract import Selection, Source
from ingest.load import NdjsonSink
from ingest.pipeline import run
from ingest.recorded import as_stream, read_pages
from ingest.report import Refusal, Summary
from ingest.sources import SOURCES, make_source


@dataclasses.dataclass
class Counts:
    """What became of some files of one source."""

    files: int = 0
    records: int = 0
    items: int = 0
    collections: int = 0
    tombstones: int = 0
    repeated: int = 0
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    unknown: Counter[str] = dataclasses.field(default_factory=Counter)
    repairs: Counter[str] = dataclasses.field(default_factory=Counter)

    def __iadd__(self, other: "Counts") -> "Counts":
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    @property
    def unaccounted(self) -> int:
        """Records of which nothing is said: there must be none."""
        told = self.items + self.collections + self.tombstones + self.repeated
        return self.records - told - sum(self.refused.values())

    def row(self, name: str) -> str:
        """Return a row of the table."""
        refused = ", ".join(f"{number} {code}" for code, number in self.refused.most_common()) or "-"
        cells = (
            self.files,
            self.records,
            self.items,
            self.collections,
            self.repeated,
            refused,
            self.unaccounted,
        )
        return f"| {name} | " + " | ".join(map(str, cells)) + " |"


@cache
def _definitions() -> Definitions:
    return load_definitions()


def offer(name: str, file: Path) -> Counts | str:
    """Put a file through a source; return what became of it, or why it is none of this source's."""
    definitions = _definitions()
    definitions.vocabulary.unknown.clear()
    source: Source = make_source(name, definitions)
    try:
        pages = read_pages(source, [file])
    except KakehashiError as error:
        return str(error)
    refusals: list[Refusal] = []
    summary = asyncio.run(
        run(
            source,
            as_stream(pages),
            NdjsonSink(io.BytesIO()),
            make_harmonizer(source, definitions),
            selection=Selection(),
            summary=Summary(name),
            on_refusal=refusals.append,
        )
    )
    unknown = Counter({f"{field}: {word}": number for (field, word), number in summary.unknown_terms.items()})
    unknown.update({f"schema: {url}": number for url, number in summary.unknown_schemas.items()})
    return Counts(
        files=1,
        records=summary.records,
        items=summary.items,
        collections=summary.collections,
        tombstones=summary.tombstones,
        repeated=summary.repeated,
        refused=Counter(summary.refused),
        reasons=Counter(f"{one.error.code}: {one.error.reason}" for one in refusals),
        unknown=unknown,
        repairs=Counter(summary.repairs),
    )


def outcomes(folder: Path, names: list[str]) -> Iterator[tuple[Path, dict[str, Counts], dict[str, str]]]:
    """Give for each file what the sources that take it make of it, and what the others say."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        taken: dict[str, Counts] = {}
        other: dict[str, str] = {}
        for name in names:
            outcome = offer(name, file)
            if isinstance(outcome, Counts):
                taken[name] = outcome
            else:
                other[name] = outcome
        yield file, taken, other


def print_tables(folder: Path, names: list[str], *, by_file: bool) -> None:
    """Print what becomes of the files of a folder."""
    totals: dict[str, Counts] = defaultdict(Counts)
    untaken = []
    heading = (
        "files | records | items | collections | repeats | refused | unaccounted |\n| --- "
        + "| --- " * 7
        + "|"
    )
    if by_file:
        print("| source: file | " + heading)
    for file, taken, _ in outcomes(folder, names):
        if not taken:
            untaken.append(file)
        for name, counts in taken.items():
            totals[name] += counts
            if by_file:
                print(counts.row(f"{name}: {file.relative_to(folder)}"))
    print("\n| source | " + heading)
    for name in names:
        print(totals[name].row(name))
    for name in names:
        for what, found in (
            ("refused", totals[name].reasons),
            ("not known", totals[name].unknown),
            ("mended", totals[name].repairs),
        ):
            for line, number in found.most_common():
                print(f"{name}: {what}: {number} x {line[:200]}")
    print(f"{len(untaken)} files are no answer of any source")
    for file in untaken if by_file else ():
        print(f"  {file.relative_to(folder)}")


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--files", action="store_true", help="a row per file, and the files that nobody takes"
    )
    parser.add_argument("--source", choices=sorted(SOURCES), help="this source alone")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        raise ConfigurationError(f"{arguments.folder} is no folder")
    names = [arguments.source] if arguments.source else list(SOURCES)
    print_tables(arguments.folder, names, by_file=arguments.files)


if __name__ == "__main__":
    main()
