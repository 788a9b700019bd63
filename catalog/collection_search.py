"""Searching collections, all of which are at hand.

Their properties are their members, by path (`extent`, `providers.name`), and what their summaries list
by its own name (`platform`, `eo:cloud_cover`). `datetime` is the span of their temporal extent,
`geometry` their boxes. What a client asks is held against what it is shown, in its language.

Source: STAC API Collection Search extension, v1.0.0-rc.1.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cmp_to_key
from typing import Any

import orjson

from catalog.errors import InvalidRequest
from catalog.evaluate.filter import meets
from catalog.evaluate.relations import temporal
from catalog.evaluate.values import instant_of
from catalog.freetext import Expression, Term, holds, positive_terms
from catalog.instant import Interval
from catalog.store.geojson import Box, Malformed, bbox_boxes
from catalog.store.search import SortKey
from catalog.store.token import SORTED_CHARACTERS, Position

Matches = Mapping[Term, Mapping[str, float]]
"""For each term the collections that have it, and how much it tells of them."""


@dataclass(frozen=True)
class CollectionSearch:
    """What a client asks of the collections.

    Attributes:
        text: free text.
        boxes: a collection has to touch one of them; None: wherever.
        interval: time span that its extent must touch.
        filter: CQL2-JSON that `catalog.store.cql2` has compiled without complaint.
        sort: keys in order; none: by relevance if there is free text, then by id.
        limit: most collections of a page; None: all.
        token: page token of an earlier answer.
        language: what it is shown in.
    """

    text: Expression | None = None
    boxes: tuple[Box, ...] | None = None
    interval: Interval | None = None
    filter: Any = None
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    token: str | None = None
    language: str = "en"

    @property
    def fingerprint(self) -> str:
        """A digest of everything but limit and token: pages of one walk share it."""
        text = repr(replace(self, limit=None, token=None))
        return "collections " + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Candidate:
    """A collection as the client would see it."""

    id: str
    content: Mapping[str, Any] = field(repr=False)

    def value(self, name: str) -> Any:
        """Return a property: a string, number, boolean, time, geometry or list; None if there is none."""
        name = name.removeprefix("properties.")
        if name == "geometry":
            return _geometry(spatial_extent(self.content))
        if name in ("datetime", "start_datetime", "end_datetime"):
            spans = temporal_extent(self.content)
            whole = spans[0] if spans else None
            return {"datetime": whole, "start_datetime": whole and whole.start}.get(name, whole and whole.end)
        found = _member(self.content, name)
        summaries = self.content.get("summaries")
        if found is None and isinstance(summaries, Mapping):
            found = summaries.get(name.removeprefix("summaries."))
        return None if isinstance(found, Mapping) else found


def find(candidates: Iterable[Candidate], search: CollectionSearch, matches: Matches) -> list[Candidate]:
    """Return the collections that a search finds, in its order, on whatever page.

    Args:
        candidates: all collections.
        search: what is asked.
        matches: of the terms of its free text.

    Raises:
        InvalidRequest: no collection has a property to sort by.
    """
    everything = list(candidates)
    for key in search.sort:
        if key.name.removeprefix("properties.") == "geometry":
            raise InvalidRequest("sortby", "a geometry has no order")
        if everything and all(one.value(key.name) is None for one in everything):
            raise InvalidRequest("sortby", f"{key.name[:80]!r} is not a property of any collection")
    found = [one for one in everything if _is_found(one, search, matches)]
    places = {one.id: (sort_values(one, search, matches), one.id) for one in found}

    def compare(one: Candidate, other: Candidate) -> int:
        return _compare(places[one.id], places[other.id], search.sort)

    return sorted(found, key=cmp_to_key(compare))


def page_of(
    found: Sequence[Candidate], search: CollectionSearch, matches: Matches, position: Position | None
) -> tuple[Sequence[Candidate], bool, bool]:
    """Return one page of what was found, and whether more lies before it and behind it."""
    start, limit = 0, len(found) if search.limit is None else search.limit
    if position is not None:
        mark = [None if value is None else orjson.loads(value) for value in position.values], position.id
        order = [_compare((sort_values(one, search, matches), one.id), mark, search.sort) for one in found]
        if position.forward:
            start = sum(place <= 0 for place in order)
        else:
            end = sum(place < 0 for place in order)
            # If all that lay before the place is gone, what follows it is the first page now.
            start, limit = max(0, end - limit), min(limit, end) or limit
    return found[start : start + limit], start > 0, start + limit < len(found)


def sort_values(one: Candidate, search: CollectionSearch, matches: Matches) -> list[Any]:
    """Return what a collection is sorted by, apart from its id, as JSON has it; texts cut to what a token holds."""
    if search.sort:
        return [_sortable(one.value(key.name)) for key in search.sort]
    if search.text is None:
        return []
    return [-round(sum(matches[term].get(one.id, 0.0) for term in positive_terms(search.text)), 6)]


def spatial_extent(content: Mapping[str, Any]) -> list[Box]:
    """Return all boxes of a collection; one that is malformed counts for nothing."""
    boxes = _path(content, "extent", "spatial", "bbox")
    found: list[Box] = []
    for box in boxes if isinstance(boxes, list) else []:
        try:
            found += bbox_boxes(box)
        except (Malformed, TypeError):
            continue
    return found


def temporal_extent(content: Mapping[str, Any]) -> list[Interval]:
    """Return all time spans of a collection, the whole one first."""
    spans = _path(content, "extent", "temporal", "interval")
    found = []
    for span in spans if isinstance(spans, list) else []:
        if isinstance(span, list) and len(span) == 2:
            ends = [instant_of(end) if isinstance(end, str) else None for end in span]
            found.append(Interval(*(end if isinstance(end, datetime) else None for end in ends)))
    return found


def _is_found(one: Candidate, search: CollectionSearch, matches: Matches) -> bool:
    if search.boxes is not None and not any(
        _touch(mine, asked) for mine in spatial_extent(one.content) for asked in search.boxes
    ):
        return False
    if search.interval is not None and not any(
        temporal("t_intersects", span, search.interval) for span in temporal_extent(one.content)
    ):
        return False
    if search.text is not None and not holds(
        search.text, {term: one.id in collections for term, collections in matches.items()}
    ):
        return False
    return search.filter is None or meets(search.filter, one.value) is True


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _geometry(boxes: list[Box]) -> dict[str, Any] | None:
    rings = [[[[w, s], [e, s], [e, n], [w, n], [w, s]]] for w, s, e, n in boxes]
    return {"type": "MultiPolygon", "coordinates": rings} if rings else None


def _path(content: Any, *names: str) -> Any:
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _member(node: Any, name: str) -> Any:
    """Return a member by its path; of a list, what all of its objects have there."""
    if isinstance(node, list):
        found = [value for part in node if (value := _member(part, name)) is not None]
        return found or None
    if not isinstance(node, Mapping):
        return None
    if name in node:
        return node[name]
    # Dots may also be part of a name: the longest one that fits counts.
    for at in sorted((at for at, character in enumerate(name) if character == "."), reverse=True):
        if name[:at] in node:
            return _member(node[name[:at]], name[at + 1 :])
    return None


def _sortable(value: Any) -> Any:
    if isinstance(value, Interval):
        value = value.start
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | dict):
        value = orjson.dumps(value).decode()
    return value[:SORTED_CHARACTERS] if isinstance(value, str) else value


def _compare(one: tuple[list[Any], str], other: tuple[list[Any], str], sort: tuple[SortKey, ...]) -> int:
    """Compare two places in the order; no value comes last whatever the direction, ids break ties."""
    descending = [key.descending for key in sort] or [False] * len(one[0])
    for left, right, down in zip(one[0], other[0], descending, strict=True):
        if left == right:
            continue
        if left is None or right is None:
            return 1 if left is None else -1
        is_less = _ranked(left) < _ranked(right)
        return -1 if is_less != down else 1
    return (one[1] > other[1]) - (one[1] < other[1])


def _ranked(value: Any) -> tuple[int, Any]:
    """Values of different types have an order too, so that there is one."""
    if isinstance(value, bool):
        return 0, value
    return (1, value) if isinstance(value, int | float) else (2, str(value))
