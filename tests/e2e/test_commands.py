"""The other commands, as processes."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from catalog.store.quarantine import Quarantined, quarantine
from tests.e2e.program import (
    ROOT,
    command,
    environment,
    free_port,
    get,
    processes_of,
    refusal,
    run,
    succeed,
    wait_until,
)


@contextmanager
def serving(
    log: Path, *options: str | Path, **changes: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Have `kakehashi serve` running."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("serve", "--port", str(port), *options),
            env=environment(**changes),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}/"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return bool(get(f"{url}_mgmt/ping"))
        except OSError:
            return False

    try:
        wait_until(answers, "first answer")
        yield url, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)


def test_serve_uses_the_database_that_it_is_given(fresh_database_url: str, tmp_path: Path):
    with serving(tmp_path / "log", KAKEHASHI_DATABASE_URL=fresh_database_url) as (url, process):
        assert get(url)["type"] == "Catalog"
        assert get(f"{url}_mgmt/health")["collections"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_serve_stops_the_private_database_that_it_started(copy_of_first: Callable[[], Path], tmp_path: Path):
    """uvicorn repeats the signal that ended it, and so ended us before the clean-up."""
    data_dir = copy_of_first()
    with serving(tmp_path / "log", "--data-dir", data_dir, "--workers", "2") as (url, process):
        assert get(f"{url}search?limit=1")["features"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert (tmp_path / "log").read_text() == ""
    assert processes_of(data_dir) == []


def test_serve_alone_stops_the_private_database_too(copy_of_first: Callable[[], Path], tmp_path: Path):
    data_dir = copy_of_first()
    with serving(tmp_path / "log", "--data-dir", data_dir) as (_, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert processes_of(data_dir) == [], (
        (tmp_path / "log").read_text()
        + str(list(data_dir.iterdir()))
        + (data_dir / "postgres.log").read_text()
    )


def test_a_port_that_is_taken_ends_serve_with_one_line(fresh_database_url: str, tmp_path: Path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), KAKEHASHI_DATABASE_URL=fresh_database_url)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(port) in done.stderr


def test_two_at_once_prepare_a_database_once(fresh_database_url: str):
    both = [
        subprocess.Popen(
            command("prepare"),
            env=environment(KAKEHASHI_DATABASE_URL=fresh_database_url),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=90)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("loading the starter catalogue" in text for text in said) == 1
    assert len({text.splitlines()[-1] for text in said}) == 1
    assert said[0].splitlines()[-1].startswith("ready: ")


def test_a_database_can_be_prepared_without_the_starter_catalogue(fresh_database_url: str):
    said = succeed("prepare", "--no-starter", KAKEHASHI_DATABASE_URL=fresh_database_url)
    assert said == "ready: 0 items in 0 collections\n"


def test_sources_are_listed_for_machines_and_for_people():
    done = run("sources", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"cdse", "gportal"} <= set(rows)
    for row in rows.values():
        assert row["endpoint"].startswith("https://")
        assert isinstance(row["needs_token"], bool)
    assert len(rows["gportal"]["collections"]) > 10
    done = run("sources", COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in rows)


def test_a_reader_that_leaves_is_no_failure(fresh_database_url: str, tmp_path: Path):
    """`... | head` ended with status 1; from within the database, with a connection that was not lost."""
    succeed("prepare", "--no-starter", KAKEHASHI_DATABASE_URL=fresh_database_url)
    asyncio.run(_quarantine_many(fresh_database_url))
    for arguments in (["sources", "--json"], ["quarantine", "cdse", "--json"]):
        with subprocess.Popen(
            command(*arguments),
            env=environment(KAKEHASHI_DATABASE_URL=fresh_database_url),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert (process.stderr.read(), process.wait(60)) == ("", 0)


async def _quarantine_many(url: str) -> None:
    """Hold more than a pipe takes."""
    connection = await asyncpg.connect(url)
    records = [
        Quarantined(json.dumps({"id": n, "text": "x" * 900}), str(n), None, "bad", "!") for n in range(200)
    ]
    await quarantine(connection, "cdse", records)
    await connection.close()


COMMANDS = [
    ["up", "--offline"],
    ["serve"],
    ["prepare"],
    ["db", "start"],
    ["db", "stop"],
    ["db", "migrate"],
    ["db", "url"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_wrong_setting_is_named_and_nothing_begins(words: list[str], tmp_path: Path):
    data_dir = tmp_path / "data"
    line = refusal(run(*words, "--data-dir", data_dir, KAKEHASHI_STATEMENT_TIMEOUT_S="abc"))
    assert line.startswith("error: KAKEHASHI_STATEMENT_TIMEOUT_S: ")
    assert not data_dir.exists()


@pytest.mark.parametrize("words", [["up", "--offline"], ["serve"]], ids=" ".join)
def test_a_wrong_setting_of_the_api_is_named_and_nothing_begins(words: list[str], tmp_path: Path):
    data_dir = tmp_path / "data"
    line = refusal(run(*words, "--data-dir", data_dir, KAKEHASHI_MAX_LIMIT="many"))
    assert line.startswith("error: KAKEHASHI_MAX_LIMIT: ")
    assert not data_dir.exists()


@pytest.mark.parametrize("words", [["up", "--offline"], ["prepare"]], ids=" ".join)
def test_a_database_that_is_not_there_is_one_line(words: list[str]):
    url = f"postgresql://u:s3cret@127.0.0.1:{free_port()}/x"
    done = run(*words, KAKEHASHI_DATABASE_URL=url)
    assert done.returncode == 1
    assert "s3cret" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "error: cannot reach the database of KAKEHASHI_DATABASE_URL: "
    )
