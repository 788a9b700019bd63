"""`/status` and `/_mgmt/metrics` over real HTTP, of one process and of several workers."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.lifespan import ReaderHolder
from app.main import create_app
from app.metrics import Metrics
from app.route_names import RouteNames
from app.routes.status import StatusCache
from app.settings import ApiSettings
from catalog.errors import DatabaseUnreachable
from catalog.settings import DatabaseSettings
from catalog.status import (
    Changes,
    CollectionStatus,
    Comparison,
    SourceStatus,
    Status,
    Window,
    Windows,
)
from catalog.store.quarantine import Quarantined, quarantine
from tests.api.conftest import ROOT, Server, free_port, load, running_server
from tests.api.data import COLLECTIONS, ITEMS

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def database(make_database: Callable[[str], str]) -> str:
    url = make_database("status_over_http")
    asyncio.run(load(url))
    asyncio.run(refuse(url))
    return url


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("status") / "log"
    with running_server(
        log, {"KAKEHASHI_DATABASE_URL": database, "KAKEHASHI_STATUS_MAX_AGE_S": "0"}
    ) as server:
        yield server


async def refuse(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await quarantine(connection, "cdse", [Quarantined("{}", None, None, "no-geometry", "!")])
    finally:
        await connection.close()


def samples(client: httpx.Client) -> Samples:
    answer = client.get("/_mgmt/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    return parsed(answer.text)


def parsed(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def requests(found: Samples, route: str, status: str = "200", method: str = "GET") -> float:
    return value(found, "kakehashi_http_requests_total", method=method, route=route, status=status)


def test_status_tells_what_is_there(server: Server):
    with server.client() as client:
        answer = client.get("/status")
        document = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert document["version"] == 1
    assert document["items"] == len(ITEMS)
    assert document["collections_total"] == len(COLLECTIONS)
    counts: dict[str, int] = {}
    for item in ITEMS:
        counts[item["collection"]] = counts.get(item["collection"], 0) + 1
    assert {row["collection"]: row["items"] for row in document["collections"] if row["items"]} == counts
    assert document["quarantine"][0] | {"last_seen": ""} == {
        "source": "cdse",
        "code": "no-geometry",
        "records": 1,
        "last_seen": "",
    }
    assert document["generated"].endswith("Z")


class CountingReader:
    """Counts how often the status is asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    @property
    def reader(self) -> "CountingReader":
        return self

    async def status(self) -> int:
        await asyncio.sleep(0)
        self.asked += 1
        if self.is_away:
            raise DatabaseUnreachable("away")
        return self.asked


async def test_however_many_ask_the_database_is_asked_once():
    holder: Any = CountingReader()
    cache = StatusCache(holder, max_age_s=3600)
    answers: list[Any] = await asyncio.gather(*(cache.current() for _ in range(50)))
    assert {status for status, _ in answers} == {1}
    assert all(3500 < remaining <= 3600 for _, remaining in answers)
    fresh = StatusCache(holder, max_age_s=0)
    assert [(await fresh.current())[0] for _ in range(2)] == [2, 3]
    holder.is_away = True
    with pytest.raises(DatabaseUnreachable):
        await fresh.current()


async def test_while_the_database_is_away_those_who_wait_are_told_at_once():
    """Each asked anew, when the one before had waited for a connection for ten seconds."""
    holder: Any = CountingReader()
    holder.is_away = True
    cache = StatusCache(holder, max_age_s=3600)
    answers = await asyncio.gather(*(cache.current() for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {DatabaseUnreachable}
    assert holder.asked == 1
    holder.is_away = False
    cache._until -= 5
    assert await cache.current() == (2, pytest.approx(3600, abs=5))


def test_requests_are_counted_by_route_and_never_by_path(server: Server):
    with server.client() as client:
        before = samples(client)
        for name in ("nowhere", "elsewhere", "𒍟※"):
            client.get(f"/collections/{name}")
            client.get(f"/collections/{name}/items/x")
            client.get(f"/{name}/{name}")
        for _ in range(3):
            client.get("/collections")  # the second one comes from memory
        client.head("/")
        client.request("PROPFIND", "/")
        client.post("/search", json={"limit": "x"})
        after = samples(client)

    def more(route: str, status: str, method: str = "GET") -> float:
        return requests(after, route, status, method) - requests(before, route, status, method)

    assert more("/collections/{collection_id}", "404") == 3
    assert more("/collections/{collection_id}/items/{item_id}", "404") == 3
    assert more("(none)", "404") == 3
    assert more("/collections", "200") == 3
    assert more("/", "200", "HEAD") == 1
    assert more("/", "405", "OTHER") == 1
    assert more("/search", "400", "POST") == 1
    assert more("/_mgmt/metrics", "200") == 1
    labels = {dict(labels).get("route") for _, labels in after}
    assert not any("nowhere" in (label or "") for label in labels)
    buckets = [
        (float(dict(labels)["le"]), count)
        for (name, labels), count in after.items()
        if name == "kakehashi_http_request_duration_seconds_bucket"
        and dict(labels)["route"] == "/collections"
        and dict(labels)["method"] == "GET"
    ]
    assert max(buckets)[1] == requests(after, "/collections")


def test_metrics_tell_what_status_tells(server: Server):
    with server.client() as client:
        document, found = client.get("/status").json(), samples(client)
    assert value(found, "kakehashi_catalogue_reachable") == 1
    for row in document["collections"]:
        assert value(found, "kakehashi_items", collection=row["collection"]) == row["items"]
    assert value(found, "kakehashi_quarantined_records", source="cdse", code="no-geometry") == 1
    assert value(found, "kakehashi_database_connections", state="most") == 10
    assert 1 <= value(found, "kakehashi_database_connections", state="open") <= 10
    assert value(found, "kakehashi_http_requests_in_progress") == 1, "this one"


def test_metrics_of_a_harvest():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    row = CollectionStatus(
        "cdse",
        "sentinel-2-l2a",
        items=7,
        newest=noon,
        covered_until=noon,
        last_window=Window("follow", noon, noon, noon),
        comparison=Comparison(noon, noon, upstream=10, came=8, ours=6, refused=1, compared=noon),
    )
    source = SourceStatus(
        "cdse",
        last_success=noon,
        failures=2,
        today=Changes(3, 2, 1),
        windows=Windows(waiting=5, due=4, running=3, failed=2, aside=1, refused=1),
    )
    status = Status(
        version=1,
        generated=noon,
        items=7,
        items_exact=True,
        collections_total=1,
        newest=noon,
        lag_s=0,
        today=source.today,
        windows=source.windows,
        quarantined=0,
        quarantine=[],
        sources=[source],
        collections=[row, CollectionStatus("eumetsat", "sentinel-2-l2a", items=7, newest=noon)],
    )
    found = parsed(Metrics(ReaderHolder(0)).text(status).decode())
    pair = {"source": "cdse", "collection": "sentinel-2-l2a"}
    for name in ("newest_item", "complete_until", "last_window"):
        labels = {"collection": "sentinel-2-l2a"} if name == "newest_item" else pair
        assert value(found, f"kakehashi_{name}_timestamp_seconds", **labels) == noon.timestamp()
    assert value(found, "kakehashi_items", collection="sentinel-2-l2a") == 7
    assert value(found, "kakehashi_upstream_missing_records", **pair) == 2
    for state, count in {"waiting": 5, "due": 4, "running": 3, "failed": 2, "refused": 1}.items():
        assert value(found, "kakehashi_harvest_windows", source="cdse", state=state) == count
    for change, count in {"inserted": 3, "updated": 2, "deleted": 1}.items():
        assert value(found, "kakehashi_items_written_today", source="cdse", change=change) == count
    assert value(found, "kakehashi_source_failures", source="cdse") == 2
    assert value(found, "kakehashi_source_last_success_timestamp_seconds", source="cdse") == noon.timestamp()


def test_every_documented_path_has_a_name():
    app = create_app(ApiSettings(), DatabaseSettings(database_url="postgresql:///nowhere"))
    names = RouteNames(app)
    for path in app.openapi()["paths"]:
        assert names.of(path.replace("{", "").replace("}", "")) != "(none)", path
    assert names.of("/collections/a/items/b") == "/collections/{collection_id}/items/{item_id}"
    assert names.of("/collections/a/items/b/c") == "(none)"


async def test_metrics_go_on_while_the_database_is_away():
    away = DatabaseSettings(database_url="postgresql://me:s3cret@127.0.0.1:1/none")
    app = create_app(ApiSettings(), away)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        (await client.get("/_mgmt/ping")).raise_for_status()
        found = parsed((await client.get("/_mgmt/metrics")).raise_for_status().text)
        answer = await client.get("/status")
    assert value(found, "kakehashi_catalogue_reachable") == 0
    assert requests(found, "/_mgmt/ping") == 1
    assert answer.status_code == 503
    assert answer.json()["code"]
    assert "s3cret" not in answer.text


def test_workers_count_together(database: str, tmp_path: Path):
    port = free_port()
    clean = {
        name: text for name, text in os.environ.items() if not name.startswith(("KAKEHASHI_", "PROMETHEUS_"))
    }
    environment: dict[str, Any] = clean | {"KAKEHASHI_DATABASE_URL": database, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port), "--workers", "2"]
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/_mgmt/ping", process)
        # A connection each, so that both workers have some of them.
        for _ in range(20):
            httpx.get(f"http://127.0.0.1:{port}/conformance", timeout=30).raise_for_status()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            found = samples(client)
        assert requests(found, "/conformance") == 20
        assert value(found, "kakehashi_http_requests_in_progress") == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
    assert list(tmp_path.glob("kakehashi-metrics-*")) == []


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None
        try:
            httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            signal.sigtimedwait([], 0.1)
        else:
            return
    raise AssertionError("no answer")
