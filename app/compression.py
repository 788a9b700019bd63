"""Compresses answers, away from the event loop when they are large."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.encoding import CODINGS, accepted

# A smaller body fits a packet or two: compressing it saves nothing that anybody waits for.
_LEAST_BYTES = 600
# Up to here compressing takes less time than handing it to a thread and back.
_INLINE_BYTES = 8_192
_TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml", "image/svg+xml"})


class CompressionMiddleware:
    """Answers with the content coding that a client likes best of zstd, br and gzip.

    A body that comes in one piece is compressed; one that is streamed goes as it is, since whoever
    streams it knows better when its pieces have to arrive. The libraries let go of the interpreter
    while they work, so that a thread does not hold up other requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="compress")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        coding = accepted(scope["headers"])
        start: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if not _may_be_compressed(headers):
                    await send(message)
                    return
                headers.add_vary_header("Accept-Encoding")
                if coding is None:
                    await send(message)
                    return
                # Its headers are known when the body is.
                start = message
                return
            if start is not None and message["type"] == "http.response.body":
                begun, start = start, None
                body = message.get("body", b"")
                if not message.get("more_body", False) and len(body) >= _LEAST_BYTES:
                    assert coding is not None
                    message = {**message, "body": await self._compress(body, coding)}
                    headers = MutableHeaders(raw=begun["headers"])
                    headers["Content-Encoding"] = coding
                    headers["Content-Length"] = str(len(message["body"]))
                await send(begun)
            await send(message)

        await self._app(scope, receive, send_compressed)

    async def _compress(self, body: bytes, coding: str) -> bytes:
        compress = CODINGS[coding]
        if len(body) <= _INLINE_BYTES:
            return compress(body)
        return await asyncio.get_running_loop().run_in_executor(self._threads, compress, body)


def _may_be_compressed(headers: MutableHeaders) -> bool:
    if "content-encoding" in headers:
        return False
    kind = headers.get("content-type", "").split(";", 1)[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
