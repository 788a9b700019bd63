"""The `Accept` header (RFC 9110, section 12.5.1): what a client takes, and 406 if we have none of it.

The media types of JSON count as one, since every client of them can read them all.
"""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON = "application/json"


@dataclass(frozen=True)
class Accepted:
    """What an `Accept` header takes: its ranges, lower case, with their weights from 0 to 1."""

    ranges: tuple[tuple[str, float], ...]

    def weight(self, media_type: str) -> float:
        """Return how much a media type is wanted; 0: not at all. The most specific range counts."""
        if not self.ranges:
            return 1.0
        kind = media_type.split(";", 1)[0].strip().lower()
        for pattern in (kind, kind.split("/", 1)[0] + "/*", "*/*"):
            found = [weight for name, weight in self.ranges if name == pattern]
            if found:
                return max(found)
        return 0.0

    def takes(self, media_type: str) -> bool:
        """Tell whether an answer of a media type can be read."""
        if self.weight(media_type) > 0:
            return True
        return _is_json(media_type) and any(weight > 0 and _is_json(name) for name, weight in self.ranges)


def read_accept(header: str | None) -> Accepted:
    """Return what a header takes; one that is missing, empty or nonsense takes everything."""
    ranges = []
    for part in (header or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name.count("/") != 1:
            continue
        ranges.append((name, _weight(parameters)))
    return Accepted(tuple(ranges))


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0


def _is_json(media_type: str) -> bool:
    kind = media_type.split(";", 1)[0].strip()
    return kind == _JSON or kind.endswith("+json")


class AcceptMiddleware:
    """Answers 406 in place of what a client says it cannot read.

    Errors pass as they are: a client that cannot read them sees their status all the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection.

        Raises:
            HTTPException: 406, before anything was sent.
        """
        header = b", ".join(value for name, value in scope.get("headers", ()) if name == b"accept")
        if scope["type"] != "http" or not header or b"*/*" in header:
            await self._app(scope, receive, send)
            return
        accepted = read_accept(header.decode("latin-1"))

        refused = ""

        async def check(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                for name, value in message["headers"]:
                    if name == b"content-type" and not accepted.takes(value.decode("latin-1")):
                        refused = value.decode("latin-1").split(";", 1)[0]
            if not refused:
                await send(message)

        await self._app(scope, receive, check)
        if refused:
            raise HTTPException(406, f"Accept: this is to be had as {refused} only")
