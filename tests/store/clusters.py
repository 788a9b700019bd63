"""Small tools for tests of the store."""

import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psutil

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster


def settings_for(directory: Path, **changes: Any) -> DatabaseSettings:
    return DatabaseSettings(data_dir=directory, database_url=None, **changes)


def postmaster(cluster: PrivateCluster) -> psutil.Process:
    content = (cluster.directory.cluster / "postmaster.pid").read_text()
    return psutil.Process(int(content.split("\n", 1)[0]))


def ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or waits for no more than that somebody takes note."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_server(cluster: PrivateCluster) -> None:
    """Kill the postmaster alone, as the kernel does when memory is short."""
    process = postmaster(cluster)
    process.send_signal(signal.SIGKILL)
    process.wait(10)  # not only dead: what still has its number looks alive to PostgreSQL


def named(url: str, database: str, **query: str) -> str:
    """Return the URL of another database of the same server."""
    parts = urlsplit(url)
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{parts.scheme}:///{database}?{parts.query}{more}"


async def administer(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def ask(url: str, question: str, *values: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question, *values)
    finally:
        await connection.close()
