"""The real `kakehashi` command, in processes of its own."""

import functools
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


def command(*arguments: str | Path) -> list[str]:
    """Return how the command is started: the installed program, else the module of this checkout."""
    installed = Path(sys.executable).with_name("kakehashi")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "cli"]
    return [*start, *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return our environment without settings of Kakehashi or PostgreSQL, and with changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAKEHASHI_", "PG"))}
    kept["KAKEHASHI_SCHEMAS_FROM_NETWORK"] = "false"
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **changes}


def run(*arguments: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end; whatever happened, it must not have shown a traceback."""
    done = subprocess.run(
        command(*arguments),
        env=environment(**changes),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def succeed(*arguments: str | Path, **changes: str) -> str:
    """Run the command, which must go through; return what it said on standard error."""
    done = run(*arguments, **changes)
    assert done.returncode == 0, done.stderr
    return done.stderr


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line that a run which must have failed said."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> Any:
    with urlopen(url, timeout=20) as answer:
        return json.load(answer)


def processes_of(directory: Path) -> list[psutil.Process]:
    """Return the processes that work in a data directory, or were started with it as an argument."""
    found = []
    for process in psutil.process_iter():
        try:
            places = [process.cwd(), *process.cmdline()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(directory) in place for place in places) and process.pid != os.getpid():
            found.append(process)
    return found


def wait_until(condition: Any, what: str, timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


@dataclass
class Up:
    """A running `kakehashi up`."""

    process: "subprocess.Popen[bytes]"
    data_dir: Path
    url: str
    log: Path
    first_answer_s: float = 0

    def said(self) -> str:
        return self.log.read_text()

    def wait_until_ready(self) -> None:
        """Wait for the first 200, then until it has greeted."""
        began = time.monotonic()
        wait_until(self._answers, f"first 200; it said: {self.said()}")
        self.first_answer_s = time.monotonic() - began
        wait_until(lambda: "Ctrl-C stops it." in self.said() or self.ended(), "greeting")
        assert not self.ended(), self.said()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def _answers(self) -> bool:
        assert not self.ended(), self.said()
        try:
            with urlopen(self.url, timeout=5) as answer:
                return answer.status == 200
        except (HTTPError, URLError, OSError):
            return False

    def family(self) -> list[psutil.Process]:
        """Return it, its API processes and its database's."""
        own = psutil.Process(self.process.pid)
        postgres = [found for found in processes_of(self.data_dir) if found.pid != own.pid]
        return [own, *own.children(recursive=True), *postgres]

    def api(self) -> psutil.Process:
        return next(
            child for child in psutil.Process(self.process.pid).children() if "serve" in child.cmdline()
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def up(
    data_dir: Path,
    log: Path,
    *options: str,
    port: int | None = None,
    offline: bool = True,
    **changes: str,
) -> Iterator[Up]:
    """Have `kakehashi up --offline` running; whatever is left of it at the end is killed."""
    port = port or free_port()
    arguments = [
        "up",
        *(["--offline"] if offline else []),
        "--port",
        str(port),
        "--data-dir",
        str(data_dir),
        *options,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(*arguments), env=environment(**changes), cwd=ROOT, stdout=output, stderr=output
        )
    running = Up(process, data_dir, f"http://127.0.0.1:{port}/", log)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                kill(running.family())


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=10)


@dataclass(frozen=True)
class PlainUser:
    """An account without privileges, and an interpreter that it may run."""

    name: str
    uid: int
    gid: int
    python: str

    def run(self, *arguments: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run the command as this account; it must not show a traceback."""
        done = self._run([self.python, "-m", "cli", *map(str, arguments)], **changes)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def _run(self, words: list[str], **changes: str) -> "subprocess.CompletedProcess[str]":
        packages = f"{sysconfig.get_path('purelib')}{os.pathsep}{ROOT}"
        other = os.geteuid() != self.uid
        return subprocess.run(
            words,
            env=environment(PYTHONPATH=packages, PYTHONDONTWRITEBYTECODE="1", **changes),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
        )

    def can_run(self) -> bool:
        try:
            return (
                self._run([self.python, "-c", "import asyncpg, orjson, pydantic_core, cli"]).returncode == 0
            )
        except OSError:
            return False


@functools.cache
def find_plain_user() -> PlainUser | None:
    """Return `nobody` when we are root, else ourselves; None if it has no Python that can run Kakehashi."""
    name = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    entry = pwd.getpwnam(name)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        user = PlainUser(name, entry.pw_uid, entry.pw_gid, python)
        if user.can_run():
            return user
    return None


def plain_user() -> PlainUser:
    """Return a plain user, or skip the test where there is none."""
    user = find_plain_user()
    if user is None:
        pytest.skip("NOT TESTED: no Python that an unprivileged account may run with these packages")
    return user
