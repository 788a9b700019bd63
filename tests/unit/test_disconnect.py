"""Who leaves has its read cancelled; nobody else has."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.disconnect import DisconnectMiddleware

_LONG_S = 20.0
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Client:
    """Sends a request in pieces, and leaves when it is told to."""

    def __init__(self, *pieces: bytes) -> None:
        self.waiting: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces)
        ]
        self.left = asyncio.Event()
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if self.waiting:
            return self.waiting.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def answer(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(client: Client, app: App, method: str = "GET", path: str = "/search") -> "asyncio.Task[None]":
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path}
    wrapped = DisconnectMiddleware(app, takes_changes=True)
    return asyncio.ensure_future(wrapped(scope, client.receive, client.send))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_read_ends_when_its_client_leaves(method: str) -> None:
    outcome = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if method == "POST":
            while (await receive())["more_body"]:
                pass
        try:
            await asyncio.sleep(_LONG_S)
        except asyncio.CancelledError:
            outcome.append("cancelled")
            raise

    client = Client(b"{", b"}")
    asked = ask(client, app, method)
    await asyncio.sleep(0.1)
    client.left.set()
    await asyncio.wait_for(asked, _LONG_S / 2)
    assert outcome == ["cancelled"]
    assert asked.cancelling() == 0


async def test_a_client_that_leaves_at_once_is_seen_too() -> None:
    client = Client()
    client.left.set()
    await asyncio.wait_for(ask(client, lambda *_: asyncio.sleep(_LONG_S)), _LONG_S / 2)
    assert client.sent == []


async def test_a_write_goes_on_when_its_client_leaves() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.2)
        await answer(send)

    client = Client(b"{}")
    client.left.set()
    await ask(client, app, "POST", "/collections/a/items")
    assert len(client.sent) == 2


async def test_a_server_that_stops_cancels_who_is_watched() -> None:
    asked = ask(Client(), lambda *_: asyncio.sleep(_LONG_S))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_the_end_of_an_answer_is_not_taken_for_a_client_that_left() -> None:
    outcome = []
    client = Client()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await answer(send)
        client.left.set()
        await asyncio.sleep(0.1)
        outcome.append("tidied up")

    await ask(client, app)
    assert outcome == ["tidied up"]


async def test_an_answer_that_is_quick_is_not_watched() -> None:
    client = Client(b"")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)

    await ask(client, app)
    await asyncio.sleep(0.1)
    assert len(client.waiting) == 1
