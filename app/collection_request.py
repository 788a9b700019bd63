"""From what a client sent to a `CollectionSearch`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.fields import COLLECTION_DEFAULT, Fields, read_fields
from app.filters import both, read_filter, read_query
from app.search_request import read_interval, read_limit, read_sort, read_token
from catalog.collection_search import CollectionSearch
from catalog.errors import InvalidRequest
from catalog.freetext import read_free_text
from catalog.store.cql2.compiler import compile_filter
from catalog.store.geojson import Box, bbox_boxes
from catalog.store.parameters import Parameters
from catalog.store.queryables import Queryables

_ANY_PROPERTY = Queryables(())


@dataclass(frozen=True)
class CollectionRequest:
    """A search of collections, and how its answer shall look.

    Attributes:
        search: what is asked.
        fields: members that are wanted; None: all.
        body: the POST body it came in; None for GET.
    """

    search: CollectionSearch
    fields: Fields | None
    body: Mapping[str, Any] | None


def read_collection_search(
    body: Mapping[str, Any], *, language: str, max_limit: int, posted: bool
) -> CollectionRequest:
    """Return the search of collections that a body asks for.

    Args:
        body: members that mean nothing here are ignored.
        language: what the client is shown, and so what it searches in.
        max_limit: a greater limit is cut to it.
        posted: whether it is a POST body, or was written by `body_of_get`.

    Raises:
        InvalidRequest: names the member.
    """
    sort = body.get("sortby")
    search = CollectionSearch(
        text=read_free_text(body.get("q")),
        boxes=_boxes(body.get("bbox")),
        interval=read_interval(body.get("datetime")),
        filter=_filter(body),
        sort=() if sort is None or sort == [] else read_sort(sort),
        limit=None if body.get("limit") is None else read_limit(body["limit"], max_limit, max_limit),
        token=read_token(body.get("token")),
        language=language,
    )
    fields = read_fields(body["fields"], COLLECTION_DEFAULT) if "fields" in body else None
    return CollectionRequest(search, fields, body if posted else None)


def _filter(body: Mapping[str, Any]) -> Any:
    """Return the filter as it was given; that it can be evaluated is checked as for items."""
    expression = read_filter(body.get("filter"), body.get("filter-lang"), body.get("filter-crs"))
    conditions = read_query(body.get("query"))
    for name, part in (("filter", expression), ("query", conditions)):
        if part is not None:
            try:
                compile_filter(part, _ANY_PROPERTY, Parameters())
            except InvalidRequest as error:
                raise InvalidRequest(name, error.reason) from error
    return both(expression, conditions)


def _boxes(value: Any) -> tuple[Box, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise InvalidRequest("bbox", "is not a list of numbers")
    try:
        return tuple(bbox_boxes(value))
    except ValueError as error:
        raise InvalidRequest("bbox", str(error)) from error
