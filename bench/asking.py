"""A client that costs little, so that what is measured is the server: asyncio and httptools."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httptools


@dataclass
class Answer:
    """One whole response."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass
class _Parsed:
    """What httptools reports while it reads."""

    headers: dict[str, str] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


class Caller:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def get(self, target: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """Ask, and read the whole answer. Connects first if need be (not timed).

        Raises:
            ConnectionError: the server hung up before its answer was complete.
        """
        if self._reader is not None and self._reader.at_eof():
            self.close()  # the server tired of waiting
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
        assert self._reader is not None
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        parsed = _Parsed()
        parser = httptools.HttpResponseParser(parsed)
        begun = time.perf_counter()
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        while not parsed.complete:
            chunk = await self._reader.read(2**20)
            if not chunk:
                self.close()
                raise ConnectionError("the server hung up")
            parser.feed_data(chunk)
        seconds = time.perf_counter() - begun
        # The parser's own word on this is wrong once the answer is complete: it has forgotten the length.
        if parsed.headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(parser.get_status_code(), parsed.headers, b"".join(parsed.body), seconds)
