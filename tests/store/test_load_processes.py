"""Files that several processes read: nothing may show that they are several."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from catalog.settings import DatabaseSettings
from catalog.store.base_item import BaseItem
from catalog.store.written import Written
from commands.load import LoadSummary, Order, load
from commands.load_processes import Readers
from commands.load_reading import Kind
from ingest.stac_files import Unread
from tests.store.items import collection, item
from tests.store.test_load_command import COLLECTIONS, ITEMS, Catalogue, catalogue, lines

__all__ = ["catalogue"]
ASSETS = {"data": {"roles": ["data"], "type": "image/tiff"}}


@pytest.fixture(autouse=True)
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.load_portion._PIECES", 20)
    monkeypatch.setattr("commands.load_processes._PIECES", 3)


def by_two(catalogue: Catalogue, documents: list[Any], **options: Any) -> LoadSummary:
    return catalogue.load(lines(documents), processes=2, **options)


def test_two_processes_load_what_one_does(catalogue: Catalogue):
    assert by_two(catalogue, [*COLLECTIONS, *ITEMS]).written == Written(inserted=60)
    assert catalogue.items() == {one["id"]: one for one in ITEMS}
    again = by_two(catalogue, ITEMS)
    assert (again.recognised, again.written) == (60, Written(unchanged=60))
    spelt = [dict(reversed(one.items())) for one in ITEMS]
    assert by_two(catalogue, spelt).written == Written(unchanged=60)


def test_of_records_of_one_item_the_last_one_counts_whoever_read_it(catalogue: Catalogue):
    catalogue.load(lines(COLLECTIONS))
    chance = random.Random(7)
    documents = [
        item("one", f"i{chance.randrange(12)}", "2024-01-01T00:00:00Z", gsd=number)
        for number in range(1, 300)
    ]
    by_two(catalogue, documents)
    last = {one["id"]: one for one in documents}
    assert catalogue.items() == last
    chance.shuffle(documents)
    by_two(catalogue, documents)
    assert catalogue.items() == {one["id"]: one for one in documents}


def test_a_collection_that_changes_in_the_middle_is_the_base_of_those_after_it(catalogue: Catalogue):
    own = [one | {"assets": {"data": ASSETS["data"] | {"href": "x.tif"}}} for one in ITEMS[::2]]
    changed = COLLECTIONS[0] | {"item_assets": ASSETS}
    documents = [COLLECTIONS[0], *own[:25], changed, *own[25:], COLLECTIONS[0] | {"title": "new"}]
    assert by_two(catalogue, documents, validate=False).written == Written(inserted=30)
    assert catalogue.items() == {one["id"]: one for one in own}


def test_what_is_refused_in_another_process_is_named_with_its_line(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
):
    bad: list[Any] = [item("one", f"bad{number}", "no time") for number in range(2)]
    odd = item("one", "odd", "2024-01-01T00:00:00Z") | {"stac_extensions": ["https://example.org/x.json"]}
    documents = [*COLLECTIONS, *ITEMS[:40], bad[0], {"type": "Odd"}, *ITEMS[40:], bad[1], odd]
    summary = by_two(catalogue, documents)
    assert dict(summary.refused) == {"bad-datetime": 2, "no-stac": 1}
    assert dict(summary.unknown_schemas) == {"https://example.org/x.json": 1}
    said = capsys.readouterr().err
    assert "line 43: bad0: bad-datetime" in said
    assert "line 44: no-stac" in said
    assert "line 65: bad1: bad-datetime" in said
    assert len(catalogue.items()) == 61


def test_a_process_that_is_killed_costs_nothing(capsys: pytest.CaptureFixture[str]):
    texts = [orjson.dumps(one) for one in ITEMS]
    pieces = [(Unread(text, f"line {number}"), f"digest {number}") for number, text in enumerate(texts, 1)]
    bases = {"one": BaseItem(None, "1.1.0", {}), "two": BaseItem(None, "1.1.0", {})}

    async def read() -> list[str]:
        found = []
        with Readers(validate=True, processes=2) as readers:
            readers.start()
            async for [one] in readers.read(pieces, bases):
                assert one.kind is Kind.ITEM
                assert one.prepared is not None
                found.append(one.prepared.id)
                if len(found) == 5:
                    for child in psutil.Process().children(recursive=True):
                        if "spawn_main" in " ".join(child.cmdline()):
                            child.kill()
        return found

    assert asyncio.run(read()) == [one["id"] for one in ITEMS]
    assert "a process that helped to read ended" in capsys.readouterr().err


def test_processes_end_with_the_one_that_started_them(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, signal, psutil\n"
        "from commands.load_processes import Readers\n"
        "if __name__ == '__main__':\n"
        "    readers = Readers(validate=False, processes=2)\n"
        "    readers.start()\n"
        "    readers._pool.submit(len, 'wait').result()\n"
        "    print(*(child.pid for child in psutil.Process().children()), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    children = [int(number) for number in ended.stdout.split()]
    assert len(children) >= 2
    end = time.monotonic() + 20
    while any(map(is_running, children)):
        assert time.monotonic() < end, "a process stayed behind"
        time.sleep(0.1)


def is_running(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_file_of_any_size_is_loaded_with_the_default(database_url: str, tmp_path: Path):
    file = tmp_path / "items"
    file.write_bytes(
        lines([collection("many"), *(item("many", f"m{n}", "2024-01-01T00:00:00Z") for n in range(90))])
    )
    summary = load(Order((file,)), DatabaseSettings(database_url=database_url))
    assert summary.written == Written(inserted=90)
