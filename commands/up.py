"""`kakehashi up`: database, catalogue, a small harvest and the API by one command."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from catalog.errors import ClusterError, KakehashiError
from catalog.settings import DatabaseSettings
from catalog.store.contents import Contents
from catalog.store.data_directory import DataDirectory, write_atomically
from catalog.store.database import open_database
from commands.address import check_free
from commands.helpers import Helpers
from commands.prepare import prepare
from commands.say import say
from ingest.plan import FIRST_DAY_PLAN

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 4


class Stopped(KeyboardInterrupt):
    """A signal asked us to stop; not an error.

    A KeyboardInterrupt, since asyncio swallows any other exception that a signal raises inside one
    of its callbacks.
    """


def up(settings: DatabaseSettings, host: str, port: int, workers: int, *, offline: bool = False) -> None:
    """Bring everything up and keep it up until Ctrl-C or SIGTERM.

    Args:
        settings: of the database.
        host: to listen on.
        port: to listen on.
        workers: API processes.
        offline: ask no upstream.

    Raises:
        ConfigurationError: the port is taken.
        ClusterError: another `up` serves from the same data directory, or there is no database.
        KakehashiError: the API ended by itself.
    """
    with _stop_on_signals():
        try:
            with open_database(settings) as database, _only_one(settings, _url(host, port)):
                check_free(host, port)
                # The API starts while the catalogue is prepared: it answers 503 until there is one.
                with _api(database.url, host, port, workers) as api:
                    contents = prepare(settings, database.url)
                    _wait_until_ready(api, host, port)
                    _greet(_url(host, port), contents, settings, private=database.is_private)
                    with ExitStack() as beside:
                        if not offline:
                            beside.enter_context(_harvest(database.url))
                        status = api.wait()
                    raise KakehashiError(
                        f"the API ended by itself (exit status {status}); its reason stands above"
                    )
        except Stopped:
            say("stopped")


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into `Stopped`; later ones wait for the clean-up."""
    # Under `nohup`, the end of the terminal is not to stop us.
    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if ends_with_terminal else [])]

    def stop(number: int, frame: FrameType | None) -> None:
        for later in numbers:
            signal.signal(later, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _only_one(settings: DatabaseSettings, url: str) -> Iterator[None]:
    """Refuse a second `up` on one data directory; leave a note of who serves from it."""
    if settings.database_url:
        yield
        return
    directory = DataDirectory(settings.data_dir)
    note = directory.path / "up.json"
    with ExitStack() as stack:
        try:
            with directory.usable():
                stack.enter_context(directory.locked("up.lock", wait=False))
        except BlockingIOError:
            raise ClusterError(
                f"`kakehashi up` already serves from {directory.path} at {_noted_url(note)}: "
                "use that one, stop it, or choose another --data-dir"
            ) from None
        with directory.usable():
            write_atomically(note, json.dumps({"process": os.getpid(), "url": url}))
        yield


def _noted_url(note: Path) -> str:
    try:
        return str(json.loads(note.read_text())["url"])
    except (OSError, ValueError, KeyError):
        return "an address that it has not noted yet"


@contextmanager
def _api(database_url: str, host: str, port: int, workers: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the API as a process of its own, and end it with the block."""
    command = [sys.executable, "-m", "cli", "serve"]
    command += ["--host", host, "--port", str(port), "--workers", str(workers)]
    environment = {**os.environ, "KAKEHASHI_DATABASE_URL": database_url}
    # A session of its own: Ctrl-C reaches us alone, and we stop things in order.
    api = subprocess.Popen(command, env=environment, start_new_session=True, cwd=Path(__file__).parent.parent)
    try:
        yield api
    finally:
        api.terminate()
        try:
            api.wait(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(api.pid, signal.SIGKILL)
            api.wait()


def _harvest(database_url: str) -> Helpers:
    """Return the harvest beside the API: what `first_day.yaml` asks for, quietly."""
    say("The last day over Japan is fetched in the background and kept up to date (--offline: it is not).")
    return Helpers(1, ["--background", "--concurrency", "2", "--plan", str(FIRST_DAY_PLAN)], database_url)


def _wait_until_ready(api: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if api.poll() is not None:
            raise KakehashiError(
                f"the API did not start (exit status {api.returncode}); its reason stands above"
            )
        try:
            with urllib.request.urlopen(f"{_url(host, port)}_mgmt/ping", timeout=2):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise KakehashiError(f"the API did not answer within {_START_TIMEOUT_S} s")


def _url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - it is read, not bound
    return f"http://{reachable}:{port}/"


def _greet(url: str, contents: Contents, settings: DatabaseSettings, *, private: bool) -> None:
    about = "" if contents.is_exact else "about "
    where = f"data in {settings.data_dir}" if private else "database of KAKEHASHI_DATABASE_URL"
    for line in (
        "",
        f"Kakehashi serves {about}{contents.items:,} items in {contents.collections} collections at {url}",
        f"  {where}; API documentation at {url}api.html",
        "",
        "Ask it:",
        f"  curl '{url}search?bbox=128,30,146,46&limit=5'",
        f"  python -c \"from pystac_client import Client; print(*Client.open('{url}').get_collections(), sep='\\n')\"",
        f"  QGIS: Layer > Data Source Manager > STAC (or WFS / OGC API - Features), URL {url}",
        "",
        "Ctrl-C stops it.",
    ):
        say(line)
