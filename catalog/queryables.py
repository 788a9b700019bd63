"""What a client may filter and sort by: JSON Schemas of properties, with what is known of their values.

Source: OGC API Features, part 3 (19-079r2), section 6.2; STAC API Filter extension.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from catalog.errors import DefinitionError

CORE = ("id", "collection", "geometry", "datetime")
_MOST_VALUES = 200
_OURS = Path(__file__).parent / "queryables.yaml"
_JAPANESE = Path(__file__).parent / "queryables.ja.yaml"
_TEXT = MappingProxyType({"type": "string"})


@cache
def japanese_titles() -> Mapping[str, str]:
    """Return the Japanese titles of queryables by name.

    Raises:
        DefinitionError: the file is not valid.
    """
    titles = yaml.safe_load(_JAPANESE.read_text(encoding="utf-8"))
    if not isinstance(titles, dict) or not all(
        isinstance(part, str) for pair in titles.items() for part in pair
    ):
        raise DefinitionError(f"{_JAPANESE.name}: is not a mapping of names to titles")
    return MappingProxyType(titles)


@cache
def core_schemas() -> Mapping[str, Any]:
    """Return the schemas of `CORE`, which are the same whatever a database registers: they are columns there."""
    ours = yaml.safe_load(_OURS.read_text(encoding="utf-8"))
    return MappingProxyType({name: ours[name] for name in CORE})


def of_collection(
    registered: Mapping[str, Any], content: Mapping[str, Any], present: Collection[str]
) -> dict[str, Any]:
    """Return the queryables of one collection: those that its items have, with the values they take.

    Args:
        registered: schemas of all queryables by name.
        content: the collection; its summaries tell values and ranges.
        present: names of properties that its items have.
    """
    summaries = content.get("summaries")
    summaries = summaries if isinstance(summaries, Mapping) else {}
    registered = {**registered, **core_schemas()}
    names = [name for name in registered if name in CORE or name in present or name in summaries]
    schemas = {name: _with_values(registered[name], summaries.get(name)) for name in names}
    schemas["collection"] = {**schemas["collection"], "enum": [content["id"]]}
    return schemas


def of_all(registered: Mapping[str, Any], collections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the queryables of all collections.

    What one collection's summaries list binds no other, so that values are given as examples.
    """
    contents = list(collections)
    schemas = {**registered, **core_schemas()}
    for name in registered:
        seen = dict.fromkeys(
            value
            for content in contents
            for value in _values((content.get("summaries") or {}).get(name))
            if isinstance(value, str | int | float)
        )
        if 0 < len(seen) <= _MOST_VALUES and "enum" not in schemas[name]:
            schemas[name] = {
                **schemas[name],
                "examples": sorted(seen, key=lambda value: (str(type(value)), value)),
            }
    if contents:
        schemas["collection"] = {**schemas["collection"], "enum": [content["id"] for content in contents]}
    return schemas


def of_collections(collections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the queryables of collections themselves: members, and what summaries list by name."""
    schemas: dict[str, Any] = {
        "id": {"title": "Collection ID", "type": "string"},
        "title": {"title": "Title", "type": "string"},
        "description": {"title": "Description", "type": "string"},
        "keywords": {"title": "Keywords", "type": "array", "items": dict(_TEXT)},
        "license": {"title": "License", "type": "string"},
        "providers.name": {"title": "Names of providers", "type": "array", "items": dict(_TEXT)},
        "datetime": {"title": "Temporal extent", "type": "string", "format": "date-time"},
        "geometry": {"title": "Spatial extent", "format": "geometry-any"},
    }
    seen: dict[str, dict[Any, None]] = {}
    for content in collections:
        for name, value in (content.get("summaries") or {}).items():
            known = seen.setdefault(name, {})
            known.update(
                dict.fromkeys(part for part in _values(value) if isinstance(part, str | int | float))
            )
    for name, values in sorted(seen.items()):
        kind = "string" if all(isinstance(value, str) for value in values) else "number"
        listed = {"enum": sorted(values, key=str)} if 0 < len(values) <= _MOST_VALUES else {}
        if values and (kind == "string" or not any(isinstance(value, str) for value in values)):
            schemas.setdefault(name, {"title": name, "type": "array", "items": {"type": kind, **listed}})
    return schemas


def in_language(schemas: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return queryables with their titles in a language."""
    titles = japanese_titles() if language == "ja" else {}
    return {
        name: {**schema, "title": titles[name]} if name in titles else schema
        for name, schema in schemas.items()
    }


def _with_values(schema: Mapping[str, Any], summary: Any) -> dict[str, Any]:
    """Add the values or the range that a summary tells."""
    told = dict(schema)
    if isinstance(summary, Mapping):
        told |= {name: summary[name] for name in ("minimum", "maximum") if _is_number(summary.get(name))}
        return told if schema.get("type") in ("number", "integer") else dict(schema)
    values = [value for value in _values(summary) if isinstance(value, str | int | float)]
    if not 0 < len(values) <= _MOST_VALUES:
        return told
    if schema.get("type") == "array":
        told["items"] = {**schema.get("items", _TEXT), "enum": values}
    elif schema.get("type") != "boolean":
        told["enum"] = values
    return told


def _values(summary: Any) -> list[Any]:
    return summary if isinstance(summary, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
