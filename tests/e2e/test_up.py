"""`kakehashi up`: one command to a running catalogue, and a clean end of it, whatever happens."""

import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pystac_client import Client

from tests.e2e.conftest import FirstRun
from tests.e2e.program import Up, get, kill, processes_of, refusal, run, succeed, up, wait_until

JAPAN = (122.0, 24.0, 146.0, 46.0)


def counts(said: str) -> tuple[int, int]:
    match = re.search(
        r"Kakehashi serves ([\d,]+) items in (\d+) collections at http://127\.0\.0\.1:\d+/\n", said
    )
    assert match, said
    return int(match[1].replace(",", "")), int(match[2])


# A first start, and its end


def test_a_first_start_says_what_it_does_and_where_it_is(first_run: FirstRun):
    print(
        f"\nfirst start: 200 after {first_run.first_answer_s:.1f} s, all loaded after {first_run.ready_s:.1f} s"
    )
    items, collections = counts(first_run.said)
    assert items >= 100
    assert collections >= 15
    for line in (
        "installing pgstac",
        "migrating the schema: 0001_",
        "loading the starter catalogue",
        "curl '",
    ):
        assert line in first_run.said
    assert f"at {first_run.url}\n" in first_run.said
    assert "Traceback" not in first_run.said


def test_ctrl_c_ends_it_within_five_seconds_with_nothing_left(first_run: FirstRun):
    print(f"\nstop: {first_run.stop_s:.1f} s")
    assert first_run.status == 0
    assert first_run.said.endswith("\nstopped\n")
    assert first_run.left == []
    assert first_run.stop_s < 5


# While it runs


def test_a_later_start_is_quick_and_loads_nothing_again(first_run: FirstRun, running: Up):
    print(f"\nlater start: 200 after {running.first_answer_s:.1f} s")
    assert running.first_answer_s < 20
    assert counts(running.said()) == counts(first_run.said)
    for line in ("installing", "migrating", "loading"):
        assert line not in running.said()


def test_one_search_over_japan_finds_both_sides(running: Up):
    client = Client.open(running.url)
    found = list(client.search(bbox=JAPAN, limit=100).items())
    sources = {item.properties["harvest:source"] for item in found}
    assert {"cdse", "gportal"} <= sources
    page = get(f"{running.url}search?bbox={','.join(map(str, JAPAN))}&limit=100")
    assert {"cdse", "gportal"} <= {item["properties"]["harvest:source"] for item in page["features"]}
    platforms = {item.properties.get("platform", "") for item in found}
    assert any(platform.startswith("sentinel-") for platform in platforms)
    assert any(platform.startswith(("alos", "gcom", "himawari")) for platform in platforms)
    west, south, east, north = JAPAN
    for item in found:
        assert item.bbox is not None
        if item.bbox[0] <= item.bbox[2]:
            assert item.bbox[0] <= east
            assert item.bbox[2] >= west
        assert item.bbox[1] <= north
        assert item.bbox[3] >= south


def test_its_counts_are_those_of_the_database(running: Up):
    items, collections = counts(running.said())
    assert len(get(f"{running.url}collections?limit=1000")["collections"]) == collections
    assert sum(1 for _ in Client.open(running.url).search(limit=100).items()) == items
    assert get(f"{running.url}_mgmt/health")["status"] == "UP"


def test_an_idle_api_worker_is_small(running: Up):
    get(f"{running.url}search?limit=10")
    memory = running.api().memory_info().rss
    print(f"\nAPI worker: {memory / 1e6:.0f} MB")
    assert memory <= 150e6


def test_a_second_one_says_so_and_ends(running: Up):
    line = refusal(run("up", "--offline", "--port", "1", "--data-dir", running.data_dir))
    assert line.startswith(f"error: `kakehashi up` already serves from {running.data_dir} at {running.url}: ")
    assert get(f"{running.url}_mgmt/ping")
    assert not running.ended()


def test_other_commands_use_the_database_that_runs(running: Up):
    items, collections = counts(running.said())
    assert (
        succeed("prepare", "--data-dir", running.data_dir)
        == f"ready: {items} items in {collections} collections\n"
    )
    assert succeed("db", "migrate", "--data-dir", running.data_dir) == "the schema is up to date\n"
    assert succeed("db", "start", "--data-dir", running.data_dir) == "it runs already\n"
    (running.data_dir / "keep").unlink()
    assert get(f"{running.url}_mgmt/health")["status"] == "UP"


def test_no_source_counts_as_fresh_for_the_starter_catalogue(running: Up):
    sources = get(f"{running.url}status")["sources"]
    assert {source["source"] for source in sources} >= {"cdse", "gportal"}
    for source in sources:
        assert source["last_success"] is None
        assert source["last_run"] is None


# How it ends


def test_a_port_that_is_taken_is_one_line(copy_of_first: Callable[[], Path]):
    data_dir = copy_of_first()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refusal(run("up", "--offline", "--port", str(port), "--data-dir", data_dir))
    assert line == (
        f"error: cannot listen on 127.0.0.1 port {port} (Address already in use): choose another with --port"
    )
    assert processes_of(data_dir) == []


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "::ffff", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_one_line(copy_of_first: Callable[[], Path], host: str):
    data_dir = copy_of_first()
    line = refusal(run("up", "--offline", "--host", host, "--data-dir", data_dir))
    assert line.startswith(f"error: cannot listen on {host} port 8080 (")


def test_sigterm_ends_it_and_the_end_of_the_terminal_does_not_under_nohup(
    copy_of_first: Callable[[], Path], tmp_path: Path
):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with up(copy_of_first(), tmp_path / "log") as running:
            signal.signal(signal.SIGHUP, before)
            running.wait_until_ready()
            family = running.family()
            assert len(family) > 4
            running.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            assert get(f"{running.url}_mgmt/ping")
            began = time.monotonic()
            assert running.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGHUP, before)
    assert running.said().endswith("\nstopped\n")
    _, left = psutil.wait_procs(family, timeout=1)
    assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []


def test_data_survives_the_kill_of_everything_and_the_end_of_the_api_is_told(
    first_run: FirstRun, copy_of_first: Callable[[], Path], tmp_path: Path
):
    data_dir = copy_of_first()
    with up(data_dir, tmp_path / "one") as running:
        running.wait_until_ready()
        kill(running.family())
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with up(data_dir, tmp_path / "two") as running:
        running.wait_until_ready()
        assert counts(running.said()) == counts(first_run.said)
        running.api().kill()
        assert running.process.wait(20) == 1
    last = running.said().splitlines()[-1]
    assert last == "error: the API ended by itself (exit status -9); its reason stands above"
    assert "Traceback" not in running.said()
    assert processes_of(data_dir) == []


def test_a_signal_in_the_middle_of_a_first_start_ends_it_too(tmp_path: Path):
    data_dir = tmp_path / "data"
    with up(data_dir, tmp_path / "log") as running:
        wait_until(lambda: "installing pgstac" in running.said(), "the installation of pgstac")
        # The end of the terminal.
        assert running.stop(signal.SIGHUP) == 0
    assert running.said().endswith("stopped\n")
    assert "Traceback" not in running.said()
    assert processes_of(data_dir) == []
    assert succeed("db", "migrate", "--data-dir", data_dir).endswith("the schema is up to date\n")


# The harvest beside it


def test_without_a_network_it_says_so_in_one_line_and_goes_on(
    copy_of_first: Callable[[], Path], tmp_path: Path
):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        sources = {
            f"KAKEHASHI_SOURCES__{name}__URL": address for name in ("CDSE", "GPORTAL", "HIMAWARI", "AMEDAS")
        }
        settings = {**sources, "KAKEHASHI_HTTP_ATTEMPTS": "1"}
        with up(copy_of_first(), tmp_path / "log", offline=False, **settings) as running:
            running.wait_until_ready()
            wait_until(lambda: "asked again later" in running.said(), "the word of the harvest")
            assert get(f"{running.url}_mgmt/health")["status"] == "UP"
            assert running.stop() == 0
        assert processes_of(running.data_dir) == []
    said = running.said()
    assert said.count("harvest: ") == 1, said
    assert "Traceback" not in said
