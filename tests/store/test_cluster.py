"""The private cluster: how it is made, who may reach it, when it starts and stops, what it survives."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from catalog.errors import ClusterError
from catalog.store import tuning
from catalog.store.binaries import find_binaries
from catalog.store.cluster import PrivateCluster
from tests.e2e.program import (
    ROOT,
    PlainUser,
    command,
    environment,
    kill,
    processes_of,
    refusal,
    run,
    succeed,
    wait_until,
)
from tests.store.clusters import administer, ask, ended, kill_server, postmaster, settings_for

_USER = """
import sys
from pathlib import Path
from catalog.store.cluster import PrivateCluster
from catalog.settings import DatabaseSettings
with PrivateCluster(DatabaseSettings(data_dir=Path(sys.argv[1]), database_url=None)).in_use():
    print("in use", flush=True)
    sys.stdin.read()
"""


@contextmanager
def user_of(data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Have another process that uses the cluster, until its input is closed."""
    words = [sys.executable, "-c", _USER, str(data_dir)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "in use\n"
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


# How it is made


def test_it_has_checksums_and_the_settings_of_this_machine(cluster: PrivateCluster):
    async def settings() -> dict[str, str]:
        connection = await asyncpg.connect(cluster.url())
        try:
            rows = await connection.fetch("SELECT name, current_setting(name) AS value FROM pg_settings")
            return {row["name"]: row["value"] for row in rows}
        finally:
            await connection.close()

    found = asyncio.run(settings())
    assert found["data_checksums"] == "on"
    assert found["server_encoding"] == "UTF8"
    assert found["lc_messages"] == "C"
    wanted = tuning.server_settings(cluster.directory.socket_directory, tuning.memory_bytes())
    for name in ("jit", "default_toast_compression", "random_page_cost", "max_connections"):
        assert found[name] == wanted[name]
    # The server of the tests alone does without: tests/conftest.py.
    assert not {"fsync", "full_page_writes", "synchronous_commit"} & wanted.keys()

    def size(text: str) -> int:
        units = {"kB": 1, "MB": 1024, "GB": 1024 * 1024}
        return int(text[:-2]) * units[text[-2:]]

    for name in ("shared_buffers", "work_mem", "effective_cache_size", "maintenance_work_mem"):
        assert size(found[name]) == size(wanted[name])


def test_text_is_sorted_by_code_point_and_letters_are_known(cluster: PrivateCluster):
    words = "SELECT string_agg(w, ' ' ORDER BY w) FROM unnest(ARRAY['b', 'Z', 'a', 'é', '架']) AS w"
    assert asyncio.run(ask(cluster.url(), words)) == "Z a b é 架"
    assert asyncio.run(ask(cluster.url(), "SELECT upper('é')")) == "É"


def test_it_listens_on_a_socket_alone(cluster: PrivateCluster):
    server = postmaster(cluster)
    assert server.net_connections(kind="inet") == []
    paths = [connection.laddr for connection in server.net_connections(kind="unix") if connection.laddr]
    assert paths == [str(cluster.directory.socket_directory / ".s.PGSQL.5432")]


def test_nobody_else_can_read_it_or_connect(cluster: PrivateCluster, nobody: PlainUser, root: None):
    directory = cluster.directory
    for path in (directory.path, directory.cluster, directory.socket_directory):
        assert path.stat().st_mode & 0o777 == 0o700
    assert directory.log.stat().st_mode & 0o777 == 0o600
    psql = find_binaries().path("psql")
    for words in (["ls", str(directory.path)], [psql, cluster.url(), "-c", "SELECT 1"]):
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            user=nobody.uid,
            group=nobody.gid,
            extra_groups=[],
            check=False,
        )
        assert done.returncode != 0
        assert "Permission denied" in done.stderr


def test_a_new_cluster_is_whole(fresh_dir: Path):
    """With an environment that would lead PostgreSQL's programs astray, and two starts at once."""
    odd = {
        "LANG": "xx_YY.UTF-8",
        "LC_ALL": "xx_YY.UTF-8",
        "PGPORT": "5999",
        "PGDATA": "/nonexistent",
        "PGHOST": "nonexistent.invalid",
        "PGOPTIONS": "-c nonsense=1",
    }
    starts = [
        subprocess.Popen(
            command("db", "start", "--data-dir", fresh_dir),
            env={**environment(), **odd},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = sorted(start.communicate(timeout=60)[1] for start in starts)
    assert said == ["it runs already\n", "started\n"]
    assert [start.returncode for start in starts] == [0, 0]
    cluster = PrivateCluster(settings_for(fresh_dir))
    assert asyncio.run(ask(cluster.url(), "SELECT current_database()")) == "kakehashi"
    assert asyncio.run(ask(cluster.url(), "SELECT current_user")) == "kakehashi"
    assert sorted(path.name for path in fresh_dir.iterdir()) == [
        "kakehashi.json", "keep", "postgres", "postgres.log", "run", "start.lock"
    ]  # fmt: skip
    assert succeed("db", "stop", "--data-dir", fresh_dir, PGPORT="5999") == "stopped\n"
    assert processes_of(fresh_dir) == []


def test_a_cluster_that_cannot_be_made_leaves_nothing(fresh_dir: Path, tmp_path: Path):
    real = find_binaries()
    fake = tmp_path / "pg" / "bin"
    fake.mkdir(parents=True)
    for program in ("postgres", "pg_config", "pg_ctl"):
        (fake / program).symlink_to(real.path(program))
    (fake / "initdb").write_text(
        '#!/bin/sh\nfor word; do case $word in --pgdata=*) echo 15 >"${word#*=}/PG_VERSION";; esac; done\n'
        "echo 'initdb: error: could not write: No space left on device' >&2\n"
        "echo 'initdb: removing contents of data directory' >&2\nexit 1\n"
    )
    (fake / "initdb").chmod(0o755)
    (tmp_path / "pg").chmod(0o755)
    cluster = PrivateCluster(settings_for(fresh_dir, pg_bin=fake))
    told = pytest.raises(
        ClusterError, match=r"could not make a cluster in .*: could not write: No space left"
    )
    with told, cluster.in_use():
        pass
    assert sorted(path.name for path in fresh_dir.iterdir()) == ["kakehashi.json", "start.lock", "users.lock"]
    # What a killed `initdb` left is no obstacle either.
    left = fresh_dir / "postgres.new"
    left.mkdir()
    (left / "PG_VERSION").write_text("15\n")
    with PrivateCluster(settings_for(fresh_dir)).in_use():
        assert asyncio.run(ask(cluster.url(), "SELECT 1")) == 1
    assert not left.exists()


# When it starts and stops


def test_it_is_left_alone_when_it_runs(data_dir: Path):
    first, second = (PrivateCluster(settings_for(data_dir)) for _ in range(2))
    with first.in_use():
        server = postmaster(first)
        with second.in_use():
            assert postmaster(second) == server
        assert not ended(server)
        assert asyncio.run(ask(first.url(), "SELECT 1")) == 1
    assert ended(server)
    assert not first.is_running()


def test_the_last_process_that_uses_it_stops_it(data_dir: Path):
    with user_of(data_dir):
        cluster = PrivateCluster(settings_for(data_dir))
        with user_of(data_dir):
            server = postmaster(cluster)
        assert not ended(server)
    assert ended(server)


def test_a_user_that_was_killed_keeps_it_for_nobody(data_dir: Path):
    cluster = PrivateCluster(settings_for(data_dir))
    with user_of(data_dir) as process:
        server = postmaster(cluster)
        process.kill()
        process.wait(10)
    assert not ended(server)
    with cluster.in_use():
        assert postmaster(cluster) == server
    assert ended(server)


def test_started_for_good_it_stays_until_it_is_stopped(data_dir: Path):
    assert succeed("db", "start", "--data-dir", data_dir) == "started\n"
    cluster = PrivateCluster(settings_for(data_dir))
    server = postmaster(cluster)
    assert succeed("db", "start", "--data-dir", data_dir) == "it runs already\n"
    with cluster.in_use():
        pass
    assert not ended(server)
    assert succeed("db", "stop", "--data-dir", data_dir) == "stopped\n"
    assert ended(server)
    assert succeed("db", "stop", "--data-dir", data_dir) == "it does not run\n"
    with cluster.in_use():
        pass
    assert not cluster.is_running()


def test_stopping_what_never_was_is_no_error(tmp_path: Path):
    assert succeed("db", "stop", "--data-dir", tmp_path / "nothing") == "it does not run\n"
    assert not (tmp_path / "nothing").exists()


def test_its_url_tells_where_it_is(data_dir: Path):
    done = run("db", "url", "--data-dir", data_dir)
    query = parse_qs(urlsplit(done.stdout.strip()).query)
    assert query == {"host": [str(data_dir / "run")], "port": ["5432"], "user": ["kakehashi"]}


def test_a_server_that_cannot_start_says_why(data_dir: Path):
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = nonsense\n")
    line = refusal(run("db", "start", "--data-dir", data_dir))
    assert "PostgreSQL did not start: " in line
    assert "postgres.log" in line
    assert processes_of(data_dir) == []
    assert not (data_dir / "keep").exists()


# What it survives


async def write(url: str, number: int) -> None:
    await administer(
        url,
        "CREATE TABLE IF NOT EXISTS kept (n int)",
        f"INSERT INTO kept SELECT generate_series(1, {number})",
    )


def test_data_survives_the_kill_of_the_server_under_its_users(data_dir: Path):
    cluster = PrivateCluster(settings_for(data_dir))

    async def work() -> None:
        await write(cluster.url(), 1000)
        connection = await asyncpg.connect(cluster.url())
        await connection.execute("INSERT INTO kept VALUES (0)")
        unfinished = connection.transaction()
        await unfinished.start()
        await connection.execute("INSERT INTO kept VALUES (-1)")
        kill_server(cluster)
        connection.terminate()

    with cluster.in_use():
        asyncio.run(work())
        with PrivateCluster(settings_for(data_dir)).in_use():
            assert asyncio.run(ask(cluster.url(), "SELECT count(*) FROM kept WHERE n >= 0")) == 1001
            assert asyncio.run(ask(cluster.url(), "SELECT count(*) FROM kept WHERE n < 0")) == 0
    assert processes_of(data_dir) == []


def test_data_survives_the_kill_of_everything(data_dir: Path):
    cluster = PrivateCluster(settings_for(data_dir))
    with user_of(data_dir) as process:
        asyncio.run(write(cluster.url(), 1000))
        kill([psutil.Process(process.pid), *processes_of(data_dir)])
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with cluster.in_use():
        assert asyncio.run(ask(cluster.url(), "SELECT count(*) FROM kept")) == 1000


def test_an_interrupt_while_it_starts_leaves_nothing_running(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    cluster = PrivateCluster(settings_for(data_dir))
    start = PrivateCluster._start_server

    def interrupted(self: PrivateCluster) -> None:
        start(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(PrivateCluster, "_start_server", interrupted)
    with pytest.raises(KeyboardInterrupt), cluster.in_use():
        pass
    assert processes_of(data_dir) == []


# Where it may be


@pytest.mark.parametrize("name", ["-'s 架 %41&x", "a,b", "a" * 120], ids=["odd", "comma", "long"])
def test_any_name(made: Path, tmp_path: Path, name: str):
    directory = tmp_path / name
    subprocess.run(["cp", "-a", str(made), str(directory)], check=True)
    shutil.rmtree(directory / "run")
    cluster = PrivateCluster(settings_for(directory))
    with cluster.in_use():
        assert asyncio.run(ask(cluster.url(), "SELECT 1")) == 1
        socket = cluster.directory.socket_directory
        assert socket.stat().st_mode & 0o777 == 0o700
    if "," in name or len(name) > 100:
        assert socket.parent == Path("/tmp")
        socket.rmdir()


def test_a_plain_user_runs_it_too(nobody: PlainUser, open_place: Path):
    place = open_place / "data"
    done = nobody.run("db", "start", "--data-dir", place)
    assert (done.returncode, done.stderr) == (0, "started\n")
    try:
        cluster = PrivateCluster(settings_for(place, pg_account=nobody.name))
        assert postmaster(cluster).username() == nobody.name
        assert asyncio.run(ask(cluster.url(), "SELECT current_user")) == "kakehashi"
        if os.geteuid() == 0:
            line = refusal(run("db", "start", "--data-dir", place))
            assert f"{place} belongs to account nobody, and PostgreSQL would run as postgres" in line
    finally:
        assert nobody.run("db", "stop", "--data-dir", place).stderr == "stopped\n"
    assert processes_of(place) == []


def test_a_parent_that_is_closed_is_opened_for_the_account_alone(made: Path, root: None, tmp_path: Path):
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", str(made), str(parent / "data")], check=True)
    shutil.rmtree(parent / "data" / "run")
    cluster = PrivateCluster(settings_for(parent / "data"))
    with cluster.in_use():
        assert asyncio.run(ask(cluster.url(), "SELECT 1")) == 1
    assert parent.stat().st_mode & 0o007 == 0


# What it says when something is wrong


def test_another_postgresql_made_it(data_dir: Path):
    (data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    line = refusal(run("db", "start", "--data-dir", data_dir))
    assert "was made by PostgreSQL 14, but version" in line


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("KAKEHASHI_PG_BIN", "/nonexistent", "there is no `postgres` program in /nonexistent"),
        ("KAKEHASHI_PG_ACCOUNT", "nosuch", "there is no account 'nosuch'"),
        ("KAKEHASHI_PG_ACCOUNT", "root", "must not be root"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_made(
    fresh_dir: Path, root: None, variable: str, value: str, reason: str
):
    line = refusal(run("db", "start", "--data-dir", fresh_dir, **{variable: value}))
    assert variable in line
    assert reason in line
    assert not fresh_dir.exists()


def test_programs_that_the_account_may_not_run_are_named(data_dir: Path, root: None, tmp_path: Path):
    real = find_binaries()
    closed = tmp_path / "pg"
    closed.mkdir(mode=0o700)
    for program in ("postgres", "initdb", "pg_config", "pg_ctl"):
        (closed / program).symlink_to(real.path(program))
    tmp_path.chmod(0o700)
    (closed / "postgres").unlink()
    (closed / "postgres").write_text(f'#!/bin/sh\nexec {real.path("postgres")} "$@"\n')
    (closed / "postgres").chmod(0o755)
    line = refusal(run("db", "start", "--data-dir", data_dir, KAKEHASHI_PG_BIN=str(closed)))
    assert f"account postgres cannot run {closed / 'pg_ctl'}: Permission denied" in line


def test_a_full_disk_is_one_line_and_nothing_half_made(small_disk: Callable[[str], Path]):
    disk = small_disk("size=20m,mode=0755")
    line = refusal(run("db", "start", "--data-dir", disk / "data"))
    assert re.search("No space left on device|could not (write|extend)", line)
    assert not (disk / "data" / "postgres").exists()
    assert not (disk / "data" / "postgres.new").exists()
    assert processes_of(disk) == []
    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
    assert succeed("db", "start", "--data-dir", disk / "data") == "started\n"
    assert succeed("db", "stop", "--data-dir", disk / "data") == "stopped\n"


def test_a_disk_without_any_room_is_one_line(small_disk: Callable[[str], Path]):
    disk = small_disk("size=16k,mode=0755")
    (disk / "filler").write_bytes(b"x" * 12 * 1024)
    for arguments in (["db", "start"], ["up", "--offline"], ["prepare"]):
        assert "No space left on device" in refusal(run(*arguments, "--data-dir", disk / "data"))


def test_being_told_to_end_stops_what_was_started(data_dir: Path):
    """`kakehashi ingest` and its like start the server for themselves: SIGTERM must not leave it behind."""
    with PrivateCluster(settings_for(data_dir)).directory.locked("start.lock"):
        process = subprocess.Popen(
            command("db", "migrate", "--data-dir", data_dir),
            env=environment(),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: (data_dir / "users.lock").exists() and process.poll() is None, "its start", 20)
    wait_until(lambda: (data_dir / "postgres" / "postmaster.pid").exists(), "the server")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert processes_of(data_dir) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another account")
def test_the_server_is_stopped_although_a_folder_above_was_closed_meanwhile(tmp_path: Path):
    """A `chmod` of a parent takes the account's right to pass; the server must not stay behind."""
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    cluster = PrivateCluster(settings_for(parent / "data"))
    with cluster.in_use():
        parent.chmod(0o700)
    assert not (cluster.directory.cluster / "postmaster.pid").exists()
