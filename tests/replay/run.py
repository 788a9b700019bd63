"""Running `kakehashi`, as a process of its own or within this one, and what came of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import cli
import commands.ingest
import commands.quarantine
from catalog import jsontext
from tests.unit.documents import definitions

ROOT = Path(__file__).resolve().parents[2]
# Small, so that a test of what fails for ever ends soon.
PATIENCE = {
    "KAKEHASHI_HTTP_ATTEMPTS": "3",
    "KAKEHASHI_HTTP_MAX_WAIT_S": "0.05",
    "KAKEHASHI_HTTP_TIMEOUT_S": "10",
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def items(self) -> list[dict[str, Any]]:
        """The lines of standard output, each of which must be a whole JSON object."""
        documents = [jsontext.loads(line) for line in self.stdout.splitlines()]
        assert all(isinstance(document, dict) for document in documents)
        return documents

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.items]

    def failed(self, *words: str) -> None:
        """Make sure that it failed with one clear line that holds some words."""
        errors = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert self.status == 1, self.stderr
        assert len(errors) == 1, self.stderr
        assert "Traceback" not in self.stderr
        assert self.stderr.splitlines()[-1] == errors[0], "nothing comes after it"
        for word in words:
            assert word in errors[0]
        assert len(errors[0]) < 600

    def went_well(self) -> None:
        assert self.status == 0, self.stderr
        assert "error:" not in self.stderr
        assert "Traceback" not in self.stderr


def environment(database_url: str | None = None, **more: str) -> dict[str, str]:
    """The environment without what a developer has set, with little patience; no schema is asked for."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAKEHASHI_")}
    clean["KAKEHASHI_SCHEMAS_FROM_NETWORK"] = "false"
    # Nothing of a test may find, make or start a database that it was not given.
    given = {"KAKEHASHI_DATABASE_URL": database_url or "postgresql://nowhere.invalid/none"}
    return clean | PATIENCE | given | more


def run_process(*arguments: str, database_url: str | None = None, **more: str) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=environment(database_url, **more),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode(), time.monotonic() - started)


class Runner:
    """Runs the command within this process: the same `main`, without a second of imports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._monkeypatch = monkeypatch
        self._capture = capfdbinary

    def __call__(self, *arguments: str, database_url: str | None = None, **more: str) -> Outcome:
        status = 0
        with self._monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("KAKEHASHI_")]:
                patch.delenv(name)
            for name, value in environment(database_url, **more).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["kakehashi", *arguments])
            # Reading 700 collections takes longer than all the rest; they are the same every time.
            patch.setattr(commands.ingest, "load_definitions", definitions)
            patch.setattr(commands.quarantine, "load_definitions", definitions)
            self._capture.readouterr()
            started = time.monotonic()
            before = signal.getsignal(signal.SIGTERM)
            try:
                cli.main()
            except SystemExit as end:
                status = int(end.code or 0)
            finally:
                signal.signal(signal.SIGTERM, before)
            seconds = time.monotonic() - started
        captured = self._capture.readouterr()
        return Outcome(status, captured.out.decode(), captured.err.decode(), seconds)


def file_of(folder: Path, document: Any, name: str = "answer.json") -> str:
    """Write a document, or a text, to a file; return its path."""
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


class Catalogue:
    """Looks into a database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _fetch(self, statement: str) -> list[dict[str, Any]]:
        return asyncio.run(self._fetched(statement))

    async def _fetched(self, statement: str) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(
            self.url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
        )
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    def items(self) -> dict[str, dict[str, Any]]:
        """All items by id, each whole."""
        rows = self._fetch(
            "SELECT id, pgstac.content_hydrate(items)::text AS item FROM pgstac.items ORDER BY id"
        )
        items = {row["id"]: jsontext.loads(row["item"]) for row in rows}
        assert len(items) == len(rows), "an id is there twice"
        for item in items.values():
            assert {
                "id",
                "type",
                "collection",
                "geometry",
                "bbox",
                "properties",
                "assets",
                "links",
            } <= item.keys()
        return items

    def quarantine(self) -> list[dict[str, Any]]:
        return self._fetch("SELECT * FROM kakehashi.quarantine ORDER BY native_id, code")

    def runs(self) -> list[dict[str, Any]]:
        return self._fetch("SELECT * FROM kakehashi.run ORDER BY id")

    def collection(self, name: str) -> dict[str, Any]:
        """A collection as it is stored."""
        rows = self._fetch("SELECT id, content::text AS content FROM pgstac.collections")
        found: dict[str, Any] = jsontext.loads(next(row["content"] for row in rows if row["id"] == name))
        return found

    def collections(self) -> set[str]:
        return {row["id"] for row in self._fetch("SELECT id FROM pgstac.collections")}
