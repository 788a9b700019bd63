"""What an item says of the other versions of its product: the links and fields of the Version extension.

An older version links to the latest (`latest-version`) and its successor, and is `deprecated`; a later one
links to its predecessor (Versioning Indicators 1.2).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

EXTENSION = "https://stac-extensions.github.io/version/v1.2.0/schema.json"
RELATIONS = ("predecessor-version", "successor-version", "latest-version")

_FAMILY = EXTENSION.rsplit("/", 2)[0]


def with_versions(
    content: Mapping[str, Any], collection: str, chain: Sequence[str], place: int, *, marked: bool
) -> dict[str, Any]:
    """Return an item with what it has to say of the other versions of its product; the same if nothing changes.

    Args:
        content: of the item; at least `links`, `properties` and `stac_extensions`, as far as it has them.
        collection: of all versions.
        chain: ids of the versions that there are, the oldest first.
        place: of this item in the chain.
        marked: whether its `deprecated` is ours, from an earlier time; what an upstream says of it stays.
    """
    latest = len(chain) - 1
    said = {}
    if place > 0:
        said["predecessor-version"] = chain[place - 1]
    if place < latest:
        said["successor-version"] = chain[place + 1]
        said["latest-version"] = chain[latest]
    kept = [link for link in content.get("links") or () if not _is_ours(link)]
    links = kept + [_link(relation, collection, identifier) for relation, identifier in said.items()]
    properties = dict(content.get("properties") or {})
    if place < latest:
        properties.setdefault("deprecated", True)
    elif marked:
        properties.pop("deprecated", None)
    extensions = list(content.get("stac_extensions") or ())
    if said and not any(str(schema).startswith(_FAMILY) for schema in extensions):
        extensions = sorted([*extensions, EXTENSION])
    return {**content, "links": links, "properties": properties, "stac_extensions": extensions}


def _is_ours(link: Any) -> bool:
    """Whether a link is one of those that are written here: they lead to items of this catalogue."""
    return (
        isinstance(link, Mapping)
        and link.get("rel") in RELATIONS
        and str(link.get("href")).startswith("./collections/")
    )


def _link(relation: str, collection: str, identifier: str) -> dict[str, str]:
    address = f"./collections/{quote(collection, safe='')}/items/{quote(identifier, safe='')}"
    return {"rel": relation, "href": address, "type": "application/geo+json", "title": identifier}
