"""From pgstac's rows back to the JSON that was loaded.

pgstac keeps of an item what differs from its collection's *base item* (the collection's
`item_assets`, type, version and id). Most of our collections have no `item_assets`, so nothing
has to be merged and an item's text is never parsed: pieces of text are joined.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from catalog import jsontext
from catalog.about import STAC_VERSION
from catalog.absent import ABSENT
from catalog.links import foreign_links
from catalog.store.jsonpieces import (
    add_null_datetime,
    drop_base_item,
    member,
    put_member,
    take_links,
    take_member,
)


class Document(NamedTuple):
    """A STAC object as JSON text, before links are put in.

    Attributes:
        collection: id of the collection that it is or belongs to.
        id: its own id.
        members: text of a JSON object with all members but `links`; never empty.
        links: the stored links, without those that follow from where the object is served.
        languages: tags of what its texts are in and of what else they can be had in, if that is known.
    """

    collection: str
    id: str
    members: str
    links: list[dict[str, Any]]
    languages: tuple[str, ...] = ()


class ItemRow(NamedTuple):
    """What the read path selects of one item.

    Attributes:
        collection: its collection.
        id: its id.
        geometry: GeoJSON text, degrees, longitude first.
        content: text of pgstac's `content`.
        stac_version: if it differs from the base item's.
        base: number of the base item it was stored against; None: the first.
        has_datetime: whether its properties have a `datetime`; pgstac's loader drops one that is null,
            which STAC demands of an item that has a start and an end alone.
    """

    collection: str
    id: str
    geometry: str
    content: str
    stac_version: str | None
    base: str | None
    has_datetime: bool


@dataclass(frozen=True)
class HydrationBase:
    """What the items of a collection share.

    Attributes:
        stac_version: of the items that name none of their own.
        shared: members to merge into each item, none of them null; empty: nothing to merge.
    """

    stac_version: str
    shared: dict[str, Any]


def read_hydration_base(text: str | None) -> HydrationBase:
    """Return a base item from pgstac's JSON text of it; an empty one if there is none."""
    base = orjson.loads(text) if text else {}
    own = ("type", "stac_version", "collection", "id")
    shared = _without_nulls({key: value for key, value in base.items() if key not in own})
    return HydrationBase(base.get("stac_version") or STAC_VERSION, shared)


def hydrate(row: ItemRow, base: HydrationBase) -> Document:
    """Return an item as it was loaded."""
    content, links = take_links(row.content)
    if row.base is not None:
        content = drop_base_item(content)
    if not row.has_datetime:
        content = add_null_datetime(content)
    for name, shared in base.shared.items():
        content = _fill_member(content, name, shared)
    if ABSENT in content:
        content = jsontext.dumps(_filled(jsontext.loads(content), None, marked=True)).decode()
    own_version = (
        "" if row.stac_version not in (None, ABSENT) else f'"stac_version":{_quoted(base.stac_version)},'
    )
    head = (
        f'{{"type":"Feature",{own_version}"id":{_quoted(row.id)},'
        f'"collection":{_quoted(row.collection)},"geometry":{row.geometry}'
    )
    # What pgstac keeps apart comes first; the text, which may be long, is copied once.
    members = f"{head}}}" if content == "{}" else content.replace("{", f"{head},", 1)
    return Document(row.collection, row.id, members, foreign_links(links))


def stored_links(text: str | None) -> list[dict[str, Any]]:
    """Return the links of a JSON array that do not follow from where the object is served."""
    return foreign_links(orjson.loads(text) if text else None)


def _quoted(text: str | None) -> str:
    return orjson.dumps(text).decode()


def _fill_member(content: str, name: str, shared: Any) -> str:
    """Return an item's text with one member as it was loaded; the others stay the text that they are."""
    found = member(content, name)
    if found is None:
        return put_member(content, name, jsontext.dumps(shared).decode())
    _, value_start, end, own = found
    if own == ABSENT:
        return take_member(content, name)[0]
    marked = ABSENT in content[value_start:end]
    value = jsontext.dumps(_filled(own, shared, marked=marked)).decode()
    return content[:value_start] + value + content[end:]


def _without_nulls(value: Any) -> Any:
    """Return a base item's value without null members, which say as much as those that are not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return value


def _filled(item: Any, base: Any, *, marked: bool) -> Any:
    """Undo pgstac's `strip_jsonb`, but keep an item's own nulls, which its `merge_jsonb` drops.

    Args:
        item: what is stored of a value; it is not looked into where nothing can have been taken out.
        base: the base item's, without null members; None: it has none.
        marked: whether `ABSENT` may be in it.
    """
    if isinstance(item, dict):
        shared = base if isinstance(base, dict) else {}
        if not (shared or marked):
            return item
        # The item's members first, whoever has the value.
        merged = item | shared
        for key, own in item.items():
            if own == ABSENT:
                del merged[key]
            elif marked or key in shared:
                merged[key] = _filled(own, shared.get(key), marked=marked)
        return merged
    if isinstance(item, list):
        if isinstance(base, list) and len(item) == len(base):
            # A null in a list stands for "the same as the base item's", and the mark for a null.
            return [
                theirs if own is None else None if own == ABSENT else _filled(own, theirs, marked=marked)
                for own, theirs in zip(item, base, strict=True)
            ]
        if marked:
            return [_filled(own, None, marked=True) for own in item if own != ABSENT]
    return item
