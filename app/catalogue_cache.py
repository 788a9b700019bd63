"""Keeps finished answers about the catalogue itself: landing page, collections, queryables.

They are asked for often and change seldom. What is kept is the answer as it goes out, compressed
and tagged, so that serving it again costs no database and no JSON. `catalog.store.changes` says
when something changed.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.encoding import accepted
from app.lifespan import ReaderHolder
from catalog.store.changes import Changes

_KEPT_PATHS = re.compile(r"/?|/(collections(/[^/]+)?(/queryables)?|children|queryables|conformance|api)")
# Of an answer, in bytes; a larger one is made each time.
_LARGEST = 4_194_304
# Of what was asked, in bytes: address and headers. No client of a catalogue asks at more length; who does, to
# fill the memory, is answered anew each time.
_LONGEST_KEY = 2_048
# What the objects around the bytes of one answer take, in bytes.
_OBJECTS = 2_048

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, and for how long it holds."""

    start: Message
    body: bytes
    version: int
    until: float

    def size(self, key: Key) -> int:
        """Return how much memory it takes together with its key, in bytes."""
        headers = sum(len(name) + len(value) for name, value in self.start["headers"])
        return len(self.body) + headers + _length(key) + _OBJECTS


class CatalogueCacheMiddleware:
    """Answers from memory what was asked before and has not changed.

    Requests that carry credentials go past it. After a write through this process nothing is kept,
    so that who wrote reads what was written.
    """

    def __init__(self, app: ASGIApp, holder: ReaderHolder, max_bytes: int) -> None:
        """Wrap an application.

        Args:
            app: the application.
            holder: where it is known whether the catalogue changed.
            max_bytes: memory for answers; what was not asked for longest goes first.
        """
        self._app = app
        self._holder = holder
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Key, _Kept] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        changes = self._holder.changes
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, _noting(scope, changes, send))
            return
        key = _key(scope)
        if key is None or not self._max_bytes:
            await self._app(scope, receive, send)
            return
        kept = self._answers.get(key)
        if kept is not None and kept.version == changes.version and monotonic() < kept.until:
            self._answers.move_to_end(key)
            # Headers are copied: those around may add to them.
            await send({**kept.start, "headers": list(kept.start["headers"])})
            await send({"type": "http.response.body", "body": kept.body})
            return
        await self._app(scope, receive, _Keeper(self, key, changes, send).send)

    def keep(self, key: Key, answer: _Kept) -> None:
        """Keep an answer, and let older ones go to make room."""
        if _length(key) > _LONGEST_KEY:
            return
        self._drop(key)
        self._answers[key] = answer
        self._bytes += answer.size(key)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        old = self._answers.pop(key, None)
        if old is not None:
            self._bytes -= old.size(key)


class _Keeper:
    """Passes one answer on, and keeps it if it may be kept."""

    def __init__(self, cache: CatalogueCacheMiddleware, key: Key, changes: Changes, send: Send) -> None:
        self._cache, self._key, self._send = cache, key, send
        # As they are before the database is asked: a change meanwhile makes the answer an old one.
        self._version = changes.version
        self._until = monotonic() + changes.holds_for_s()
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            if _may_be_kept(message):
                self._start = {**message, "headers": list(message["headers"])}
        elif self._start is not None:
            body = message.get("body", b"")
            if not message.get("more_body", False) and len(body) <= _LARGEST:
                self._cache.keep(self._key, _Kept(self._start, body, self._version, self._until))
            self._start = None
        await self._send(message)


def _noting(scope: Scope, changes: Changes, send: Send) -> Send:
    """Return what sends the answer to a POST, PUT ... and takes note if something may have been written.

    A search that is posted is answered by 200, what is written by 201 or 204.
    """

    async def send_noting(message: Message) -> None:
        if message["type"] == "http.response.start" and (
            scope["method"] != "POST" or message["status"] in (201, 204)
        ):
            # Before the answer goes out: who has it may ask at once.
            changes.note()
        await send(message)

    return send_noting


def _key(scope: Scope) -> Key | None:
    """Return what an answer depends on, or None if it is not one to keep."""
    prefix = scope.get("root_path", "")
    if scope["method"] != "GET" or not _KEPT_PATHS.fullmatch(scope["path"].removeprefix(prefix)):
        return None
    asked: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"authorization", b"cookie"):
            return None
        if name in (b"host", b"accept", b"accept-language"):
            asked[name] = value
    return (
        scope["scheme"],
        prefix,
        scope["path"],
        scope["query_string"],
        *(asked.get(name) for name in (b"host", b"accept", b"accept-language")),
        accepted(scope["headers"]),
    )


def _length(key: Key) -> int:
    """Return how many bytes of a request a key holds."""
    return sum(len(part) for part in key if isinstance(part, str | bytes))


def _may_be_kept(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    rule = headers.get("cache-control", "")
    return (
        start["status"] == 200
        and "set-cookie" not in headers
        and "no-store" not in rule
        and "private" not in rule
    )
