"""Static keys, of which the server knows SHA-256 digests alone.

`name:digest:items:write+collections:write`. Keys are to be long and random (`openssl rand -hex 32`),
so a plain digest is as good as a slow one.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.auth.principal import Principal, Right

_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]+):(?P<digest>[0-9a-fA-F]{64}):(?P<scopes>[a-z:+]+)")


@dataclass(frozen=True)
class StaticKey:
    """A key by its digest, and whom it makes known."""

    digest: bytes
    principal: Principal


def parse_key(entry: str) -> StaticKey:
    """Return the key that a setting describes.

    Raises:
        ValueError: says what is wrong, without the entry.
    """
    match = _ENTRY.fullmatch(entry.strip())
    if match is None:
        raise ValueError(
            "a key is written as name:sha256:scopes, with the hex SHA-256 of the key and scopes joined by +"
        )
    try:
        rights = frozenset(Right(scope) for scope in match["scopes"].split("+"))
    except ValueError:
        known = ", ".join(Right)
        raise ValueError(f"key {match['name']}: a scope is one of {known}") from None
    return StaticKey(bytes.fromhex(match["digest"]), Principal(match["name"], rights))


def find_key(keys: Sequence[StaticKey], presented: str) -> Principal | None:
    """Return whom a key makes known, None if nobody; takes as long for one as for another."""
    digest = hashlib.sha256(presented.encode()).digest()
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key.principal
    return found
