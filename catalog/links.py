"""Links as they are stored: which of them follow from where a document is served, and how those within the catalogue are written."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

# OGC API - Features, part 3, section 6.3.
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"

# The server makes these itself, from the address that it was asked at. Those of another server lead back to it, and
# those of a page mean nothing outside it.
STRUCTURAL = frozenset(
    {"self", "root", "parent", "collection", "item", "items", "child", "children", "data"}
    | {"queryables", QUERYABLES, "aggregate", "aggregations", "first", "prev", "next", "last"}
)

VERSIONS = ("predecessor-version", "successor-version", "latest-version")
# Where the landing page is, as seen from itself.
_ROOT = "."


def is_structural(link: Any) -> bool:
    """Whether a link follows from where its document is served."""
    relation = link.get("rel") if isinstance(link, Mapping) else None
    return isinstance(relation, str) and relation in STRUCTURAL


def foreign_links(links: Any) -> list[dict[str, Any]]:
    """Return those links that do not follow from where their document is served."""
    if not isinstance(links, list):
        return []
    # Without a call for each: a page has a thousand of them.
    return [
        link
        for link in links
        if isinstance(link, dict) and not (isinstance(rel := link.get("rel"), str) and rel in STRUCTURAL)
    ]


def version_link(relation: str, collection: str, identifier: str) -> dict[str, str]:
    """Return a link to another version of an item, relative to the landing page."""
    address = f"{_ROOT}/collections/{quote(collection, safe='')}/items/{quote(identifier, safe='')}"
    return {"rel": relation, "href": address, "type": "application/geo+json", "title": identifier}


def is_version_link(link: Any) -> bool:
    """Whether a link is one that `version_link` made; all else that is relative is so to where it came from."""
    return (
        isinstance(link, Mapping)
        and link.get("rel") in VERSIONS
        and str(link.get("href")).startswith(f"{_ROOT}/collections/")
    )


def absolute(link: dict[str, Any], root: str) -> dict[str, Any]:
    """Return a link with the address of the landing page in it, if it is relative to that; else as it is.

    Args:
        link: as it is stored.
        root: address of the landing page, without a slash at its end.
    """
    return {**link, "href": root + link["href"][len(_ROOT) :]} if is_version_link(link) else link
