"""What is no HTTP that can be read is told so in the form of every other error.

uvicorn answers it in plain text before the application hears of it, and reads a head of any length. An address
that a client did not escape is the usual case: `?q=だいち` as it was typed. Refusals are not logged, as no 4xx is.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import httptools
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.errors import describe

# The longest address that httptools takes apart. What does not fit in it is posted.
_MAX_ADDRESS_BYTES = 65_535
_MAX_HEADERS_BYTES = 65_536
# A client that is still sending would lose our answer if the connection were closed on it (RFC 9112, section 9.6):
# for a while what it sends is thrown away.
_LINGER_S = 1.0


class Protocol(HttpToolsProtocol):
    """A connection of uvicorn's. Give it to `uvicorn.run(http=...)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn's own takes."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._is_refused = False

    def data_received(self, data: bytes) -> None:
        """Take what has come of requests."""
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # As uvicorn has it; what asks for another protocol than WebSocket is answered in this one.
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError as error:
            self._refuse(_reason(error))
        else:
            if self._in_head and self._head_bytes > _MAX_ADDRESS_BYTES + _MAX_HEADERS_BYTES:
                self._refuse(_headers_too_long() if self.headers else _address_too_long())

    def on_headers_complete(self) -> None:
        """Begin to answer; called by the parser.

        Raises:
            HTTPException: 414 or 431, which the parser hands on.
        """
        if len(self.url) > _MAX_ADDRESS_BYTES:
            raise _address_too_long()
        if sum(len(name) + len(value) for name, value in self.headers) > _MAX_HEADERS_BYTES:
            raise _headers_too_long()
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        """Await the next request; called by the parser."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _refuse(self, reason: BaseException) -> None:
        self._is_refused = True
        if self.transport.is_closing():
            return
        # uvicorn's annotation leaves out that there is none at first.
        latest = cast("RequestResponseCycle | None", self.cycle)
        if latest is not None and not latest.response_complete and (self._in_head or self.pipeline):
            # Requests before this one are still being answered; what follows their answers is the end.
            latest.keep_alive = False
            return
        if latest is not None and latest.response_started and not latest.response_complete:
            self.transport.close()
            return
        answer = describe(reason, 0)
        phrase = HTTPStatus(answer.status_code).phrase
        head = [
            f"HTTP/1.1 {answer.status_code} {phrase}".encode(),
            *(name + b": " + value for name, value in answer.raw_headers),
            b"cache-control: no-store",
            b"connection: close",
            b"\r\n",
        ]
        self.transport.write(b"\r\n".join(head) + bytes(answer.body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, _close, self.transport)


def _close(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.close()


def _reason(error: BaseException) -> BaseException:
    if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
        # Raised while the parser called us.
        return _reason(error.__context__)
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return HTTPException(
            400,
            "the address cannot be read: spaces and all that is not ASCII are percent-encoded in it, as %E3%81%A0",
        )
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return HTTPException(400, "the request begins with no method of HTTP")
    if isinstance(error, httptools.HttpParserError):
        return HTTPException(400, f"this is not HTTP: {str(error)[:200]}")
    return error


def _address_too_long() -> HTTPException:
    return HTTPException(
        414, f"the address is longer than {_MAX_ADDRESS_BYTES} bytes; a search may be posted to /search"
    )


def _headers_too_long() -> HTTPException:
    return HTTPException(431, f"the header fields are longer than {_MAX_HEADERS_BYTES} bytes")
