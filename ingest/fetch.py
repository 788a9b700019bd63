"""One polite HTTP client for all upstreams: rate limit, retries, time and size limits.

Requests are retried here and nowhere else: on 429, on 5xx, on connections that fail, time out or
break off, and on JSON that is cut short. Pauses grow with jitter; `Retry-After` is honoured.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

import httpx
import stamina

from catalog import jsontext
from catalog.about import our_version
from catalog.errors import UpstreamChanged, UpstreamUnavailable

_RETRIED_STATUS = {429, 500, 502, 503, 504}
_MAX_COMPLAINT = 4096

T = TypeVar("T")
# Reads the pause that the body of a 429 or 5xx asks for, where a dialect puts it there; None if it has none.
ReadPause = Callable[[bytes], timedelta | None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a fetcher waits and how often it tries.

    Attributes:
        timeout_s: for one answer, in seconds.
        attempts: tries of one request.
        max_wait_s: longest pause between two tries, in seconds, also when the upstream asks for more.
        max_bytes: largest answer.
        min_interval_s: least time between the starts of two requests, in seconds.
    """

    timeout_s: float = 120.0
    attempts: int = 5
    max_wait_s: float = 60.0
    max_bytes: int = 100_000_000
    min_interval_s: float = 0.0


class Turns(Protocol):
    """Hands out the moments at which requests to an upstream may start, to all who ask it."""

    async def wait(self) -> None:
        """Wait for the next moment."""
        ...

    async def hold_back(self, seconds: float) -> None:
        """Let nobody ask for some time: the upstream asked for that."""
        ...


class _TryAgain(Exception):
    """A fault that may pass."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(reason)


class Fetcher:
    """Asks one upstream, one request at a time."""

    def __init__(self, client: httpx.AsyncClient, patience: Patience, turns: Turns | None = None) -> None:
        """Use an open client; whoever opened it closes it.

        Args:
            client: the client.
            patience: limits.
            turns: shared with others who ask the same upstream; without, it has its own.
        """
        self._client = client
        self._patience = patience
        self._turns = turns
        self._own = _OwnTurns(patience.min_interval_s)

    async def get_json(
        self, url: str, params: dict[str, str] | None = None, *, pause: ReadPause | None = None
    ) -> Any:
        """GET a JSON document.

        Args:
            url: address.
            params: query, encoded here.
            pause: reads the pause out of an error's body, for services that send no `Retry-After`.

        Raises:
            UpstreamUnavailable: it kept failing.
            UpstreamChanged: the answer is an error of ours (4xx), too large, or no JSON.
        """
        return await self._ask(lambda: self._client.build_request("GET", url, params=params), _parse, pause)

    async def get_json_with_headers(
        self, url: str, params: dict[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """GET a JSON document from a service that pages by headers.

        Args:
            url: address.
            params: query, encoded here.
            headers: of the request, beside those that every request has.

        Returns:
            The document, and the headers of the answer; their names know no case.

        Raises:
            UpstreamUnavailable: as `get_json`.
            UpstreamChanged: as `get_json`.
        """
        return await self._ask(
            lambda: self._client.build_request("GET", url, params=params, headers=dict(headers or {})),
            lambda body, response, public: (_parse(body, response, public), response.headers),
        )

    async def get_bytes(self, url: str, params: dict[str, str] | None = None) -> bytes:
        """GET a document as it is.

        Raises:
            UpstreamUnavailable: it kept failing.
            UpstreamChanged: the answer is an error of ours (4xx), or too large.
        """
        return await self._ask(lambda: self._client.build_request("GET", url, params=params), _whole)

    async def get_text(self, url: str, params: dict[str, str] | None = None) -> str:
        """GET a text in the encoding that the answer names, else UTF-8; raises as `get_bytes`.

        Bytes that are no such text become U+FFFD.
        """
        return await self._ask(lambda: self._client.build_request("GET", url, params=params), _decode)

    async def post_json(self, url: str, body: Any) -> Any:
        """POST a JSON body and return the JSON answer; raises as `get_json`."""
        content = jsontext.dumps(body)
        headers = {"content-type": "application/json"}
        return await self._ask(
            lambda: self._client.build_request("POST", url, content=content, headers=headers), _parse
        )

    async def _ask(
        self,
        request: Callable[[], httpx.Request],
        read: Callable[[bytes, httpx.Response, str], T],
        pause: ReadPause | None = None,
    ) -> T:
        async def attempt() -> T:
            try:
                return await self._attempt(request(), read, pause)
            except _TryAgain as error:
                if error.after is not None and self._turns is not None:
                    await self._turns.hold_back(min(error.after.total_seconds(), self._patience.max_wait_s))
                raise

        try:
            url = request().url
        except httpx.InvalidURL as error:
            raise UpstreamChanged(f"an address that is none: {error}") from error
        return await self._with_retries(attempt, url)

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]], url: httpx.URL) -> T:
        def worth_retrying(error: Exception) -> bool | timedelta:
            if not isinstance(error, _TryAgain):
                return False
            if error.after is None:
                return True
            longest = timedelta(seconds=self._patience.max_wait_s)
            # Who shares turns has other work meanwhile, and comes back when the time is over.
            return False if self._turns is not None and error.after > longest else min(error.after, longest)

        retries = stamina.retry_context(
            on=worth_retrying,
            attempts=self._patience.attempts,
            timeout=None,
            wait_initial=0.5,
            wait_max=self._patience.max_wait_s,
        )
        tries = 0
        try:
            async for once in retries:
                with once:
                    tries += 1
                    return await attempt()
        except _TryAgain as error:
            after_s = error.after.total_seconds() if error.after else None
            count = "1 try" if tries == 1 else f"{tries} tries"
            raise UpstreamUnavailable(f"{_public(url)}: {error} ({count})", after_s) from error
        raise AssertionError("a retry context ends with a result or an error")

    async def _attempt(
        self,
        request: httpx.Request,
        read: Callable[[bytes, httpx.Response, str], T],
        pause: ReadPause | None,
    ) -> T:
        await (self._turns or self._own).wait()
        url = _public(request.url)
        try:
            async with asyncio.timeout(self._patience.timeout_s):
                response = await self._client.send(request, stream=True, follow_redirects=True)
                try:
                    await _check_status(response, url, pause)
                    body = await self._read(response, url)
                finally:
                    await response.aclose()
        except httpx.UnsupportedProtocol as error:
            raise UpstreamChanged(f"{url}: {error}") from error
        except (httpx.TransportError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise _TryAgain(f"no answer ({reason})") from error
        except httpx.HTTPError as error:
            raise UpstreamUnavailable(f"{url}: {error}") from error
        return read(body, response, url)

    async def _read(self, response: httpx.Response, url: str) -> bytes:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._patience.max_bytes:
                raise UpstreamChanged(f"{url}: the answer is larger than {self._patience.max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


class _OwnTurns:
    """Turns of one fetcher alone."""

    def __init__(self, min_interval_s: float) -> None:
        self._min_interval_s = min_interval_s
        self._turn = asyncio.Lock()
        self._last_start = 0.0

    async def wait(self) -> None:
        async with self._turn:
            pause = self._last_start + self._min_interval_s - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            self._last_start = time.monotonic()

    async def hold_back(self, seconds: float) -> None:
        """Whoever tries again waits by itself."""


class _Token(httpx.Auth):
    """Sends an access token to the one host that it is for, wherever a link or redirect may lead."""

    def __init__(self, token: str, base: str) -> None:
        self._token = token
        self._host = httpx.URL(base).host

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if request.url.host == self._host:
            request.headers["authorization"] = f"Bearer {self._token}"
        else:
            request.headers.pop("authorization", None)
        yield request


@asynccontextmanager
async def open_fetcher(
    patience: Patience, *, token: str | None = None, base: str = "", turns: Turns | None = None
) -> AsyncIterator[Fetcher]:
    """Open a fetcher for the length of the block.

    Args:
        patience: limits.
        token: sent as `Authorization: Bearer`, if given, and only to the host of `base`.
        base: address of the upstream.
        turns: shared with others who ask the same upstream.
    """
    headers = {
        "user-agent": f"kakehashi/{our_version()} (STAC harvester)",
        "accept": "application/json, application/geo+json;q=0.9, */*;q=0.1",
    }
    auth = _Token(token, base) if token else None
    timeout = httpx.Timeout(patience.timeout_s)
    async with httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth) as client:
        yield Fetcher(client, patience, turns)


async def _check_status(response: httpx.Response, url: str, pause: ReadPause | None) -> None:
    status = response.status_code
    if status in _RETRIED_STATUS:
        after = _retry_after(response)
        if after is None and pause is not None:
            after = pause(await _complaint(response))
        raise _TryAgain(f"answers {status} {response.reason_phrase}".rstrip(), after)
    if status >= 400:
        raise UpstreamStatus(url, status, response.reason_phrase, await _complaint(response))


async def _complaint(response: httpx.Response) -> bytes:
    """Return the beginning of an error's body, in which most services say what they did not like."""
    body = b""
    async for part in response.aiter_bytes(_MAX_COMPLAINT):
        body += part
        if len(body) >= _MAX_COMPLAINT:
            break
    return body[:_MAX_COMPLAINT]


class UpstreamStatus(UpstreamChanged):
    """The upstream refuses a request: an answer of 4xx other than 429.

    Attributes:
        status: the HTTP status.
        body: beginning of the answer, for a protocol that can read it.
    """

    def __init__(self, url: str, status: int, phrase: str, body: bytes = b"") -> None:
        self.status = status
        self.body = body
        super().__init__(f"{url}: answers {status} {phrase}".rstrip())


def _retry_after(response: httpx.Response) -> timedelta | None:
    """Return the pause an answer asks for: seconds or a date (RFC 9110 section 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return timedelta(seconds=int(value[:9]))
    try:
        return max(timedelta(0), parsedate_to_datetime(value) - datetime.now(UTC))
    except (ValueError, TypeError):
        return None


def _whole(body: bytes, response: httpx.Response, url: str) -> bytes:
    return body


def _decode(body: bytes, response: httpx.Response, url: str) -> str:
    try:
        return body.decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:  # the answer names an encoding that does not exist
        return body.decode(errors="replace")


def _parse(body: bytes, response: httpx.Response, url: str) -> Any:
    try:
        return jsontext.loads(body)
    except ValueError as error:
        if body.lstrip()[:1] in (b"{", b"["):
            raise _TryAgain(f"the JSON is cut short or damaged ({error})") from error
        kind = response.headers.get("content-type", "no content type")
        raise UpstreamChanged(f"{url}: answers {kind} instead of JSON") from error


def _public(url: httpx.URL) -> str:
    """Return a URL for messages: without credentials, and not endless."""
    text = str(url.copy_with(username=None, password=None))
    return text if len(text) <= 200 else text[:200] + "..."
