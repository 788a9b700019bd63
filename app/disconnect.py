"""A client that leaves frees what its request holds: its query is cancelled in PostgreSQL too."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Most answers are on their way before anybody could wish that they were not made: only those that take longer
# are worth a task that waits for their client to leave.
_WATCHED_AFTER_S = 0.05


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
        watch = _Watch(receive, send)
        if scope["method"] == "GET":
            watch.begin()  # nobody is going to read its body
        try:
            await self._app(scope, watch.receive, watch.send)
        except asyncio.CancelledError:
            if not watch.ends_cancellation():
                raise
        finally:
            watch.end()

    def _is_read(self, scope: Scope) -> bool:
        if scope["type"] != "http":
            return False
        if scope["method"] != "POST":
            return bool(scope["method"] == "GET")
        path: str = scope["path"]
        # What is posted to /collections is known by its body only.
        return not self._takes_changes or path.endswith(("/search", "/aggregate"))


class _Watch:
    """Waits, once a request has come in whole, for its client to leave, and then cancels the task that answers."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._answering = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._has_left = False

    async def receive(self) -> Message:
        """Return a message of the client to the application, which sees for itself if it leaves before the last."""
        message = await self._receive()
        if not message.get("more_body", False):
            self.begin()
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            # A server reports the end of a complete answer as it does a client that leaves.
            self.end()

    def begin(self) -> None:
        """Watch from now on, if the answer takes long enough."""
        if self._timer is None:
            self._timer = self._loop.call_later(_WATCHED_AFTER_S, self._wait)

    def end(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting is not None:
            self._waiting.cancel()

    def ends_cancellation(self) -> bool:
        """Whether the task was cancelled since the client left, and for no other reason; then it is no longer."""
        return self._has_left and self._answering is not None and self._answering.uncancel() == 0

    def _wait(self) -> None:
        self._waiting = self._loop.create_task(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._answering is not None:
            self._has_left = self._answering.cancel()
