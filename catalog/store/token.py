"""Page tokens: where a page of a sorted list ended, signed, and complete in themselves.

A token carries the sort values of the item it stands behind, not a reference to it, so that
deleting that item breaks nothing. It also carries a fingerprint of the search that it belongs
to. The signature (HMAC-SHA256, cut to 16 bytes) keeps values of others out of our SQL.

A token is part of an address, so lists are sorted by the first characters of a text only: whatever the
texts, a token is short enough to be asked with.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

import orjson

from catalog.errors import InvalidRequest

_VERSION = 1
_MAC_BYTES = 16
# Of a text that is sorted by; what is alike so far is in the order of collection and id.
SORTED_CHARACTERS = 500
# As much as the longest address that the server takes. Ten texts of characters that JSON escapes are 40,000.
_MAX_CHARACTERS = 65_535


@dataclass(frozen=True)
class Position:
    """A place between two rows of a sorted list.

    Attributes:
        forward: whether the page wanted lies after this place, or before it.
        fingerprint: of the search, see `Search.fingerprint`.
        values: of the sort keys, as PostgreSQL writes them; None where there is no value.
        collection: of the row that the place is next to.
        id: of that row.
    """

    forward: bool
    fingerprint: str
    values: tuple[str | None, ...]
    collection: str
    id: str


def write_token(position: Position, key: bytes) -> str:
    """Return a token of characters that need no escaping in a URL."""
    payload = orjson.dumps(
        [
            _VERSION,
            position.forward,
            position.fingerprint,
            position.values,
            position.collection,
            position.id,
        ]
    )
    return base64.urlsafe_b64encode(_mac(payload, key) + payload).rstrip(b"=").decode()


def read_token(token: str, key: bytes, fingerprint: str) -> Position:
    """Return the position that a token of ours holds.

    Raises:
        InvalidRequest: it is not a token of this server, or belongs to another search.
    """
    if len(token) > _MAX_CHARACTERS:
        raise InvalidRequest("token", "is not a page token of this server")
    try:
        raw = base64.b64decode(
            token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise InvalidRequest("token", "is not a page token of this server") from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    if canonical != token or not hmac.compare_digest(mac, _mac(payload, key)):
        raise InvalidRequest("token", "is not a page token of this server")
    version, forward, owner, values, collection, name = orjson.loads(payload)
    if version != _VERSION:
        raise InvalidRequest("token", "is of another version of this server; start again without it")
    if owner != fingerprint:
        raise InvalidRequest("token", "belongs to another search: filters and sorting must stay the same")
    return Position(forward, owner, tuple(values), collection, name)


def _mac(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)[:_MAC_BYTES]
