"""Local servers that page, limit and fail as EUMETSAT's Data Store, the ECMWF stores and Copernicus Marine do."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class Upstream(Protocol):
    """What answers requests."""

    requests: list[str]

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """Return a status and a JSON value, or bytes that are none."""
        ...


@contextmanager
def served(upstream: Upstream) -> Iterator[str]:
    """Serve an upstream on a free port of this machine; give its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            upstream.requests.append(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, body = upstream.answer(parts.path, query)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class DataStore:
    """EUMETSAT's search: 500 a page at most, 10,000 results in reach, 429 with a time in milliseconds.

    Products are found whose end is not before `dtstart`, so that those of the last moment come again when
    `dtstart` moves on.
    """

    products: list[Any]
    reach: int = 10_000
    throttled: int = 0
    unsorted: bool = False
    requests: list[str] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path != "/data/search-products/1.0.0/os" or query.get("format") != "json":
            return 404, {"message": "no such path"}
        if self.throttled:
            self.throttled -= 1
            again = int(time.time() * 1000) + 300
            reason = "Maximum number of requests exceeded"
            return 429, {"message": {"reason": reason, "retryAfter": again}}
        found = [one for one in self.products if _matches(one, query)]
        if query.get("sort") == "start,time,1" and not self.unsorted:
            found.sort(key=lambda one: one["properties"]["date"])
        size, start = min(int(query.get("c", 10)), 500), int(query.get("si", 0))
        if start + size > self.reach:
            return 400, {"message": f"results beyond {self.reach} cannot be asked for"}
        page = found[start : start + size]
        return 200, {"type": "FeatureCollection", "totalResults": len(found), "features": page}


def _matches(product: Any, query: dict[str, str]) -> bool:
    start, end = map(datetime.fromisoformat, product["properties"]["date"].split("/"))
    if product["properties"]["parentIdentifier"] != query.get("pi"):
        return False
    if "dtstart" in query and end < datetime.fromisoformat(query["dtstart"]):
        return False
    if "bbox" in query and not product["geometry"]:
        return False
    return "dtend" not in query or start <= datetime.fromisoformat(query["dtend"])


@dataclass
class Files:
    """A tree of files, as a static catalogue is: by path, and 404 for what is not there."""

    documents: dict[str, Any]
    requests: list[str] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path in self.documents:
            return 200, self.documents[path]
        return 404, {"message": "NoSuchKey"}
