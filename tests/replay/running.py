"""Runs against an imitation on a local port: `kakehashi ingest` as a user starts it, or a source in this process."""

import dataclasses
import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from catalog.store.written import Written
from ingest.contract import Record, Selection
from ingest.fetch import Patience, open_fetcher
from ingest.harmonize import Harmonizer
from ingest.pipeline import run
from ingest.report import Refusal
from ingest.sources import make_source
from tests.unit.documents import definitions

ROOT = Path(__file__).resolve().parents[2]


class Run:
    """A finished run.

    Attributes:
        status: exit status.
        items: of its standard output.
        said: its standard error.
    """

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.status = done.returncode
        lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        self.items = [line for line in lines if line["type"] == "Feature"]
        self.said = done.stderr

    @property
    def ids(self) -> list[str]:
        """Ids of the items, in order."""
        return [item["id"] for item in self.items]


def ingest(source: str, *options: str, url: str, **settings: str) -> Run:
    """Run `kakehashi ingest SOURCE --url URL --dry-run`, with few and quick tries."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAKEHASHI_")}
    environment |= {"KAKEHASHI_HTTP_ATTEMPTS": "3", "KAKEHASHI_HTTP_MAX_WAIT_S": "0.2", **settings}
    command = [sys.executable, "-m", "cli", "ingest", source, "--url", url, "--dry-run", *options]
    return Run(
        subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100
        )
    )


class Kept:
    """A sink that keeps what it takes."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.written = Written()

    async def collection(self, collection: dict[str, Any]) -> None:
        """Refuse: sources give items when they are asked."""
        raise AssertionError(f"a collection came: {collection['id']}")

    async def item(self, item: dict[str, Any], record: Record) -> list[Refusal]:
        """Keep an item."""
        self.items.append(item)
        return []

    async def refused(self, refusal: Refusal) -> None:
        """Fail: nothing is wrong with the records of these tests."""
        raise AssertionError(refusal.line())

    async def flush(self) -> list[Refusal]:
        """Nothing waits."""
        return []

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """There is nothing to undo."""
        return nullcontext()

    @property
    def ids(self) -> list[str]:
        """Ids of the items, in order."""
        return [item["id"] for item in self.items]


async def ask(
    source: str, url: str, *, token: str | None = None, limit: int | None = None, **selection: Any
) -> Kept:
    """Run a source in this process, without a pause between requests.

    Args:
        source: its name.
        url: of an imitation.
        token: to send.
        limit: most items.
        selection: as of `Selection`.
    """
    kept, wanted = Kept(), Selection(**selection)
    patience = Patience(timeout_s=10, attempts=3, max_wait_s=0.1)
    async with open_fetcher(patience, token=token, base=url) as http:
        asked = make_source(source, definitions(), http, url)
        vocabulary = dataclasses.replace(definitions().vocabulary, unknown=Counter())
        harmonizer = Harmonizer(asked, vocabulary)
        await run(asked, asked.pages(wanted), kept, harmonizer, selection=wanted, limit=limit)
    return kept
