"""A client that leaves frees what its request holds: its query is cancelled in PostgreSQL too."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class DisconnectMiddleware:
    """Cancels a read when its client hangs up. A write goes on: who sent it may want it done."""

    def __init__(self, app: ASGIApp, *, takes_changes: bool) -> None:
        """Wrap an application.

        Args:
            app: the application.
            takes_changes: whether a POST may be a write; else it is a read wherever it goes.
        """
        self._app = app
        self._takes_changes = takes_changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if not self._is_read(scope):
            await self._app(scope, receive, send)
            return
        # One message at a time: a body is read no faster than the application takes it.
        arrived: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)
        is_sent = False

        async def send_watched(message: Message) -> None:
            nonlocal is_sent
            await send(message)
            is_sent = message["type"] == "http.response.body" and not message.get("more_body", False)

        answering = asyncio.ensure_future(self._app(scope, arrived.get, send_watched))

        async def watch() -> None:
            try:
                while (message := await receive())["type"] != "http.disconnect":
                    await arrived.put(message)
            finally:
                # A server reports the end of a complete answer in the same way.
                if not is_sent:
                    answering.cancel()

        watching = asyncio.ensure_future(watch())
        try:
            await asyncio.wait((answering,))
        finally:
            answering.cancel()  # the server stops, say
            watching.cancel()
        if not answering.cancelled():
            answering.result()

    def _is_read(self, scope: Scope) -> bool:
        if scope["type"] != "http":
            return False
        if scope["method"] != "POST":
            return bool(scope["method"] == "GET")
        path: str = scope["path"]
        # What is posted to /collections is known by its body only.
        return not self._takes_changes or path.endswith(("/search", "/aggregate"))
