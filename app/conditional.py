"""Validators: every answer to a GET has an entity tag, and is not sent again to who has it.

The tags are weak (RFC 9110, section 8.8.1): they say that two documents mean the same, whichever
content coding they come in.
"""

import re

import xxhash
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
# What a 304 keeps of the headers that a 200 would have had (RFC 9110, section 15.4.5), and CORS's own.
_KEPT = frozenset({b"etag", b"cache-control", b"vary", b"content-location", b"date", b"expires", b"link"})
# State of the moment: never to be kept.
_MANAGEMENT = "/_mgmt/"


def entity_tag(body: bytes) -> str:
    """Return the weak entity tag of a body, before any content coding.

    A digest that keeps forgers out would take a sixth of the time of a page, and there is nothing to forge:
    who can choose both of two documents gains nothing by giving them the same tag.
    """
    return f'W/"{xxhash.xxh3_128_hexdigest(body)}"'


def matches(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` header names a tag, by weak comparison; `*` names all."""
    if header.strip() == "*":
        return True
    opaque = _TAG.fullmatch(tag)
    return opaque is not None and opaque.group(1) in _TAG.findall(header)


class ValidatorMiddleware:
    """Gives answers to GET their entity tag, and all answers a Cache-Control, unless they have one."""

    def __init__(self, app: ASGIApp, max_age_s: int) -> None:
        """Wrap an application.

        Args:
            app: the application; it sends a body in one piece, or it is left without a tag.
            max_age_s: seconds that a cache may use an answer without asking again.
        """
        self._app = app
        self._fresh = f"max-age={max_age_s}" if max_age_s else "no-cache"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_read = scope["method"] == "GET"
        personal = any(name == b"authorization" for name, _ in scope["headers"])
        start: Message | None = None

        def cache_control(status: int) -> str:
            if not is_read or status >= 400 or _MANAGEMENT in scope["path"]:
                return "no-store"
            return f"{'private' if personal else 'public'}, {self._fresh}"

        async def send_tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", cache_control(message["status"]))
                if is_read and message["status"] == 200 and headers["Cache-Control"] != "no-store":
                    start = message
                    return
            elif start is not None:
                begun, start = start, None
                if not message.get("more_body", False):
                    headers = MutableHeaders(raw=begun["headers"])
                    if "etag" not in headers:
                        headers["ETag"] = entity_tag(message.get("body", b""))
                await send(begun)
            await send(message)

        await self._app(scope, receive, send_tagged)


class NotModifiedMiddleware:
    """Turns an answer whose tag the client has into a 304 without a body."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application that tags its answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        known = _if_none_match(scope) if scope["type"] == "http" and scope["method"] == "GET" else ""
        if not known:
            await self._app(scope, receive, send)
            return
        is_known = False

        async def send_news(message: Message) -> None:
            nonlocal is_known
            if message["type"] == "http.response.start" and message["status"] == 200:
                tag = MutableHeaders(raw=message["headers"]).get("etag")
                is_known = tag is not None and matches(known, tag)
                if is_known:
                    kept = [(name, value) for name, value in message["headers"] if name.lower() in _KEPT]
                    message = {**message, "status": 304, "headers": kept}
            elif is_known and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, send_news)


def _if_none_match(scope: Scope) -> str:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
    return ", ".join(values)
