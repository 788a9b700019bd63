"""Large answers leave at the pace of who reads them, and only so many bytes wait for slow readers."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import error_response

# Below this an answer fits in the buffers of the sockets anyway.
_PIECE_BYTES = 262_144
# A client that takes nothing for so long is not coming back.
_PATIENCE_S = 60.0


class OutflowMiddleware:
    """Sends large bodies in pieces, each when the one before has gone.

    A whole body given to the server at once would lie in its buffers until the last byte is read,
    and nobody would know how many such bodies there are.
    """

    def __init__(self, app: ASGIApp, max_waiting_bytes: int, retry_after_s: float) -> None:
        """Wrap an application.

        Args:
            app: the application.
            max_waiting_bytes: of all large answers that are being sent; beyond it the next one becomes 503.
            retry_after_s: seconds that such a client is asked to wait.
        """
        self._app = app
        self._max_bytes = max_waiting_bytes
        self._retry_after_s = retry_after_s
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def send_paced(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                # Whether it can be sent shows when its size does.
                start = message
                return
            size = len(message.get("body", b""))
            if start is not None and size > _PIECE_BYTES and self._waiting + size > self._max_bytes:
                start = None
                await self._refuse(scope, receive, send)
                raise _Refused
            if start is not None:
                begun, start = start, None
                await send(begun)
            if size <= _PIECE_BYTES:
                await send(message)
            else:
                await self._send_in_pieces(message, size, send)

        try:
            await self._app(scope, receive, send_paced)
        except _Refused:
            return

    async def _send_in_pieces(self, message: Message, size: int, send: Send) -> None:
        body = memoryview(message["body"])
        self._waiting += size
        try:
            for place in range(0, size, _PIECE_BYTES):
                more = place + _PIECE_BYTES < size or message.get("more_body", False)
                piece = bytes(body[place : place + _PIECE_BYTES])
                async with asyncio.timeout(_PATIENCE_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": more})
        except TimeoutError:
            raise _Refused from None
        finally:
            self._waiting -= size

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"Retry-After": f"{self._retry_after_s:.0f}", "Cache-Control": "no-store"}
        text = (
            "too many large answers are being read just now; try again in a moment, or ask for smaller pages"
        )
        await error_response(503, "ServerBusy", text, headers)(scope, receive, send)


class _Refused(Exception):
    """Ends the application's part in an answer that is not sent, or that nobody reads."""
