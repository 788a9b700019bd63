"""The OpenAPI definition, as version 3.0, which is what OGC API's conformance class asks for.

FastAPI writes 3.1. What differs in what we use is rewritten: `null` as a type, numeric exclusive
bounds, lists of examples, `const`, media types of files.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.openapi_answers import add_error_answers
from app.openapi_parameters import define_query_parameters

VERSION = "3.0.3"

# The names that OGC API - Features and STAC API give to parts of a path. GDAL finds out what it may
# filter by from the parameters of the path that is spelled `/collections/{collectionId}/items`.
_PATH_NAMES = {"collection_id": "collectionId", "item_id": "featureId"}
# Where `limit` has the server's default.
_PAGED = ("/search", "/collections/{collectionId}/items")
# What stac-fastapi registers without parameters, and yet answers in the language that `language` names.
_SPOKEN = ("/", "/children", "/queryables", "/collections/{collectionId}/queryables")


# `nullable` says nothing but beside a `type` (OpenAPI 3.0.3, "Schema Object").
_NOTHING_BUT_NULL = {"type": "object", "nullable": True, "enum": [None]}
# How requests that change things say who they come from.
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A static key, or a JWT of the provider."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def use_openapi_30(app: FastAPI, default_limit: int, *, secured: bool) -> None:
    """Let an application describe itself in OpenAPI 3.0; the text is made once, when first asked for.

    Args:
        app: the application.
        default_limit: items of a page when a client names no limit.
        secured: whether there are routes that ask who comes.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=VERSION,
                description=app.description,
                routes=app.routes,
            )
            document = _with_path_names(to_30(document))
            add_error_answers(document)
            _let_fields_leave_out(document["components"]["schemas"])
            for path in _PAGED:
                _set_default_limit(document["paths"][path], default_limit)
            for path in _SPOKEN:
                _add_language(document["paths"][path]["get"])
            define_query_parameters(document)
            if secured:
                document["components"]["securitySchemes"] = _SECURITY
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to do it


def to_30(node: Any) -> Any:
    """Return a 3.1 document, or a part of one, in the words of 3.0."""
    if isinstance(node, list):
        return [to_30(part) for part in node]
    if not isinstance(node, dict):
        return node
    new = {key: to_30(value) for key, value in node.items()}
    if isinstance(new.get("examples"), list):
        examples = new.pop("examples")
        if examples:
            new["example"] = examples[0]
    if "const" in new and not isinstance(new["const"], dict):
        new["enum"] = [new.pop("const")]
    if "prefixItems" in new:
        new["items"] = {"anyOf": new.pop("prefixItems")}
    _rewrite_type(new)
    for word in ("anyOf", "oneOf"):
        if isinstance(new.get(word), list):
            new = _without_null(new, word)
    return new


def _rewrite_type(new: dict[str, Any]) -> None:
    """Rewrite, in place, bounds and lists of types."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(new.get(exclusive), int | float) and not isinstance(new[exclusive], bool):
            new[bound], new[exclusive] = new[exclusive], True
    if isinstance(new.get("type"), list):
        kinds = [kind for kind in new["type"] if kind != "null"]
        new |= {"type": kinds[0]} if len(kinds) == 1 else {"anyOf": [{"type": kind} for kind in kinds]}
        if len(kinds) != 1:
            del new["type"]


def _without_null(node: dict[str, Any], word: str) -> dict[str, Any]:
    choices = [choice for choice in node[word] if choice != {"type": "null"}]
    if len(choices) == len(node[word]):
        return node
    rest = {key: value for key, value in node.items() if key != word}
    if len(choices) == 1 and "$ref" not in choices[0]:
        return {**choices[0], **rest, "nullable": True}
    return {**rest, word: [*choices, _NOTHING_BUT_NULL]}


def _with_path_names(document: dict[str, Any]) -> dict[str, Any]:
    """Spell the parameters of paths as the standards do; the routes themselves are stac-fastapi's."""
    paths: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        new = path
        for ours, standard in _PATH_NAMES.items():
            new = new.replace(f"{{{ours}}}", f"{{{standard}}}")
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["name"] = _PATH_NAMES.get(parameter["name"], parameter["name"])
        paths[new] = operations
    return {**document, "paths": paths}


def _add_language(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(
        {
            "name": "language",
            "in": "query",
            "description": "Language of titles and descriptions, in the form of Accept-Language: en or ja.",
            "schema": {"type": "string"},
            "example": "ja",
        }
    )


def _set_default_limit(operations: dict[str, Any], default: int) -> None:
    for parameter in operations["get"]["parameters"]:
        if parameter["name"] == "limit":
            parameter["schema"]["default"] = default


def _let_fields_leave_out(schemas: dict[str, Any]) -> None:
    """Say of pages that their members need not be whole: `fields` may leave out any part of one."""
    for page, member, whole in (
        ("ItemCollection", "features", "Item"),
        ("Collections", "collections", "Collection"),
    ):
        part = f"{whole}Part"
        schemas[part] = {
            "type": "object",
            "description": f"What `fields` leaves of the {whole}.",
            "properties": {"id": {"type": "string"}, "type": {"type": "string"}},
        }
        refs = [{"$ref": f"#/components/schemas/{name}"} for name in (whole, part)]
        schemas[page]["properties"][member]["items"] = {"anyOf": refs}
