"""Which content coding a client takes (RFC 9110, section 12.5.3), and how a body gets it."""

import re
import zlib
from collections.abc import Callable, Iterable

import brotli  # type: ignore[import-untyped] # it has no type information
import zstandard

# One element of the header: a token, or *, and perhaps its weight.
_ELEMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*(?:;\s*[qQ]\s*=\s*(?P<weight>[01](?:\.\d{0,3})?)\s*)?"
)
_GZIP_WINDOW = 31  # zlib's way to ask for gzip's header and trailer
_GZIP_LEVEL = 4
_BROTLI_QUALITY = 4
_ZSTD_LEVEL = 3


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


def _brotli(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    return compressed


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _GZIP_LEVEL, _GZIP_WINDOW)


# By preference where a client likes several equally: what costs least for what it saves.
CODINGS: dict[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}


def choose_coding(header: str) -> str | None:
    """Return the coding of `CODINGS` that suits a client best, or None to send a body as it is.

    Elements that break the grammar are passed over. When a client refuses everything there is,
    identity included, the body goes as it is, as section 12.5.3 advises. So it does for who writes
    `*` and names nothing: stac-api-validator asks so through a library that cannot read zstd.

    Args:
        header: value of `Accept-Encoding`; of several such headers, joined by commas.
    """
    weights = _weights(header)
    best, best_weight = None, 0.0
    for name in CODINGS:
        weight = weights.get(name)
        if weight is not None and weight > best_weight:
            best, best_weight = name, weight
    identity = weights.get("identity", weights.get("*"))
    if identity is not None and identity > best_weight:
        return None
    return best


def accepted(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the coding to use for a request with these headers."""
    values = [value.decode("latin-1") for name, value in headers if name == b"accept-encoding"]
    return choose_coding(",".join(values)) if values else None


def _weights(header: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for element in header.split(","):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            continue
        name = match.group("name").lower()
        weight = min(1.0, float(match.group("weight") or 1))
        found.setdefault("gzip" if name == "x-gzip" else name, weight)
    return found
