"""What a client asks for, checked and in one form whichever way it was asked."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import orjson

from catalog.freetext import Expression
from catalog.instant import Interval


@dataclass(frozen=True)
class SortKey:
    """A property to sort by; items that have no value for it come last in either direction."""

    name: str
    descending: bool = False


NEWEST_FIRST = (SortKey("datetime", descending=True),)


@dataclass(frozen=True)
class OwnText:
    """Items of some collections, and what their own text must match.

    Attributes:
        collections: ids; never empty.
        expression: of terms that these collections do not have themselves.
    """

    collections: tuple[str, ...]
    expression: Expression


@dataclass(frozen=True)
class Search:
    """A search of items.

    Attributes:
        collections: ids; empty: all.
        ids: of items; empty: all.
        geometry: GeoJSON geometry to intersect, longitude first, degrees.
        interval: time span in UTC that an item's own span must touch, both ends included.
        filter: CQL2-JSON as the client sent it.
        sort: keys in order; ties are broken by collection and id.
        limit: most items of a page, at least 1.
        token: page token of an earlier answer.
        without_assets: whether items are wanted without their assets.
        text: free text that an item, or its collection, must match.
        own_text: what is left of that for items of some collections themselves to match, by
            `catalog.store.item_text`; one of these must hold.
    """

    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    geometry: dict[str, Any] | None = None
    interval: Interval | None = None
    filter: Any = None
    sort: tuple[SortKey, ...] = NEWEST_FIRST
    limit: int = 10
    token: str | None = None
    without_assets: bool = False
    text: Expression | None = None
    own_text: tuple[OwnText, ...] = ()

    @property
    def is_tried_on_items(self) -> bool:
        """Whether it has a condition that only each item's own content can tell of."""
        return self.filter is not None or self.geometry is not None or bool(self.ids) or bool(self.own_text)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of what is found and in what order: pages of one walk share it."""
        plain = replace(self, limit=0, token=None, without_assets=False, text=None, own_text=())
        apart = repr((self.text, self.own_text))
        try:
            text = orjson.dumps(
                [plain, apart], default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
            )
        except TypeError:  # a number beyond 64 bits
            text = json.dumps([asdict(plain), apart], default=str, sort_keys=True).encode()
        return hashlib.sha256(text).hexdigest()[:16]
