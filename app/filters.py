"""The `filter` and `query` parameters as CQL2-JSON; the store gives it its meaning (`catalog.store.cql2`)."""

import re
from typing import Any

from app.cql2_text import parse_text
from app.cql_text import to_cql2
from catalog.errors import InvalidRequest

# Encodings of a filter. `cql-text` is the draft's name for the text encoding, which GDAL goes by.
LANGUAGES = ("cql2-text", "cql2-json", "cql-text")

CRS84 = frozenset(
    {
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "https://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "http://www.opengis.net/def/crs/OGC/0/CRS84",
        "OGC:CRS84",
        "CRS84",
    }
)
_QUERY_OPERATORS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_PATTERNS = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}


def read_filter(value: Any, language: Any, crs: Any) -> Any:
    """Return a filter in the form that the store plans with, or None if there is none.

    Args:
        value: CQL2 text, or CQL2 JSON as an object or as text.
        language: one of `LANGUAGES`, or None: whichever of the two of CQL2 it is.
        crs: only CRS84 is known.

    Raises:
        InvalidRequest: names `filter`, `filter-lang` or `filter-crs`.
    """
    if crs is not None and not (isinstance(crs, str) and crs in CRS84):
        raise InvalidRequest("filter-crs", "only http://www.opengis.net/def/crs/OGC/1.3/CRS84 is supported")
    if language is not None and language not in LANGUAGES:
        raise InvalidRequest("filter-lang", f"is one of {', '.join(LANGUAGES)}")
    if value is None or value == "":
        return None
    if isinstance(value, dict | bool):
        if language in ("cql2-text", "cql-text"):
            raise InvalidRequest("filter", f"is an object, but filter-lang says {language}")
        return value
    if isinstance(value, str):
        return parse_text(to_cql2(value) if language == "cql-text" else value)
    raise InvalidRequest("filter", "is neither CQL2 text nor a CQL2 JSON object")


def read_query(value: Any) -> Any:
    """Return the Query extension's conditions as a filter, or None if there are none.

    Raises:
        InvalidRequest: names `query`.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidRequest("query", "is not an object of properties")
    conditions = [
        _condition(name, operator, operand)
        for name, operators in value.items()
        for operator, operand in _operators(name, operators)
    ]
    if not conditions:
        return None
    return {"op": "and", "args": conditions}


def both(left: Any, right: Any) -> Any:
    """Return a filter that demands two filters, either of which may be None."""
    if left is None or right is None:
        return right if left is None else left
    return {"op": "and", "args": [left, right]}


def _operators(name: str, operators: Any) -> list[tuple[str, Any]]:
    if not isinstance(operators, dict):
        raise InvalidRequest("query", f'{name[:80]!r} needs an object of operators such as {{"lt": 10}}')
    return list(operators.items())


def _condition(name: str, operator: str, operand: Any) -> Any:
    named = {"property": name}
    if operator in _QUERY_OPERATORS:
        if operand is None and operator in ("eq", "neq"):
            is_null = {"op": "isNull", "args": [named]}
            return is_null if operator == "eq" else {"op": "not", "args": [is_null]}
        return {"op": _QUERY_OPERATORS[operator], "args": [named, operand]}
    if operator in _PATTERNS:
        if not isinstance(operand, str):
            raise InvalidRequest("query", f"{operator} of {name[:80]!r} needs a string")
        literal = re.sub(r"([\\%_])", r"\\\1", operand)
        return {"op": "like", "args": [named, _PATTERNS[operator].format(literal)]}
    if operator == "in":
        return {"op": "in", "args": [named, operand]}
    raise InvalidRequest("query", f"operator {operator[:40]!r} is not supported")
