"""The bodies of POST routes, as OpenAPI shows them. They get their meaning in `app.search_request`."""

from typing import Any

from app.filters import CRS84, LANGUAGES
from catalog.aggregation import AGGREGATIONS, INTERVALS

_SEARCH: dict[str, dict[str, Any]] = {
    "collections": {"type": "array", "items": {"type": "string"}},
    "ids": {"type": "array", "items": {"type": "string"}},
    "bbox": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
    "intersects": {
        "type": "object",
        "description": "GeoJSON geometry.",
        "required": ["type"],
        "properties": {"type": {"type": "string"}},
    },
    "datetime": {"type": "string", "example": "2024-01-01T00:00:00Z/.."},
    "limit": {"type": "integer", "minimum": 1, "default": 10},
    "filter": {
        "oneOf": [{"type": "object"}, {"type": "string"}, {"type": "boolean"}],
        "description": "CQL2 filter.",
    },
    "filter-lang": {"type": "string", "enum": list(LANGUAGES)},
    "filter-crs": {"type": "string", "enum": sorted(CRS84)},
    "sortby": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field"],
            "properties": {
                "field": {"type": "string"},
                "direction": {"type": "string", "enum": ["asc", "desc"]},
            },
        },
    },
    "fields": {
        "type": "object",
        "properties": {
            "include": {"type": "array", "items": {"type": "string"}, "nullable": True},
            "exclude": {"type": "array", "items": {"type": "string"}, "nullable": True},
        },
    },
    "q": {
        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        "description": "Free text, or a list of phrases any of which is looked for.",
    },
    "query": {"type": "object"},
    "token": {"type": "string"},
}
_PAGE = ("limit", "token", "sortby", "fields")
_ONLY_ITEMS = ("collections", "ids", "intersects")
_AGGREGATING: dict[str, dict[str, Any]] = {
    "aggregations": {"type": "array", "items": {"type": "string", "enum": list(AGGREGATIONS)}},
    "datetime_frequency_interval": {"type": "string", "enum": list(INTERVALS)},
    "centroid_geohash_grid_frequency_precision": {"type": "integer", "minimum": 1, "maximum": 12},
    "centroid_geotile_grid_frequency_precision": {"type": "integer", "minimum": 0, "maximum": 29},
}


def _body(members: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return an object of members; one that is null is as if it were not there."""
    return {"type": "object", "properties": {name: _or_null(schema) for name, schema in members.items()}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    # `nullable` says nothing but beside a `type`, and an `enum` has to name null (OpenAPI 3.0.3, "Schema Object").
    if "type" in schema and "enum" not in schema:
        return {**schema, "nullable": True}
    return {"anyOf": [schema, {"type": "object", "nullable": True, "enum": [None]}]}


SEARCH_BODY = _body(_SEARCH)
AGGREGATE_BODY = _body(
    {**{name: schema for name, schema in _SEARCH.items() if name not in _PAGE}, **_AGGREGATING}
)
COLLECTIONS_BODY = _body(
    {
        **{name: schema for name, schema in _SEARCH.items() if name not in _ONLY_ITEMS},
        "limit": {"type": "integer", "minimum": 1},
    }
)
