"""What JAXA Earth says of its collections, in the forms in which it says it."""

from collections.abc import Mapping
from typing import Any

from catalog.about import STAC_VERSION
from catalog.errors import UpstreamChanged
from ingest import jaxa_earth as names
from ingest.contract import Collection
from ingest.native import entries, lookup, text
from ingest.protocols import static_stac
from ingest.protocols.static_stac import Node


def listed(document: Mapping[str, Any], origin: str, root: str) -> list[Mapping[str, Any]]:
    """Return what a document says of collections, with their native ids.

    Raises:
        UpstreamChanged: it is of another catalogue.
    """
    kind, collections = document.get("type"), document.get("collections")
    found: list[Mapping[str, Any]]
    if kind == "Catalog" or (kind is None and isinstance(document.get("links"), list)):
        node = Node(self_address(document) or root, dict(document))
        found = [{"id": folder(link.url), "address": link.url} for link in static_stac.links(node, "child")]
    elif kind == "Collection":
        found = [document]
    elif isinstance(collections, list):
        more = document.get("listed_but_without_entry")
        named = [{"id": one} for one in more] if isinstance(more, list) else []
        found = [entry for entry in [*collections, *named] if isinstance(entry, Mapping)]
    elif isinstance(document.get("assets"), Mapping) and "item_assets" in document:
        # A part of a collection.json; all its assets say `N/A`.
        return [document]
    else:
        found = [{**entry, "id": name} for name, entry in document.items() if isinstance(entry, Mapping)]
    if not any(names.is_of_jaxa(text(entry.get("id")) or "") for entry in found):
        raise UpstreamChanged(f"{origin} is no document of JAXA Earth: it names none of its collections")
    return found


def described(
    identifier: str, native: Mapping[str, Any], template: Collection, via: Mapping[str, Any]
) -> Collection:
    """Return a collection that our definitions lack, in its own words and on JAXA's terms.

    Args:
        identifier: native id.
        native: its `collection.json`.
        template: a collection of ours, for providers and licence.
        via: link to the upstream's document.
    """
    interval = lookup(native, "extent.temporal")
    bbox = [-180.0, -90.0, 180.0, 90.0]
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": names.collection_id(identifier),
        "title": text(native.get("title")) or identifier,
        "description": text(native.get("description")) or text(native.get("title")) or identifier,
        "keywords": [word for word in map(text, entries(native, "keywords")) if word] or ["JAXA"],
        "license": template["license"],
        "providers": template["providers"],
        "extent": {
            "spatial": {"bbox": [_box(native) or bbox]},
            "temporal": interval if isinstance(interval, Mapping) else {"interval": [[None, None]]},
        },
        "links": [
            *(link for link in template["links"] if link["rel"] == "license"),
            dict(via),
        ],
    }


def folder(url: str) -> str:
    """Return the folder of a document: `29` of `.../2026-09/29/catalog.json`."""
    return url.rsplit("/", 2)[-2] if url.count("/") > 1 else ""


def self_address(document: Mapping[str, Any]) -> str | None:
    """Return where a document says that it is, None if it does not."""
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        href = text(link.get("href")) if isinstance(link, Mapping) and link.get("rel") == "self" else None
        if href and href.startswith(("https://", "http://")):
            return href
    return None


def _box(native: Mapping[str, Any]) -> list[float] | None:
    """Return the collection's box where it is one in degrees; polar grids give metres."""
    boxes = lookup(native, "extent.spatial.bbox")
    box = boxes[0] if isinstance(boxes, list) and boxes else None
    if not isinstance(box, list) or len(box) != 4:
        return None
    if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in box):
        return None
    west, south, east, north = box
    return [*map(float, box)] if -180 <= west < east <= 180 and -90 <= south < north <= 90 else None
