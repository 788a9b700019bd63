"""Random searches, answered by the store and by plain Python over the same items.

`ORACLE_EXAMPLES=3000 pytest tests/oracle` tries more of them than an everyday run does.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, Point
from shapely.geometry import shape

from app.search_request import read_search
from catalog.store.search import Search
from tests.oracle.conftest import Store
from tests.oracle.evaluate import Number, Undecided, answer, bbox_shape, matches, read_as, span
from tests.oracle.evaluate import _spatial as relation
from tests.oracle.items import COLLECTIONS
from tests.oracle.strategies import BBOXES, FILTERS, GEOMETRIES, INTERVALS, SORTS

_EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "150"))
Keys = list[tuple[str, str]]


def tried(share: float = 1.0) -> Any:
    """Return the settings of a test that tries a share of the examples asked for."""
    return settings(
        max_examples=max(1, int(_EXAMPLES * share)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize="ORACLE_EXAMPLES" not in os.environ,
        database=None,
    )


def search_of(**body: Any) -> Search:
    return read_search(body, default_limit=10, max_limit=10_000, posted=True).search


def key(item: dict[str, Any]) -> tuple[str, str]:
    return item["collection"], item["id"]


def keys_of(page: Any) -> Keys:
    return [(document.collection, document.id) for document in page.documents]


def walk(store: Store, search: Search, longest: int = 200) -> Keys:
    """Return the keys of all pages, each also reached back from the one behind it."""
    found: Keys = []
    before: Keys | None = None
    for _ in range(longest):
        page = store.run(store.reader.search(search))
        keys = keys_of(page)
        found += keys
        if before is not None:
            assert page.previous is not None
            assert keys_of(store.run(store.reader.search(replace(search, token=page.previous)))) == before
        if page.next is None:
            return found
        before = keys
        search = replace(search, token=page.next)
    raise AssertionError("the walk does not end")


# --- filters ---


@given(condition=FILTERS)
@tried()
def test_filter(store: Store, condition: Any) -> None:
    try:
        wanted = {key(item) for item in store.items if matches(condition, item)}
    except Undecided:
        assume(False)
        return
    page = store.run(store.reader.search(search_of(filter=condition, limit=1000)))
    found = set(keys_of(page))
    odd = found ^ wanted
    shown = [(item, answer(condition, item)) for item in store.items if key(item) in odd][:1]
    assert found == wanted, orjson.dumps([condition, len(found), len(wanted), shown]).decode()
    assert page.matched is not None
    assert (page.matched.items, page.matched.is_exact) == (len(wanted), True)


@given(condition=FILTERS, negated=st.just(True))
@tried(0.3)
def test_a_filter_and_its_opposite_leave_out_what_cannot_be_compared(
    store: Store, condition: Any, negated: bool
) -> None:
    opposite = {"op": "not", "args": [condition]}
    try:
        answers = [answer(condition, item) for item in store.items]
    except Undecided:
        assume(False)
        return
    counts = []
    for one in (condition, opposite):
        counts.append(len(store.run(store.reader.search(search_of(filter=one, limit=1000))).documents))
    assert counts == [answers.count(True), answers.count(False)]


# --- place, time, ids ---


def _time_of(text: str) -> tuple[datetime, datetime]:
    first, _, last = text.partition("/")
    ends = [first, last or first]
    far = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    start, end = (far[n] if part == ".." else datetime.fromisoformat(part) for n, part in enumerate(ends))
    return start, end


def selected(store: Store, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The items that all members of a body but order and paging let through."""
    items = store.items
    if "collections" in body:
        items = [item for item in items if item["collection"] in body["collections"]]
    if "ids" in body:
        items = [item for item in items if item["id"] in body["ids"]]
    if "bbox" in body or "intersects" in body:
        area = {"bbox": body["bbox"]} if "bbox" in body else body["intersects"]
        items = [
            item
            for item in items
            if matches({"op": "s_intersects", "args": [{"property": "geometry"}, area]}, item)
        ]
    if "datetime" in body:
        start, end = _time_of(body["datetime"])
        items = [item for item in items if span(item)[0] <= end and span(item)[1] >= start]
    if "filter" in body:
        items = [item for item in items if matches(body["filter"], item)]
    return items


_places = st.one_of(
    st.just({}), BBOXES.map(lambda b: {"bbox": b}), GEOMETRIES.map(lambda g: {"intersects": g})
)
_times = st.just({}) | INTERVALS.map(lambda text: {"datetime": text})
_collections = st.just({}) | st.lists(st.sampled_from([*COLLECTIONS, "none"]), min_size=1, max_size=3).map(
    lambda names: {"collections": names}
)
_ids = st.just({}) | st.lists(st.sampled_from(["a000", "B001", "b002", "A003", "a004"]), min_size=1).map(
    lambda names: {"ids": names}
)
BODIES = st.tuples(_places, _times, _collections, st.just({}) | _ids).map(
    lambda parts: {name: value for part in parts for name, value in part.items()}
)


@given(body=BODIES)
@tried(0.6)
def test_place_time_and_collections(store: Store, body: dict[str, Any]) -> None:
    wanted = {key(item) for item in selected(store, body)}
    assert set(keys_of(store.run(store.reader.search(search_of(**body, limit=1000))))) == wanted


# --- order and paging ---


def _sort_value(item: dict[str, Any], name: str) -> Any:
    kinds = {"num": "number", "count": "number", "made": "time", "flag": "flag"}
    value = read_as(name, kinds.get(name, "text"), item)
    return value.value if isinstance(value, Number) else value


def in_order(items: list[dict[str, Any]], sort: list[tuple[str, bool]]) -> Keys:
    sort = sort or [("datetime", True)]
    names = {name for name, _ in sort}
    ties = [(name, sort[0][1]) for name in ("collection", "id") if name not in names]
    result = list(items)
    for name, descending in reversed([*sort, *ties]):
        valued = [item for item in result if _sort_value(item, name) is not None]
        rest = [item for item in result if _sort_value(item, name) is None]
        valued.sort(key=lambda item: _sort_value(item, name), reverse=descending)
        result = valued + rest
    return [key(item) for item in result]


@given(
    body=BODIES, sort=SORTS, condition=st.none() | FILTERS, limit=st.sampled_from([5, 13, 40, 119, 120, 500])
)
@tried(0.25)
def test_pages_are_the_wholein_order(
    store: Store, body: dict[str, Any], sort: list[tuple[str, bool]], condition: Any, limit: int
) -> None:
    if condition is not None:
        body = {**body, "filter": condition}
    try:
        wanted = in_order(selected(store, body), sort)
    except Undecided:
        assume(False)
        return
    sortby = [{"field": name, "direction": "desc" if descending else "asc"} for name, descending in sort]
    assert walk(store, search_of(**body, sortby=sortby, limit=limit)) == wanted


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("name", ["datetime", "num"])
def test_pages_of_one_item(store: Store, name: str, descending: bool) -> None:
    body = {"collections": ["alpha", "gamma"]}
    wanted = in_order(selected(store, body), [(name, descending)])
    sortby = [{"field": name, "direction": "desc" if descending else "asc"}]
    assert walk(store, search_of(**body, sortby=sortby, limit=1)) == wanted


# --- what comes back ---


def test_items_come_back_as_they_were_loaded(store: Store) -> None:
    page = store.run(store.reader.search(search_of(limit=1000)))
    found = {
        (document.collection, document.id): {**orjson.loads(document.members), "links": document.links}
        for document in page.documents
    }
    for item in store.items:
        assert found[key(item)] == item


def test_the_items_tell_every_operator_apart(store: Store) -> None:
    """An oracle over items that all match, or none, would show nothing."""
    for op in ("intersects", "touches", "within", "overlaps", "crosses", "contains", "equals"):
        areas = [bbox_shape([0, 0, 10, 10]), bbox_shape([-5, -5, 15, 15])]
        areas += [LineString([(-20, 2), (20, 2)]), Point(5, 5)]
        areas += [bbox_shape([-20, y, -10, y + 10]) for y in (-15, 5)]
        cells = [(x, y) for x in range(-20, 20, 5) for y in range(-20, 20, 5)]
        areas += [bbox_shape([x, y, x + 5, y + 5]) for x, y in cells]
        areas += [bbox_shape([x + 1, y + 1, x + 2, y + 2]) for x, y in cells]
        hits = {relation(f"s_{op}", shape(item["geometry"]), area) for item in store.items for area in areas}
        assert hits == {True, False}, op
