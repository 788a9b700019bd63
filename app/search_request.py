"""From what a client sent to a `Search`: the one place where parameters get their meaning.

A GET request is first written as the body that a POST would have had.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.fields import Fields, fields_from_text, read_fields
from app.filters import both, read_filter, read_query
from app.request_body import refuse_repeated_members
from catalog.errors import InvalidRequest
from catalog.freetext import read_free_text
from catalog.instant import Interval, parse_interval
from catalog.store.geojson import bbox_geometry, check_geometry
from catalog.store.search import NEWEST_FIRST, Search, SortKey

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
# Of 2024-01-01T00:00:00+09:00 in a query string whose + was not escaped, and so arrives as a space.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:\d\d(?:/|$))", re.ASCII)
MAX_JSON_DEPTH = 200
_MAX_NAMES = 10_000
_MAX_SORT_KEYS = 10


@dataclass(frozen=True)
class SearchRequest:
    """A search, and how its answer shall look.

    Attributes:
        search: what the store is asked.
        fields: members of items that are wanted; None: all.
        body: the POST body it came in; None for GET.
        filter_name: the parameter that its filter came in.
    """

    search: Search
    fields: Fields | None
    body: Mapping[str, Any] | None
    filter_name: str


def read_body(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a POST body; nothing at all is an empty one.

    Raises:
        InvalidRequest: it is not one, or as `read_json`.
    """
    body = read_json(raw or b"{}")
    if not isinstance(body, dict):
        raise InvalidRequest("body", "is not a JSON object")
    return body


def read_json(raw: bytes) -> Any:
    """Return the JSON value of a body.

    Raises:
        InvalidRequest: it is none, or holds text that no database can (NUL), or is nested absurdly, or
            one of its objects has a member twice.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("body", f"is not JSON: {error}") from error
    if isinstance(body, dict):
        for name, value in body.items():
            _check_json(name, name)
            _check_json(value, name)
    else:
        _check_json(body, "body")
    refuse_repeated_members(raw)
    return body


def body_of_get(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that a POST with the same meaning would have had.

    Args:
        parameters: of a GET request by the names of `app.parameters`; None where not given.

    Raises:
        InvalidRequest: names the parameter.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    body: dict[str, Any] = {name: given[name] for name in ("limit", "q", "token") if name in given}
    if "datetime" in given:
        body["datetime"] = _LOST_PLUS.sub("+", given["datetime"])
    for name, key in (
        ("filter_expr", "filter"),
        ("filter_lang", "filter-lang"),
        ("filter_crs", "filter-crs"),
    ):
        if name in given:
            body[key] = given[name]
    for name in ("collections", "ids"):
        if name in given:
            body[name] = [part.strip() for part in given[name].split(",") if part.strip()]
    if "bbox" in given:
        body["bbox"] = [_number(part) for part in given["bbox"].split(",")]
    for name in ("intersects", "query"):
        if given.get(name):
            body[name] = _json(given[name], name)
    if given.get("sortby"):
        body["sortby"] = [_sort_from_text(part) for part in given["sortby"].split(",")]
    if "fields" in given:
        body["fields"] = fields_from_text(given["fields"])
    text = given.get("filter_expr", "")
    if body.get("filter-lang") == "cql2-json" or (
        text.lstrip().startswith("{") and "filter_lang" not in given
    ):
        body["filter"] = _json(text, "filter") if text else None
    return body


def read_search(
    body: Mapping[str, Any], *, default_limit: int, max_limit: int, posted: bool
) -> SearchRequest:
    """Return the search that a body asks for.

    Args:
        body: members that mean nothing here are ignored, as STAC API asks.
        default_limit: items of a page if it says nothing.
        max_limit: a greater limit is cut to it.
        posted: whether it is a POST body, or was written by `body_of_get`.

    Raises:
        InvalidRequest: names the member.
    """
    if body.get("bbox") is not None and body.get("intersects") is not None:
        raise InvalidRequest("bbox", "cannot be used together with intersects")
    condition = both(
        read_filter(body.get("filter"), body.get("filter-lang"), body.get("filter-crs")),
        read_query(body.get("query")),
    )
    fields = read_fields(body["fields"]) if "fields" in body else None
    search = Search(
        collections=_names(body, "collections"),
        ids=_names(body, "ids"),
        geometry=_geometry(body),
        interval=read_interval(body.get("datetime")),
        filter=condition,
        sort=read_sort(body.get("sortby")),
        limit=read_limit(body.get("limit"), default_limit, max_limit),
        token=read_token(body.get("token")),
        without_assets=fields is not None and not fields.need_assets,
        text=read_free_text(body.get("q")),
    )
    return SearchRequest(
        search,
        fields=fields,
        body=body if posted else None,
        filter_name="query" if body.get("filter") is None else "filter",
    )


def _names(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise InvalidRequest(name, "is not a list of strings")
    if len(value) > _MAX_NAMES:
        raise InvalidRequest(name, f"has more than {_MAX_NAMES} entries")
    return tuple(dict.fromkeys(value))


def _geometry(body: Mapping[str, Any]) -> dict[str, Any] | None:
    for name, read in (("bbox", bbox_geometry), ("intersects", check_geometry)):
        value = body.get(name)
        if value is None:
            continue
        if name == "bbox" and not isinstance(value, list):
            raise InvalidRequest(name, "is not a list of numbers")
        try:
            return read(value)
        except ValueError as error:
            raise InvalidRequest(name, str(error)) from error
    return None


def read_interval(value: Any) -> Interval | None:
    """Return the time span of `datetime`, None if there is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest("datetime", "is not a string")
    try:
        return parse_interval(value)
    except ValueError as error:
        raise InvalidRequest("datetime", str(error)) from error


def read_limit(value: Any, default: int, maximum: int) -> int:
    """Return how many a page has: the default if it is not said, the maximum if it is more."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest("limit", "is not a whole number of at least 1")
    return min(value, maximum)


def read_token(value: Any) -> str | None:
    """Return the page token, None if there is none."""
    if value is not None and not isinstance(value, str):
        raise InvalidRequest("token", "is not a string")
    return value


def read_sort(value: Any) -> tuple[SortKey, ...]:
    """Return the keys of `sortby`; the newest first if there are none."""
    if value is None or value == []:
        return NEWEST_FIRST
    if not isinstance(value, list):
        raise InvalidRequest(
            "sortby", 'is not a list of objects such as {"field": "datetime", "direction": "desc"}'
        )
    if len(value) > _MAX_SORT_KEYS:
        raise InvalidRequest("sortby", f"has more than {_MAX_SORT_KEYS} keys")
    keys: dict[str, SortKey] = {}
    for part in value:
        if not isinstance(part, dict) or not isinstance(part.get("field"), str) or not part["field"].strip():
            raise InvalidRequest("sortby", "each key names a `field`")
        if part.get("direction", "asc") not in ("asc", "desc"):
            raise InvalidRequest("sortby", "a direction is asc or desc")
        # Sorting by the same field again changes nothing.
        keys.setdefault(part["field"], SortKey(part["field"].strip(), part.get("direction") == "desc"))
    return tuple(keys.values())


def _sort_from_text(text: str) -> dict[str, str]:
    # A + in a query string arrives as a space.
    name = text.strip()
    direction = "desc" if name.startswith("-") else "asc"
    return {"field": name.lstrip("+-").strip() if name[:1] in "+-" else name, "direction": direction}


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise InvalidRequest("bbox", f"{text[:40]!r} is not a number")
    return float(text)


def _json(text: str, name: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(name, f"is not JSON: {error}") from error
    _check_json(value, name)
    refuse_repeated_members(text)
    return value


def _check_json(value: Any, name: str) -> None:
    """Walk without recursion, since the depth is the client's."""
    waiting = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_JSON_DEPTH:
            raise InvalidRequest(name[:80], f"is nested more than {MAX_JSON_DEPTH} deep")
        if isinstance(node, str):
            if "\0" in node:
                raise InvalidRequest(name[:80].replace("\0", "\\0"), "contains a NUL character")
        elif isinstance(node, dict):
            waiting.extend((part, depth + 1) for pair in node.items() for part in pair)
        elif isinstance(node, list):
            waiting.extend((part, depth + 1) for part in node)
