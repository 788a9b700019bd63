"""What is wrong with a request whatever it asks for."""

import json
from collections import Counter
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from catalog.errors import InvalidRequest


def refuse_repeated(request: Request) -> None:
    """Refuse a parameter that is given twice: one of both would be dropped silently.

    Raises:
        InvalidRequest: names the parameter.
    """
    seen = set()
    for name, _ in request.query_params.multi_items():
        if name in seen and name in _NAMES:
            raise InvalidRequest(name, "is given more than once")
        seen.add(name)


def refuse_repeated_members(raw: bytes | str) -> None:
    """Refuse JSON in which a member of an object stands twice: all but the last would be dropped silently.

    Args:
        raw: JSON that was parsed before, and so is not nested without bound.

    Raises:
        InvalidRequest: names the member.
    """
    json.loads(raw, object_pairs_hook=_refuse_repeated_pairs)


def _refuse_repeated_pairs(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidRequest(name[:80], "is given more than once")


def require_json(request: Request) -> None:
    """Refuse a body that does not say it is JSON.

    Raises:
        HTTPException: 415.
    """
    kind = request.headers.get("content-type", "application/json").split(";", 1)[0].strip().lower()
    if kind not in ("application/json", "application/geo+json") and not kind.endswith("+json"):
        raise HTTPException(415, f"a search is posted as application/json, not as {kind[:80]}")


_NAMES = frozenset(
    {
        "aggregations",
        "bbox",
        "collections",
        "datetime",
        "fields",
        "filter",
        "filter-crs",
        "filter-lang",
        "ids",
        "intersects",
        "lang",
        "language",
        "limit",
        "q",
        "query",
        "sortby",
        "token",
    }
)
