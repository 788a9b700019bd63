"""What an item says of the other versions of its product: the links and fields of the Version extension.

An older version links to the latest (`latest-version`) and its successor, and is `deprecated`; a later one
links to its predecessor (Versioning Indicators 1.2).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.links import is_version_link, version_link

EXTENSION = "https://stac-extensions.github.io/version/v1.2.0/schema.json"

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
    kept = [link for link in content.get("links") or () if not is_version_link(link)]
    links = kept + [version_link(relation, collection, identifier) for relation, identifier in said.items()]
    properties = dict(content.get("properties") or {})
    if place < latest:
        properties.setdefault("deprecated", True)
    elif marked:
        properties.pop("deprecated", None)
    extensions = list(content.get("stac_extensions") or ())
    if said and not any(str(schema).startswith(_FAMILY) for schema in extensions):
        extensions = sorted([*extensions, EXTENSION])
    return {**content, "links": links, "properties": properties, "stac_extensions": extensions}
