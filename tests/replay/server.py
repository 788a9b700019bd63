"""A local HTTP server that plays an upstream: CDSE's STAC API or G-Portal's CSW, and everything that goes wrong.

A test gives it a script: a function from a request to an answer. Every request is kept, so that a test
can count and look at them.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What it gets.

    Attributes:
        content: the bytes of the body.
        length: what `content-length` says; more than there is means that the answer breaks off.
        after_s: pause before the answer; it ends early when the server stops.
        drip_s: after the content one blank follows the other with this pause between, for ever.
    """

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    after_s: float = 0.0
    drip_s: float = 0.0


Script = Callable[[Request], Answer]


def as_json(document: Any, **kwargs: Any) -> Answer:
    return Answer(json.dumps(document).encode(), headers={"content-type": "application/geo+json"}, **kwargs)


@dataclass
class Replay:
    """A running server.

    Attributes:
        script: what it answers; a test may replace it between two runs.
        requests: all of them, in order.
    """

    url: str
    script: Script
    requests: list[Request] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    replay: Replay

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, body: Any) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, query, body, headers)
        self.replay.requests.append(request)
        answer = self.replay.script(request)
        if answer.after_s:
            self.replay.stopped.wait(answer.after_s)
        length = len(answer.content) if answer.length is None else answer.length
        self.send_response(answer.status)
        for name, value in {"content-length": str(length), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)
        while answer.drip_s and not self.replay.stopped.wait(answer.drip_s):
            self.wfile.write(b" ")
        if length != len(answer.content):
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Keep standard error for what is tested."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    replay: Replay

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what goes wrong in a script for the test; a client that has had enough is no error."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.replay.failures.append(error)


@contextmanager
def running(script: Script) -> Iterator[Replay]:
    """Run a server on a free port of the loopback interface."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    replay = Replay(f"http://127.0.0.1:{server.server_address[1]}", script)
    handler.replay = server.replay = replay  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        replay.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert not replay.failures, replay.failures


def refused_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# -- what the upstreams answer when nothing is wrong ------------------------------------------------


def cdse(
    items: list[Any], page_size: int = 2, *, link: str = "post", collections: list[Any] | None = None
) -> Script:
    """CDSE's STAC API.

    Args:
        items: everything that it holds.
        page_size: it gives no more, whatever is asked for.
        link: form of its `next` links: `post` (the body changed a little, to be merged), `whole` (a POST
            with its whole body), or `get`.
        collections: what it says of collections.
    """

    def page(request: Request, wanted: dict[str, Any]) -> Answer:
        base = f"http://{request.headers['host']}"
        start = int(str(wanted.get("token", "next:0")).split(":")[1])
        names = wanted.get("collections")
        names = names.split(",") if isinstance(names, str) else names
        found = [item for item in items if not names or item["collection"] in names]
        links = [{"rel": "self", "href": f"{base}/search"}]
        if start + page_size < len(found):
            token = f"next:{start + page_size}"
            post = {"rel": "next", "method": "POST", "href": f"{base}/search"}
            links.append(
                {
                    "post": {**post, "merge": True, "body": {"token": token}},
                    "whole": {**post, "body": {**wanted, "token": token}},
                    "get": {"rel": "next", "href": f"/search?token={token}"},
                }[link]
            )
        features = found[start : start + page_size]
        return as_json({"type": "FeatureCollection", "features": features, "links": links})

    def script(request: Request) -> Answer:
        if request.path == "/search":
            return page(request, request.body if request.method == "POST" else request.query)
        for collection in collections or []:
            if request.path == f"/collections/{collection['id']}":
                return as_json(collection)
        return Answer(b'{"code": "NotFoundError"}', 404)

    return script


def gportal(records: list[Any], *, matched: Callable[[int], Any] = lambda count: count) -> Script:
    """G-Portal's CSW, which wants data set ids, counts from 1 and writes numbers as it likes."""

    def script(request: Request) -> Answer:
        query = request.query
        if (query.get("service"), query.get("request")) != ("CSW", "GetRecords") or not query.get(
            "datasetId"
        ):
            return Answer(b"<ows:ExceptionReport/>", 400, {"content-type": "text/xml"})
        wanted = set(query["datasetId"].split(","))
        found = [
            record
            for record in records
            if str(record["properties"]["gpp"]["datasetId"]) in wanted
            and record["properties"]["endPosition"] >= query.get("startTime", "")
            and record["properties"]["beginPosition"] <= query.get("endTime", "9")
        ]
        start, count = int(query["startIndex"]), int(query["count"])
        features = found[start - 1 : start - 1 + count]
        return as_json(
            {
                "type": "FeatureCollection",
                "features": features,
                "properties": {
                    "numberOfRecordsMatched": matched(len(found)),
                    "numberOfRecordsReturned": len(features),
                },
            }
        )

    return script


def first(*answers: Answer, then: Script) -> Script:
    """Some answers, one after the other, and then what a script says."""
    waiting = list(answers)

    def script(request: Request) -> Answer:
        return waiting.pop(0) if waiting else then(request)

    return script


def always(answer: Answer) -> Script:
    return lambda request: answer
