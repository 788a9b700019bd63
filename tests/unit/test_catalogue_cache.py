"""What is kept of answers about the catalogue, for how long, and how much of it."""

import tracemalloc
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.catalogue_cache import CatalogueCacheMiddleware
from app.lifespan import ReaderHolder


@dataclass
class App:
    """Counts how often it is asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"x" * 100
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await Response(self.body, self.status, self.headers)(scope, receive, send)


@dataclass
class Cached:
    app: App
    holder: ReaderHolder
    cache: CatalogueCacheMiddleware

    async def ask(
        self, path: str = "/collections", method: str = "GET", query: bytes = b"", **headers: str
    ) -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query,
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        await self.cache(scope, _nothing, send)
        return b"".join(message.get("body", b"") for message in sent)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def cached(ttl_s: float = 60, max_bytes: int = 100_000, **app: Any) -> Cached:
    inner, holder = App(**app), ReaderHolder(ttl_s)
    return Cached(inner, holder, CatalogueCacheMiddleware(inner, holder, max_bytes))


@pytest.mark.parametrize(
    "path", ["/", "/collections", "/collections/x", "/queryables", "/collections/x/queryables"]
)
async def test_asked_once(path: str) -> None:
    it = cached()
    assert await it.ask(path) == await it.ask(path) == it.app.body
    assert it.app.asked == 1
    it.holder.changes.note()
    await it.ask(path)
    assert it.app.asked == 2


@pytest.mark.parametrize(
    "path", ["/search", "/collections/x/items", "/collections/x/items/y", "/_mgmt/health", "/status"]
)
async def test_asked_each_time(path: str) -> None:
    it = cached()
    await it.ask(path)
    await it.ask(path)
    assert it.app.asked == 2


@pytest.mark.parametrize(
    "app",
    [
        {"status": 404},
        {"headers": {"Cache-Control": "no-store"}},
        {"headers": {"Cache-Control": "private, no-cache"}},
        {"headers": {"Set-Cookie": "a=b"}},
    ],
    ids=str,
)
async def test_what_is_not_kept(app: dict[str, Any]) -> None:
    it = cached(**app)
    await it.ask()
    await it.ask()
    assert it.app.asked == 2


async def test_who_shows_credentials_is_not_answered_from_memory() -> None:
    it = cached()
    await it.ask()
    await it.ask(authorization="Bearer x")
    await it.ask(cookie="a=b")
    assert it.app.asked == 3


async def test_answers_differ_by_host_language_and_coding() -> None:
    it = cached()
    asked: list[dict[str, str]] = [
        {"host": "a"},
        {"host": "b"},
        {"host": "a", "accept_language": "ja"},
        {"host": "a", "accept_encoding": "br"},
        {"host": "a", "accept": "text/html"},
    ]
    for _ in range(2):
        for headers in asked:
            await it.ask(**headers)
    assert it.app.asked == len(asked)
    # Another way to ask for the same coding.
    await it.ask(host="a", accept_encoding="gzip;q=0.1, br")
    assert it.app.asked == len(asked)


@pytest.mark.parametrize(
    ("method", "status", "forgets"),
    [
        ("PUT", 200, True),
        ("PATCH", 200, True),
        ("DELETE", 204, True),
        ("POST", 201, True),
        ("POST", 204, True),
        ("POST", 200, False),  # a search
        ("POST", 400, False),
        ("OPTIONS", 204, False),
    ],
)
async def test_who_writes_reads_what_was_written(method: str, status: int, forgets: bool) -> None:
    it = cached()
    await it.ask()
    it.app.status = status
    await it.ask(method=method)
    it.app.status = 200
    asked = it.app.asked
    await it.ask()
    assert it.app.asked == asked + forgets


async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    it = cached(max_bytes=25_000, body=b"x" * 10_000)
    for path in ("/collections/a", "/collections/b", "/collections/a", "/collections/c"):
        await it.ask(path)
    assert it.app.asked == 3
    await it.ask("/collections/a")
    assert it.app.asked == 3
    await it.ask("/collections/b")
    assert it.app.asked == 4


async def test_what_was_asked_counts_as_memory_too() -> None:
    """Parameters that mean nothing are ignored: each value of one is an answer of its own to remember."""
    it = cached(max_bytes=100_000, body=b"")
    tracemalloc.start()
    for number in range(3_000):
        await it.ask("/conformance", query=b"x=%d&%s" % (number, b"y" * 1_000), accept="z" * 500)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 200_000
    await it.ask("/conformance", query=b"x=2999&" + b"y" * 1_000, accept="z" * 500)
    assert it.app.asked == 3_000


@pytest.mark.parametrize(
    "asked",
    [{"query": b"x=" + b"y" * 60_000}, {"accept": "y" * 3_000}, {"accept_language": "y" * 3_000}],
    ids=list,
)
async def test_who_asks_at_length_is_answered_anew(asked: dict[str, Any]) -> None:
    it = cached()
    await it.ask(**asked)
    await it.ask(**asked)
    assert it.app.asked == 2


async def test_without_a_listener_time_runs_out() -> None:
    it = cached(ttl_s=0)
    await it.ask()
    await it.ask()
    assert it.app.asked == 2


async def test_a_change_while_an_answer_is_made_makes_it_an_old_one() -> None:
    it = cached()
    changes = it.holder.changes

    async def changed_meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        changes.note()
        await it.app(scope, receive, send)

    it.cache = CatalogueCacheMiddleware(changed_meanwhile, it.holder, 100_000)
    await it.ask()
    await it.ask()
    assert it.app.asked == 2
