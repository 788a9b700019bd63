"""Large answers leave in pieces, and only so many bytes of them wait."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.outflow import OutflowMiddleware

BODY = bytes(range(256)) * 4096  # a megabyte


def answering(*bodies: bytes) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    return app


class Client:
    """Takes messages while `reads` is set."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.waits = asyncio.Event()
        self.taken: list[Message] = []

    async def send(self, message: Message) -> None:
        self.taken.append(message)
        if message["type"] == "http.response.body":
            self.waits.set()
            await self.reads.wait()

    async def ask(self, app: ASGIApp) -> None:
        await app({"type": "http", "method": "GET", "path": "/"}, _nothing, self.send)

    @property
    def status(self) -> int:
        return int(self.taken[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.taken[1:])


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def test_a_large_body_arrives_whole_in_pieces() -> None:
    for bodies in ([BODY], [b"", BODY, BODY[:300_001], b"end"], [b"small"], [b""]):
        client = Client()
        client.reads.set()
        await client.ask(OutflowMiddleware(answering(*bodies), 10_000_000, 5))
        assert client.body == b"".join(bodies)
        assert max(len(message.get("body", b"")) for message in client.taken) <= 262_144
        more = [message.get("more_body", False) for message in client.taken[1:]]
        assert more == [True] * (len(more) - 1) + [False]


async def test_who_reads_slowly_is_waited_for_and_others_are_told() -> None:
    app = OutflowMiddleware(answering(BODY), max_waiting_bytes=len(BODY) + 1, retry_after_s=5)
    small = OutflowMiddleware(answering(b"x" * 1000), max_waiting_bytes=1, retry_after_s=5)
    slow, other, later = Client(), Client(), Client()
    reading = asyncio.create_task(slow.ask(app))
    await slow.waits.wait()
    # One piece is on its way; the next is not sent before it has gone.
    assert len(slow.body) == 262_144
    other.reads.set()
    await other.ask(app)
    assert other.status == 503
    assert b"ServerBusy" in other.body
    assert (b"retry-after", b"5") in other.taken[0]["headers"]
    slow.reads.set()
    await reading
    assert slow.body == BODY
    later.reads.set()
    await later.ask(app)
    assert later.body == BODY
    # Small answers do not count.
    tiny = Client()
    tiny.reads.set()
    await tiny.ask(small)
    assert tiny.status == 200


async def test_who_leaves_while_reading_makes_room() -> None:
    app = OutflowMiddleware(answering(BODY), max_waiting_bytes=len(BODY), retry_after_s=5)
    gone, later = Client(), Client()
    reading = asyncio.create_task(gone.ask(app))
    await gone.waits.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    later.reads.set()
    await later.ask(app)
    assert later.status == 200
