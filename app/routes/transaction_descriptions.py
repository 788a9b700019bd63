"""The Transaction extensions in the words of OpenAPI: what is sent, and what is answered when it succeeds.

Schemas go by the names of stac-pydantic's models, which the routes that read bring into the definition. Errors are
added to all operations alike (`app.openapi_answers`).
"""

from typing import Any

from app.bodies import COLLECTIONS_BODY
from app.editing import JSON_PATCH, MERGE_PATCH
from app.links import GEOJSON, JSON

# By the names of `app.openapi`.
_WHO: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]
_TAG = {"ETag": {"description": "Of the document as it is now.", "schema": {"type": "string"}}}
_LOCATION = {
    "Location": {
        "description": "Of what was added, if it is one thing.",
        "schema": {"type": "string", "format": "uri"},
    }
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` that was read: nothing is changed if it is another one now.",
    "schema": {"type": "string"},
}
_MEDIA_TYPES = {"Item": GEOJSON, "Collection": JSON}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(content: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in content.items()}}


_ITEM_OR_ITEMS = {"anyOf": [_ref("Item"), _ref("ItemCollection")]}
_CREATED = {"201": {"description": "Added.", "headers": _LOCATION}}
_DONE = {"204": {"description": "Done."}}

ITEMS_CREATED: dict[str, Any] = {
    "security": _WHO,
    "requestBody": _body({GEOJSON: _ITEM_OR_ITEMS, JSON: _ITEM_OR_ITEMS}),
    "responses": _CREATED,
}
"""Of `POST .../items`."""

ITEMS_PUT: dict[str, Any] = {
    "security": _WHO,
    "requestBody": _body(
        {
            JSON: {
                "type": "object",
                "required": ["items"],
                "properties": {
                    "items": {
                        "type": "object",
                        "description": "By their ids.",
                        "additionalProperties": _ref("Item"),
                    },
                    "method": {"type": "string", "enum": ["insert", "upsert"], "default": "insert"},
                },
            }
        }
    ),
    "responses": _DONE,
}
"""Of `POST .../bulk_items`."""

COLLECTIONS_CREATED: dict[str, Any] = {
    # A search for collections, which is posted to the same address, is for everybody.
    "security": [{}, *_WHO],
    "requestBody": {
        **_body({JSON: {"anyOf": [COLLECTIONS_BODY, _ref("Collection"), _ref("Collections")]}}),
        # A search for everything.
        "required": False,
    },
    "responses": _CREATED,
}
"""Of `POST /collections`."""

DELETED: dict[str, Any] = {"security": _WHO, "parameters": [_MATCH], "responses": _DONE}
"""Of any DELETE."""


def replaced(what: str) -> dict[str, Any]:
    """Return what is said of a PUT of an `Item` or a `Collection`."""
    kinds = dict.fromkeys((JSON, _MEDIA_TYPES[what]), _ref(what))
    return {**_changed(what), "requestBody": _body(kinds)}


def patched(what: str) -> dict[str, Any]:
    """Return what is said of a PATCH of an `Item` or a `Collection`."""
    merge: dict[str, Any] = {"type": "object", "description": "A JSON Merge Patch (RFC 7396)."}
    steps: dict[str, Any] = {
        "type": "array",
        "description": "A JSON Patch (RFC 6902).",
        "items": {"type": "object", "required": ["op", "path"]},
    }
    return {**_changed(what), "requestBody": _body({JSON: merge, MERGE_PATCH: merge, JSON_PATCH: steps})}


def _changed(what: str) -> dict[str, Any]:
    whole = {_MEDIA_TYPES[what]: {"schema": _ref(what)}}
    prefer = {
        "name": "Prefer",
        "in": "header",
        "description": "`return=representation` for an answer with the whole document.",
        "schema": {"type": "string"},
    }
    return {
        "security": _WHO,
        "parameters": [_MATCH, prefer],
        "responses": {
            "200": {
                "description": "Done; the document, as `Prefer` asked.",
                "headers": _TAG,
                "content": whole,
            },
            "204": {"description": "Done.", "headers": _TAG},
        },
    }
