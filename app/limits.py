"""What every request is held to before it reaches a route: HEAD, the body's size, UTF-8."""

import re
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Where documents are sent to be stored. What is posted to /collections may be a search too: see `read_at_most`.
_POSTED = re.compile(r"/collections(/[^/]+/(items|bulk_items))?")
_PUT = re.compile(r"/collections/[^/]+(/items/[^/]+)?")
_DOCUMENTS = {"POST": _POSTED, "PUT": _PUT, "PATCH": _PUT}


class HeadMiddleware:
    """Answers HEAD as GET without the body (RFC 9110, section 9.3.2), for every route there is."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


class RequestLimitsMiddleware:
    """Refuses bodies that are too large, and addresses that are not text.

    It stands inside the error boundary, so that a refusal looks like every other error.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_document_bytes: int) -> None:
        """Wrap an application.

        Args:
            app: the application.
            max_body_bytes: longest body that is read.
            max_document_bytes: the same where items and collections are sent to be stored.
        """
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._max_document_bytes = max_document_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection.

        Raises:
            HTTPException: 400 or 413.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _check_text(scope)
        limit = self._limit(scope)
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > limit:
                raise _too_large(limit)
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise HTTPException(415, "Content-Encoding: bodies are taken as they are, not compressed")
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_some, send)

    def _limit(self, scope: Scope) -> int:
        documents = _DOCUMENTS.get(scope["method"])
        if documents and documents.fullmatch(scope["path"].removeprefix(scope.get("root_path", ""))):
            return self._max_document_bytes
        return self._max_body_bytes


async def read_at_most(request: Request, limit: int) -> bytes:
    """Return the body of a request that is held to less than its route is.

    Raises:
        HTTPException: 413, it is longer than so many bytes.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body is longer than {limit} bytes")


def _check_text(scope: Scope) -> None:
    """Lone surrogates and other non-UTF-8 become U+FFFD in the framework: refuse them before that."""
    for part, name in ((scope.get("raw_path") or b"", "path"), (scope["query_string"], "query string")):
        raw = unquote_to_bytes(part)
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            raise HTTPException(400, f"the {name} is not UTF-8") from None
        if b"\0" in raw:
            raise HTTPException(400, f"the {name} contains a NUL character")
