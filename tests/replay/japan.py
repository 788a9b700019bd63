"""Imitations of Tellus, of NASA's CMR and of the JMA website on a local port, with their paging, limits and errors."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any, Mapping[str, str]]


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Upstream:
    """What all imitations share.

    Attributes:
        log: every request.
        faults: answers to give first, before the real ones, in turn.
    """

    log: list[Asked] = field(default_factory=list)
    faults: list[Answer] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""
        raise NotImplementedError

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.log]


@contextmanager
def served(upstream: Upstream) -> Iterator[str]:
    """Serve an imitation on a free local port; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            content = self.rfile.read(length)
            asked = Asked(
                self.command,
                parts.path,
                {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(content) if content else None,
            )
            upstream.log.append(asked)
            status, document, headers = upstream.faults.pop(0) if upstream.faults else upstream.answer(asked)
            body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Tellus(Upstream):
    """Tellus: a token for everything, a cursor that must be sent, 10 to 1000 scenes, lists by `next`."""

    token: str = "secret-token"
    datasets: list[Any] = field(default_factory=list)
    scenes: list[Any] = field(default_factory=list)
    files: Mapping[str, list[Any]] = field(default_factory=dict)
    largest_page: int = 1000
    stuck: bool = False
    total: int | None = None

    def answer(self, asked: Asked) -> Answer:
        """Answer as the API does."""
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            given = asked.headers.get("authorization", "")
            return 401, {"code": "authentication_failed", "detail": f"Invalid token: {given}"}, {}
        parts = asked.path.strip("/").split("/")
        if asked.path == "/data-search/" and asked.method == "POST":
            return self._search(asked.body)
        if parts == ["datasets"]:
            place = int(asked.query.get("page", "1"))
            entry = self.datasets[place - 1 : place]
            more = f"{asked.path}?page={place + 1}" if place < len(self.datasets) else None
            return 200, {"results": entry, "next": more}, {}
        if len(parts) == 2:
            found = [one for one in self.datasets if one["id"] == parts[1]]
            return (200, found[0], {}) if found else (404, {"code": "not_found", "detail": "no data set"}, {})
        if len(parts) == 5 and parts[4] in ("files", "thumbnails"):
            return 200, {"results": self.files.get(parts[3], []) if parts[4] == "files" else []}, {}
        return 404, {"code": "not_found", "detail": "no such path"}, {}

    def _search(self, body: Any) -> Answer:
        paginate = body.get("paginate") or {}
        if "cursor" not in paginate:
            return 400, {"code": "invalid", "detail": "paginate.cursor is required"}, {}
        if not 10 <= paginate.get("size", 0) <= self.largest_page:
            return 400, {"code": "invalid", "detail": "paginate.size must be 10 to 1000"}, {}
        if body.get("intersects", {"type": "Polygon"})["type"] != "Polygon":
            return 400, {"code": "invalid", "detail": "intersects must be a Polygon"}, {}
        found = [scene for scene in self.scenes if scene["dataset_id"] in body["datasets"]]
        start = int(paginate["cursor"] or 0)
        end = start if self.stuck and start else start + paginate["size"]
        following = {**body, "paginate": {**paginate, "cursor": str(end)}}
        total = len(found) if self.total is None else self.total
        meta = {"total": total, "search-condition": following}
        return 200, {"type": "FeatureCollection", "features": found[start:end], "meta": meta}, {}


@dataclass
class Cmr(Upstream):
    """CMR: paging by a header that goes back and forth, counts in headers, 2000 granules at most."""

    granules: Mapping[str, list[Any]] = field(default_factory=dict)
    largest_page: int = 2000
    forgets_next: bool = False
    repeats: bool = False
    timed_out: bool = False
    hits: int | None = None

    def answer(self, asked: Asked) -> Answer:
        """Answer as the search does."""
        if asked.path != "/granules.umm_json":
            return 404, {"errors": ["The resource could not be found."]}, {}
        size = int(asked.query.get("page_size", "10"))
        if size > self.largest_page:
            return 400, {"errors": [f"page_size must be a number between 0 and {self.largest_page}"]}, {}
        name = asked.query.get("collection_concept_id") or asked.query.get("short_name") or ""
        if not name:
            return (
                400,
                {"errors": ["The CMR does not allow querying across granules in all collections."]},
                {},
            )
        found = self.granules.get(name, [])
        before = asked.headers.get("cmr-search-after")
        start = json.loads(before)[1] if before else 0
        page = found[start : start + size] if not (self.repeats and before) else found[:size]
        hits = len(found) if self.hits is None else self.hits
        headers = {"CMR-Hits": str(hits), "Content-Type": "application/vnd.nasa.cmr.umm_results+json"}
        if page and not self.forgets_next:
            headers["CMR-Search-After"] = json.dumps(["asf", start + len(page)])
        if self.timed_out:
            headers["CMR-Timed-Out"] = "true"
        return 200, {"hits": hits, "took": 3, "items": page}, headers


@dataclass
class Amedas(Upstream):
    """The website of JMA: static files, 404 for what is not there."""

    files: Mapping[str, Any] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        """Answer as a file server does."""
        if asked.path in self.files:
            return 200, self.files[asked.path], {}
        return 404, "<html>404</html>", {"content-type": "text/html"}
