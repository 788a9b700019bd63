"""JSON documents of the OpenID provider, fetched with care.

The one place where the API asks another server: an address that an operator named, or one that the
provider's own document names. Only HTTPS (plain HTTP on this machine), no redirects, a short time,
a small answer. It is `urllib` in a thread, since the API is otherwise no HTTP client.
"""

import asyncio
import ipaddress
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import orjson

_TIMEOUT_S = 5
_MAX_BYTES = 1_048_576


class Unreachable(Exception):
    """The provider gave no usable answer; the text says why."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow none: the error of the redirect's status rises."""


async def fetch_json(url: str) -> Any:
    """Return the JSON document at an address.

    Raises:
        Unreachable: the address is not allowed, or gave no JSON in time.
    """
    if not is_allowed(url):
        raise Unreachable("its address is neither https nor on this machine")
    return await asyncio.to_thread(_fetch, url)


def is_allowed(url: str) -> bool:
    """Whether an address is fit for keys to come from: HTTPS, or HTTP on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fetch(url: str) -> Any:
    # No proxies of the environment: they are for upstreams, and see whom keys are asked of.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - see is_allowed
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            text = answer.read(_MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"no answer: {type(error).__name__}") from error
    if len(text) > _MAX_BYTES:
        raise Unreachable(f"its answer is longer than {_MAX_BYTES} bytes")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unreachable("its answer is not JSON") from error
