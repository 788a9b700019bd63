"""`kakehashi serve`: the API alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import uvicorn

from app.protocol import Protocol
from catalog.settings import DatabaseSettings
from catalog.store.database import open_database
from commands.address import check_free

# How long requests that are under way may take to end when the server stops.
_GRACE_S = 3
# Longer than proxies and load balancers keep an idle connection (60 s at most of them): who closes first must
# not be us, or a request that is just being sent is lost.
_KEEP_ALIVE_S = 75


def serve(settings: DatabaseSettings, host: str, port: int, workers: int) -> None:
    """Serve the API until a signal says stop.

    Args:
        settings: which database.
        host: address to listen on.
        port: port to listen on.
        workers: processes; each has a pool of connections of its own.

    Raises:
        ConfigurationError: the address is taken.
        ClusterError: the private cluster cannot be had.
    """
    check_free(host, port)
    with open_database(settings) as database, _shared_metrics(workers):
        # The workers are processes of their own: the environment is how settings reach them.
        os.environ["KAKEHASHI_DATABASE_URL"] = database.url
        run_api(host, port, workers)


def run_api(host: str, port: int, workers: int = 1) -> None:
    """Serve the API on the database that the environment names, until a signal says stop.

    Args:
        host: address to listen on.
        port: port to listen on.
        workers: processes.
    """
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        http=Protocol,
        # By itself uvicorn takes a failure to start for an application without a lifespan, and answers 500 to all.
        lifespan="on",
        workers=workers if workers > 1 else None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # The app reads forwarding headers itself, `Forwarded` among them.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Let several workers count together (`app.metrics`), in a directory that goes with the block."""
    if workers == 1 or "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="kakehashi-metrics-", ignore_cleanup_errors=True) as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
