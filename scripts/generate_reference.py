"""Writes the reference pages that follow from the code: settings and collections.

.venv/bin/python scripts/generate_reference.py           writes them
.venv/bin/python scripts/generate_reference.py --check   exits with 1 if one of them lags behind
"""

import sys
from collections import defaultdict
from pathlib import Path

from pydantic_settings import BaseSettings

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.settings import ApiSettings
from catalog.definitions import Definitions, load_definitions
from catalog.settings import DatabaseSettings
from ingest.settings import IngestSettings, SourceSettings

DOCS = Path(__file__).parent.parent / "docs"


def settings_page() -> str:
    """Return the page of all environment variables."""
    lines = [
        "# Settings",
        "",
        "Environment variables, read once at start; a wrong one is named and nothing starts. An empty one counts as unset.",
        "Lists are separated by commas or white space. Written by `scripts/generate_reference.py` from where they are defined.",
    ]
    for title, kind in (("Database", DatabaseSettings), ("API", ApiSettings), ("Ingest", IngestSettings)):
        lines += ["", f"## {title}", "", "| variable | default | what it does |", "| --- | --- | --- |"]
        lines += _rows(kind)
    return "\n".join(lines) + "\n"


def _rows(kind: type[BaseSettings]) -> list[str]:
    rows = []
    for name, field in sorted(kind.model_fields.items()):
        if name == "sources":
            rows += [
                f"| `KAKEHASHI_SOURCES__<NAME>__{inner.upper()}` | unset | {about.description} |"
                for inner, about in SourceSettings.model_fields.items()
            ]
            continue
        if name == "data_dir":
            default = "`/var/lib/kakehashi` for root, else `~/.local/share/kakehashi`"
        elif field.default is None or field.is_required():
            default = "unset"
        else:
            default = _as_written(field.get_default(call_default_factory=True))
        rows.append(f"| `KAKEHASHI_{name.upper()}` | {default} | {field.description} |")
    return rows


def _as_written(value: object) -> str:
    """Return a value as it is written in a variable."""
    if isinstance(value, list):
        value = ",".join(map(str, value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "empty"


def collections_page(definitions: Definitions) -> str:
    """Return the page of all collections, by mission."""
    groups: dict[str, list[str]] = defaultdict(list)
    for collection in definitions.collections.values():
        platforms = (
            collection.summaries.get("constellation") or collection.summaries.get("platform") or ["other"]
        )
        sources = "; ".join(
            f"{source}: {', '.join(natives)}" for source, natives in collection.sources.items()
        )
        groups[str(next(iter(platforms)))].append(
            f"| `{collection.id}` | {collection.title.en} | {collection.title.ja} | {sources} |"
        )
    lines = [
        "# Collections",
        "",
        f"{len(definitions.collections)} collections are defined. One appears in the catalogue when its first item comes. Written by",
        "`scripts/generate_reference.py` from `catalog/collections/`.",
    ]
    for group in sorted(groups):
        lines += [
            "",
            f"## {group}",
            "",
            "| id | title | 日本語 | native ids |",
            "| --- | --- | --- | --- |",
            *sorted(groups[group]),
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the pages, or check them."""
    pages = {
        DOCS / "reference" / "settings.md": settings_page(),
        DOCS / "collections.md": collections_page(load_definitions()),
    }
    lagging = [path for path, text in pages.items() if not path.is_file() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in lagging:
            print(f"{path.relative_to(DOCS.parent)} lags behind: run scripts/generate_reference.py")
        return int(bool(lagging))
    for path in lagging:
        path.write_text(pages[path])
        print(f"wrote {path.relative_to(DOCS.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
