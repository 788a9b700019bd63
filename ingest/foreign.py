"""STAC that others made, brought to where our catalogue can keep it; it is changed as little as can be.

Times become UTC with `Z`, by the rule that harvested records follow too. Everything else stays.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from catalog.about import STAC_VERSION, STAC_VERSIONS
from catalog.errors import RecordRefused
from catalog.links import foreign_links
from ingest.times import TIME_FIELDS, format_time, parse_time

if TYPE_CHECKING:
    from ingest.contract import Collection, Item

# Versions of STAC by whose schemas documents are checked; those of others by ours.
# An item without one of these has no time at all.
_DECISIVE = ("datetime", "start_datetime", "end_datetime")


def bring_in_item(item: "Item", check: "Callable[[Item], None] | None") -> "Item":
    """Return an item as it is loaded.

    Args:
        item: as it was read; it may be changed.
        check: validates an item of our version of STAC; None: it is not validated.

    Raises:
        RecordRefused: `bad-structure`, `bad-datetime`, `no-geometry`, or by the check.
    """
    properties = item.get("properties")
    if not isinstance(properties, dict):
        raise RecordRefused("bad-structure", "properties is no object")
    for field in TIME_FIELDS:
        said = properties.get(field)
        if isinstance(said, str) and not (said.endswith("Z") and len(said) in (20, 24, 27)):
            properties[field] = _utc(said, field)
    if item.get("geometry") is None:
        raise RecordRefused("no-geometry", "the item has no geometry, which the database asks for")
    if check is not None:
        check(_as_served(item))
    return item


def _as_served(item: "Item") -> "Item":
    """Return an item with what our server sees to, the link to its collection; of a version that we can check."""
    served = item
    if item.get("stac_version") not in STAC_VERSIONS:
        served = {**served, "stac_version": STAC_VERSION}
    links = item.get("links")
    if isinstance(links, list) and "collection" in item:
        relations = {link.get("rel") for link in links if isinstance(link, dict)}
        if "collection" not in relations:
            served = {**served, "links": [*links, {"rel": "collection", "href": "./collection.json"}]}
    return served


def bring_in_collection(
    collection: "Collection", check: "Callable[[Collection], None] | None"
) -> "Collection":
    """Return a collection as it is loaded: without links to where it was served.

    Raises:
        RecordRefused: `bad-id`, or by the check.
    """
    identifier = collection.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise RecordRefused("bad-id", f"the collection's id is no text: {identifier!r:.80}")
    if check is not None:
        is_known = collection.get("stac_version") in STAC_VERSIONS
        check(collection if is_known else {**collection, "stac_version": STAC_VERSION})
    return {**collection, "links": foreign_links(collection.get("links"))}


def made_collection(identifier: str) -> "Collection":
    """Return a collection for items that came without one; it says no more than is known."""
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": identifier,
        "title": identifier,
        "description": f"Items of {identifier}, loaded without a description of their collection.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [[None, None]]},
        },
        "links": [],
        "kakehashi:partition": "year",
    }


def _utc(said: str, field: str) -> str:
    try:
        return format_time(parse_time(said, field))
    except RecordRefused:
        if field in _DECISIVE:
            raise
        return said
