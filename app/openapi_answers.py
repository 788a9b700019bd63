"""What operations answer, for the OpenAPI definition: errors by rule, since they come from what all requests pass.

What an operation answers when it succeeds is declared with its route.
"""

from typing import Any

_JSON = "application/json"
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["code", "description"],
    "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
}
_DESCRIPTIONS = {
    "400": "Something in the request is malformed; the description names it.",
    "401": "Only for who says who they are.",
    "403": "Not for who asks.",
    "404": "There is no such thing.",
    "406": "The answer is not to be had in a form that `Accept` names.",
    "409": "It is there already, or still in use.",
    "412": "It has changed since; see `If-Match`.",
    "413": "The body is too long.",
    "415": "The body comes in a form that is not taken.",
    "422": "The document does not follow its STAC schemas.",
    "503": "The database is away, busy, or was too slow; see `Retry-After`.",
}
_CHALLENGED = ("401", "403")
# Of what can be looked at, these are not kept by caches.
_OF_THE_MOMENT = "/_mgmt/"
# These ask no database.
_BY_ITSELF = ("/conformance", "/_mgmt/ping")


def add_error_answers(document: dict[str, Any]) -> None:
    """Add to every operation the errors that it may answer with, and 304; FastAPI announces a 422 of its own.

    Args:
        document: the OpenAPI definition, changed in place.
    """
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = ERROR
    components["responses"] = {
        "NotModified": {"description": "The client has it already; see `If-None-Match`."},
        "Error": _answer("An error."),
        **{f"Error{status}": _answer(_DESCRIPTIONS[status], status) for status in _DESCRIPTIONS},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses.pop("422", None)
            if method == "get" and not path.startswith(_OF_THE_MOMENT):
                responses["304"] = {"$ref": "#/components/responses/NotModified"}
            for status in error_statuses(path, method, operation):
                responses[status] = {"$ref": f"#/components/responses/Error{status}"}
            responses["default"] = {"$ref": "#/components/responses/Error"}


def error_statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    """Return the errors of an operation.

    Args:
        path: of the operation, with its parameters in braces.
        method: in lower case.
        operation: its description in OpenAPI.
    """
    found = {"400"}
    if "{" in path:
        found.add("404")
    if method == "get" or "200" in operation["responses"]:
        found.add("406")
    if "requestBody" in operation:
        found |= {"413", "415"}
    if "security" in operation:
        found |= {"401", "403", "409" if method in ("post", "delete") else "412"}
        found.add("422" if "requestBody" in operation else "412")
    if path not in _BY_ITSELF:
        found.add("503")
    return sorted(found)


def _answer(description: str, status: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": description,
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status in _CHALLENGED:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == "503":
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return answer
