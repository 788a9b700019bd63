"""Query parameters in the OpenAPI definition as the standards define them.

Routes take lists as one text, and give it its meaning together with that of a POST's body; OGC API - Features (17-069r4,
requirements /req/core/fc-limit-definition, fc-bbox-definition, fc-time-definition) and STAC API want them defined as
lists of which the members stand between commas.
"""

from typing import Any

_FORM = {"style": "form", "explode": False}
_STRINGS = {"type": "array", "items": {"type": "string"}}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "bbox": {
        "type": "array",
        "minItems": 4,
        "maxItems": 6,
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
        "example": [139.5, 35.3, 140.2, 35.9],
    },
    "collections": {**_STRINGS, "example": ["sentinel-2-l2a"]},
    "ids": _STRINGS,
    "aggregations": {**_STRINGS, "example": ["total_count", "datetime_frequency"]},
}


def define_query_parameters(document: dict[str, Any]) -> None:
    """Define the query parameters of every operation, in place.

    Args:
        document: the OpenAPI definition.
    """
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    _define(parameter)


def _define(parameter: dict[str, Any]) -> None:
    schema = _SCHEMAS.get(parameter["name"], parameter["schema"])
    # Nothing in a query string is null, and the description stands beside the schema.
    parameter["schema"] = {
        key: value for key, value in schema.items() if key not in ("nullable", "title", "description")
    }
    parameter |= _FORM
