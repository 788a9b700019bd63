"""Servers to measure: ours, and the reference server from the package index in a venv of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psutil

ROOT = Path(__file__).parent.parent
# Without its `server` extra, which pins an old uvicorn: both servers run on the same one.
_PEER_PACKAGES = ["stac-fastapi.pgstac==7.2.*", "uvicorn[standard]"]
_START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        name: as it stands in tables.
        port: on the loopback interface.
        process: the one that was started; workers are its children.
    """

    name: str
    port: int
    process: psutil.Process

    def processor_s(self) -> float:
        """Seconds of processor time that it took so far, with its workers."""
        return sum(
            sum(each.cpu_times()[:2]) for each in (self.process, *self.process.children(recursive=True))
        )

    def memory(self) -> list[int]:
        """Resident bytes of each process that holds the application."""
        children = [
            child
            for child in self.process.children(recursive=True)
            if "tracker" not in " ".join(child.cmdline())
        ]
        return [process.memory_info().rss for process in (children or [self.process])]


@contextmanager
def ours(database_url: str, workers: int = 1, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run Kakehashi as an operator would: `kakehashi serve`."""
    port = _free_port()
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port), "--workers", str(workers)]
    environment = _clean() | {"KAKEHASHI_DATABASE_URL": database_url} | dict(settings or {})
    with _running("kakehashi", command, environment, port) as server:
        yield server


@contextmanager
def peer(directory: Path, database_url: str, *, api_hydrate: bool, workers: int = 1) -> Iterator[Server]:
    """Run stac-fastapi.pgstac 7.2 on the same database.

    Args:
        directory: of its venv; made by `install_peer`.
        database_url: of an account that may write pgstac's caches, which its searches do.
        api_hydrate: its faster way (`USE_API_HYDRATE`); False is its default.
        workers: processes.
    """
    port = _free_port()
    parts = urlsplit(database_url)
    query = parse_qs(parts.query)
    environment = _clean() | {
        "PGHOST": quote(query.get("host", [parts.hostname or "localhost"])[0], safe=""),
        "PGPORT": str(parts.port or query.get("port", ["5432"])[0]),
        "PGUSER": parts.username or query["user"][0],
        "PGPASSWORD": parts.password or "none",
        "PGDATABASE": parts.path.lstrip("/"),
        "USE_API_HYDRATE": str(api_hydrate),
        # Without names of its own it warns of them.
        **{f"STAC_FASTAPI_{name}": "peer" for name in ("TITLE", "DESCRIPTION", "LANDING_ID", "VERSION")},
    }
    command = [
        str(directory / "bin" / "python"),
        "-m",
        "uvicorn",
        "--factory",
        "stac_fastapi.pgstac.app:create_app",
    ]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning", "--workers", str(workers)]
    name = "pgstac 7.2, API hydration" if api_hydrate else "pgstac 7.2, default"
    with _running(name, command, environment, port) as server:
        yield server


def install_peer(directory: Path) -> None:
    """Install the reference server into a venv, from the package index that pip or uv is set up for."""
    if (directory / "bin" / "uvicorn").exists():
        return
    print(f"# installing {_PEER_PACKAGES[0]} into {directory}")
    uv = next(
        (
            str(found)
            for found in (shutil.which("uv"), ROOT / ".venv-tools/bin/uv")
            if found and Path(found).exists()
        ),
        None,
    )
    python = str(directory / "bin" / "python")
    if uv:
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(directory)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *_PEER_PACKAGES], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *_PEER_PACKAGES], check=True)


@contextmanager
def _running(name: str, command: list[str], environment: dict[str, str], port: int) -> Iterator[Server]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        _wait(process, port)
        yield Server(name, port, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"a server did not start: exit status {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_mgmt/ping", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("a server did not answer in time")


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("KAKEHASHI_", "PG"))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
