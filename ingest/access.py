"""What an item says of how its files are got: the schemes that its assets name, and no more.

Whole schemes, with titles and descriptions, stand in the collection. The schemas of Authentication and
Storage let no item that uses them go without any, so it keeps the members that a program needs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.access import EXTENSIONS, KINDS, load_access

_WORDS = frozenset({"title", "description"})


def settle_access(
    properties: dict[str, Any], assets: Mapping[str, Any], links: Any
) -> tuple[list[str], list[str]]:
    """Leave the schemes in an item's properties that its assets and links name, in their short form.

    A scheme that is named but not given is taken from the table of hubs (`catalog/access.yaml`).

    Args:
        properties: changed in place.
        assets: of the item.
        links: of the item.

    Returns:
        The extension schemas that are used now, and those that are not.
    """
    used: list[str] = []
    unused: list[str] = []
    for kind in KINDS:
        member = f"{kind}:schemes"
        given = properties.pop(member, None)
        if given is not None and not isinstance(given, Mapping):
            properties[member] = given  # for the schema to refuse
            used.append(EXTENSIONS[kind])
            continue
        known = {**load_access().schemes(kind), **(given or {})}
        named = dict.fromkeys(_refs(f"{kind}:refs", assets, links))
        schemes = {name: _short(known[name], kind) for name in named if name in known}
        if schemes:
            properties[member] = schemes
        (used if schemes else unused).append(EXTENSIONS[kind])
    return used, unused


def _refs(member: str, assets: Mapping[str, Any], links: Any) -> Iterator[str]:
    for holder in (*assets.values(), *(links if isinstance(links, list) else ())):
        if isinstance(holder, Mapping):
            yield from _texts(holder.get(member))
            alternate = holder.get("alternate")
            for way in alternate.values() if isinstance(alternate, Mapping) else ():
                if isinstance(way, Mapping):
                    yield from _texts(way.get(member))


def _texts(value: Any) -> Iterator[str]:
    yield from (name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _short(scheme: Any, kind: str) -> Any:
    if not isinstance(scheme, Mapping):
        return scheme
    short = {name: value for name, value in scheme.items() if name not in _WORDS}
    if kind == "storage":
        # Objects described before 2025-07 lack the type that version 2.0 asks for.
        short.setdefault("type", "custom-s3")
    return short
