"""Metrics for Prometheus: what this API does, and how fresh and complete its catalogue is.

With one process, its numbers are kept in memory. With several workers, each writes its numbers to files in
a directory that they share (`PROMETHEUS_MULTIPROC_DIR`, which `kakehashi serve --workers` sets), so that
whichever worker is asked answers for all of them.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.route_names import RouteNames
from catalog.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.lifespan import ReaderHolder

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# From a cached answer to the statement timeout.
_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of this process."""

    def __init__(self, holder: "ReaderHolder") -> None:
        """Count from zero.

        Args:
            holder: whose connections are counted.
        """
        self._holder = holder
        self._is_shared = _DIRECTORY in os.environ
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "kakehashi_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.durations = Histogram(
            "kakehashi_http_request_duration_seconds",
            "Time from the first byte of a request to the last byte of its answer.",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self.in_progress = Gauge(
            "kakehashi_http_requests_in_progress",
            "Requests that are being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        connections = Gauge(
            "kakehashi_database_connections",
            "Connections to databases that are read from: open, of these in use, and at most.",
            ("state",),
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._open, self._in_use, self._most = (
            connections.labels(state) for state in ("open", "in_use", "most")
        )
        self._waiting = Gauge(
            "kakehashi_database_waiting",
            "Requests that wait for a connection.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def note_request(self, method: str, route: str, status: int, took_s: float) -> None:
        """Take down that a request was answered."""
        self.durations.labels(method, route).observe(took_s)
        self.requests.labels(method, route, str(status)).inc()
        if self._is_shared:
            # Whichever worker is asked tells of this one's connections, too.
            self._note_connections()

    def _note_connections(self) -> None:
        """Take down how many connections there are now."""
        uses = [server.pool.use for server in self._holder.servers]
        self._open.set(sum(use.open for use in uses))
        self._in_use.set(sum(use.in_use for use in uses))
        self._most.set(sum(use.most for use in uses))
        self._waiting.set(sum(use.waiting for use in uses))

    def text(self, status: Status | None) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            status: of the catalogue; None: it cannot be had, which is a metric too.
        """
        self._note_connections()
        registry = self._registry
        if self._is_shared:
            _forget_dead(Path(os.environ[_DIRECTORY]))
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library has no types here
        facts = CollectorRegistry()
        facts.register(_CatalogueFacts(status))
        return generate_latest(registry) + generate_latest(facts)


class MetricsMiddleware:
    """Counts and times every request, by the template of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics, names: "Callable[[], RouteNames]") -> None:
        """Wrap an application.

        Args:
            app: the application.
            metrics: where it is counted.
            names: returns the names of its routes, once it is complete.
        """
        self._app = app
        self._metrics = metrics
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = self._names().of(scope["path"].removeprefix(scope.get("root_path", "")) or "/")
        metrics = self._metrics
        metrics.in_progress.inc()
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send_noted)
        finally:
            metrics.in_progress.dec()
            metrics.note_request(method, route, status, time.perf_counter() - began)


class _CatalogueFacts(Collector):
    """What the status of the catalogue says, as metrics."""

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status
        reachable = GaugeMetricFamily(
            "kakehashi_catalogue_reachable", "Whether the database could be asked for what follows."
        )
        reachable.add_metric((), 0 if status is None else 1)
        yield reachable
        if status is not None:
            yield from _of_collections(status)
            yield from _of_sources(status)
            yield from _of_quarantine(status)


def _of_collections(status: Status) -> Iterator[Metric]:
    items = GaugeMetricFamily("kakehashi_items", "Items of a collection.", labels=("collection",))
    newest = GaugeMetricFamily(
        "kakehashi_newest_item_timestamp_seconds",
        "Start of the newest item of a collection.",
        labels=("collection",),
    )
    for row in {row.collection: row for row in status.collections}.values():
        items.add_metric((row.collection,), row.items)
        if row.newest is not None:
            newest.add_metric((row.collection,), row.newest.timestamp())
    pair = ("source", "collection")
    covered = GaugeMetricFamily(
        "kakehashi_complete_until_timestamp_seconds", "Everything before this time is here.", labels=pair
    )
    window = GaugeMetricFamily(
        "kakehashi_last_window_timestamp_seconds", "When a window of the harvest was done last.", labels=pair
    )
    missing = GaugeMetricFamily(
        "kakehashi_upstream_missing_records",
        "Records that the upstream said it has in the last window that it told of, and that did not come.",
        labels=pair,
    )
    for row in status.collections:
        labels = (row.source or "", row.collection)
        if row.covered_until is not None:
            covered.add_metric(labels, row.covered_until.timestamp())
        if row.last_window is not None:
            window.add_metric(labels, row.last_window.finished.timestamp())
        if (found := row.comparison) is not None:
            missing.add_metric(labels, max(0, found.upstream - found.came))
    yield from (items, newest, covered, window, missing)


def _of_sources(status: Status) -> Iterator[Metric]:
    windows = GaugeMetricFamily(
        "kakehashi_harvest_windows",
        "Windows of the harvest, by state; those that are due or failed are among those that wait.",
        labels=("source", "state"),
    )
    success = GaugeMetricFamily(
        "kakehashi_source_last_success_timestamp_seconds",
        "When a source last gave the harvest what it asked for.",
        labels=("source",),
    )
    failures = GaugeMetricFamily(
        "kakehashi_source_failures", "Failures of a source in a row.", labels=("source",)
    )
    written = GaugeMetricFamily(
        "kakehashi_items_written_today",
        "Items inserted, updated and deleted since midnight (UTC).",
        labels=("source", "change"),
    )
    for source in status.sources:
        for state, count in vars(source.windows).items():
            windows.add_metric((source.source, state), count)
        for change, count in vars(source.today).items():
            written.add_metric((source.source, change), count)
        failures.add_metric((source.source,), source.failures)
        if source.last_success is not None:
            success.add_metric((source.source,), source.last_success.timestamp())
    yield from (windows, success, failures, written)


def _of_quarantine(status: Status) -> Iterator[Metric]:
    held = GaugeMetricFamily(
        "kakehashi_quarantined_records", "Refused records that are kept.", labels=("source", "code")
    )
    for refusals in status.quarantine:
        held.add_metric((refusals.source, refusals.code), refusals.records)
    yield held


def _forget_dead(directory: Path) -> None:
    """Forget what workers that are gone said of the moment; what they counted stays."""
    for file in directory.glob("gauge_live*_*.db"):
        number = int(file.stem.rsplit("_", 1)[1])
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            mark_process_dead(number, str(directory))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue  # it lives, under another account
