"""What items of a collection share, and how pgstac keeps only what differs from it.

pgstac derives a *base item* from a collection (its `item_assets`, `stac_version`, `type`) and stores
of an item what differs. Its own functions for that are `strip_jsonb` and `merge_jsonb`; items that are
stored by the rules here come back whole from pgstac's `content_hydrate` and from our reader alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog import jsontext
from catalog.absent import ABSENT

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Kept in columns of their own, or known.
_APART = frozenset({"id", "geometry", "collection", "type", "pgstac:base_item"})


@dataclass(frozen=True)
class BaseItem:
    """The base item that new items of a collection are stored against.

    Attributes:
        number: of the row in `pgstac.base_items`; None: the collection was never changed.
        stac_version: of the collection.
        shared: members that may have to be cut out of items; empty for most collections.
    """

    number: int | None
    stac_version: str | None
    shared: Mapping[str, Any]

    @classmethod
    def read(cls, number: int | None, document: Mapping[str, Any]) -> "BaseItem":
        """Make one of what `pgstac.current_base_item` returns."""
        shared = {
            key: value
            for key, value in document.items()
            if key not in _APART and key != "stac_version" and value is not None
        }
        return cls(number, document.get("stac_version"), shared)


def strip(item: Any, base: Any) -> Any:
    """Return what of a value has to be stored beside the base item's.

    The inverse of pgstac's `merge_jsonb`, which fills in what is not there, member by member and, in
    lists of equal length, entry by entry.
    """
    if isinstance(item, dict) and isinstance(base, Mapping):
        return _strip_object(item, base)
    if isinstance(item, list) and isinstance(base, list) and len(item) == len(base):
        return [
            ABSENT
            if own is None and theirs is not None
            else None
            if _same(own, theirs)
            else strip(own, theirs)
            for own, theirs in zip(item, base, strict=True)
        ]
    return item


def without_marks(value: Any) -> Any:
    """Return a JSON value without what pgstac would take for its own mark.

    Catalogues that run pgstac leak it; loaded, it would act as that mark again.
    """
    if isinstance(value, dict):
        return {key: without_marks(member) for key, member in value.items() if member != ABSENT}
    if isinstance(value, list):
        return [without_marks(member) for member in value if member != ABSENT]
    return value


def _strip_object(item: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for key, own in item.items():
        theirs = base.get(key)
        if theirs is None:
            stored[key] = own
        elif own is None:
            # A null would be filled in like what is not there; absent comes closest.
            stored[key] = ABSENT
        elif not _same(own, theirs):
            stored[key] = strip(own, theirs)
        elif isinstance(own, dict):
            stored[key] = {}
    for key, theirs in base.items():
        if key not in item and theirs is not None:
            stored[key] = ABSENT
    return stored


def _same(own: Any, theirs: Any) -> bool:
    """Whether two values are equal as JSON, where `true` is not 1."""
    if isinstance(own, bool) or isinstance(theirs, bool):
        return own is theirs
    if isinstance(own, dict) and isinstance(theirs, Mapping):
        return own.keys() == theirs.keys() and all(_same(own[key], theirs[key]) for key in own)
    if isinstance(own, list) and isinstance(theirs, list):
        return len(own) == len(theirs) and all(map(_same, own, theirs))
    return type(own) is type(theirs) and bool(own == theirs)


@dataclass(frozen=True, slots=True)
class Target:
    """A collection, as the loader has to know it.

    Attributes:
        table: name in schema `pgstac` of the table that takes its items.
        base: what its items share.
    """

    table: str
    base: BaseItem


async def read_targets(connection: "Connection", collections: Iterable[str]) -> dict[str, Target]:
    """Return those of some collections that are in the catalogue."""
    rows = await connection.fetch(
        """
        SELECT id, key, base_item_id, current.base_item::text AS base_item
        FROM pgstac.collections CROSS JOIN LATERAL pgstac.current_base_item(id) AS current
        WHERE id = ANY ($1::text[])
        """,
        list(collections),
    )
    return {
        row["id"]: Target(
            f"_items_{row['key']}", BaseItem.read(row["base_item_id"], jsontext.loads(row["base_item"]))
        )
        for row in rows
    }
