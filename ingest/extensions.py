"""Extension schemas that an item or a collection declares: those of which it uses something."""

import re
from collections.abc import Mapping
from typing import Any

# Prefix of an extension's fields, where it is not the name of the extension.
_PREFIXES = {
    "authentication": ("auth:",),
    "projection": ("proj:",),
    "scientific": ("sci:",),
    "datacube": ("cube:",),
    "altimetry": ("altm:",),
    "eopf-stac-extension": ("eopf:",),
    "alternate-assets": ("alternate", "alternate:"),
    "timestamps": ("published", "expires", "unpublished"),
    "version": ("version", "deprecated", "experimental"),
    "language": ("language", "languages", "hreflang"),
    "themes": ("themes",),
    "contacts": ("contacts",),
    "attribution": ("attribution",),
    "item-assets": ("item_assets",),
}
_NAME = re.compile(r"/([a-z0-9-]+)/v\d[^/]*/schema\.json$")
_MAX_DEPTH = 6


def is_used(schema: str, document: Mapping[str, Any]) -> bool:
    """Whether a document has any field of an extension that it declares.

    Upstreams declare by template: an extension of which nothing is used says nothing, and its schema,
    which asks for one of its fields, would refuse the document.

    Args:
        schema: address of the extension's schema; one that is written in no known way counts as used.
        document: an item or a collection.
    """
    match = _NAME.search(schema)
    if match is None:
        return True
    prefixes = _PREFIXES.get(match.group(1), (f"{match.group(1)}:",))
    return _has(document, prefixes, 0)


def _has(value: Any, prefixes: tuple[str, ...], depth: int) -> bool:
    if depth > _MAX_DEPTH:
        return True
    if isinstance(value, Mapping):
        return any(
            any(name.startswith(prefix) if prefix.endswith(":") else name == prefix for prefix in prefixes)
            or _has(member, prefixes, depth + 1)
            for name, member in value.items()
        )
    if isinstance(value, list):
        return any(_has(entry, prefixes, depth + 1) for entry in value[:50])
    return False
