"""Who a request comes from, and what it may do."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What may be changed, by the name that keys and tokens have for it as a scope."""

    ITEMS = "items:write"
    COLLECTIONS = "collections:write"


@dataclass(frozen=True)
class Principal:
    """Somebody known.

    Attributes:
        name: for the log; of a key, or the subject of a token.
        rights: what it may change.
    """

    name: str
    rights: frozenset[Right]


class Refused(Exception):
    """Credentials that are not good; the text says why without repeating them."""
