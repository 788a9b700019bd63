"""`kakehashi sources`: the upstreams, and what each asks for."""

import json
import sys

from rich.console import Console
from rich.table import Table

from catalog.definitions import load_definitions
from ingest.sources import SOURCES, make_source


def list_sources(*, as_json: bool) -> None:
    """Print all sources on standard output, as a table or as JSON."""
    definitions = load_definitions()
    described = {name: make_source(name, definitions).definition for name in SOURCES}
    collections = {
        name: sorted({collection.id for collection in definitions.by_native(name).values()})
        for name in SOURCES
    }
    if as_json:
        kept = {"title", "operator", "endpoint", "documentation", "needs_token", "data_account"}
        rows = [
            {"name": name, **definition.model_dump(include=kept), "collections": collections[name]}
            for name, definition in described.items()
        ]
        json.dump(rows, sys.stdout, ensure_ascii=False, indent=2)
        print()
        return
    table = Table("source", "upstream", "collections", "metadata", "data")
    for name, definition in described.items():
        access = "token" if definition.needs_token else "open"
        table.add_row(name, definition.title, str(len(collections[name])), access, definition.data_account)
    Console().print(table)
