"""CQL2 filters evaluated in Python."""

import time
from typing import Any

import cql2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.collection_search import Candidate
from catalog.evaluate.filter import meets
from catalog.evaluate.values import like
from tests.api.texts import COLLECTIONS

BY_ID = {collection["id"]: Candidate(collection["id"], collection) for collection in COLLECTIONS}
EVERY = set(BY_ID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id = 'himawari'", {"himawari"}),
        ("id <> 'himawari'", EVERY - {"himawari"}),
        ("title LIKE '%sea%'", {"gcom-c-sst"}),
        ("CASEI(title) LIKE CASEI('%REEFS%')", {"fiji-map"}),
        ("ACCENTI(title) = ACCENTI('Cafe Societe')", {"two-places"}),
        ("title IS NULL", {"untitled"}),
        ("NOT title = 'x'", EVERY - {"untitled"}),
        ("title = 'x' OR title IS NULL", {"untitled"}),
        ("license IN ('CC-BY-4.0', 'CC0')", {"gcom-c-sst"}),
        ("platform = 'himawari-9'", {"himawari"}),
        ("platform IN ('alos', 'himawari-8')", {"alos-palsar", "himawari"}),
        ("summaries.platform = 'alos'", {"alos-palsar"}),
        ("gsd < 15", {"alos-palsar"}),
        ("gsd BETWEEN 200 AND 600", {"gcom-c-sst", "himawari"}),
        ("gsd BETWEEN 11 AND 19", set()),
        ("gsd * 2 = 500", {"gcom-c-sst"}),
        ("1000 - gsd < 0", set()),
        ("gsd / 0 = 1", set()),
        ("title", set()),
        ("NOT title", set()),
        ("true", EVERY),
        ("T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '1999-01-01T00:00:00Z'))", {"fiji-map"}),
        ("providers.name = 'METI'", {"alos-palsar"}),
        ("A_CONTAINS(platform, ('himawari-8', 'himawari-9'))", {"himawari"}),
        ("A_OVERLAPS(keywords, ('cloud', 'radar'))", {"alos-palsar", "himawari"}),
        ("A_EQUALS(keywords, ('cloud'))", {"himawari"}),
        ("A_CONTAINEDBY(keywords, ('cloud', 'radar'))", {"himawari", "fiji-map", "untitled"}),
        ("datetime < TIMESTAMP('2012-01-01T00:00:00Z')", {"alos-palsar", "fiji-map"}),
        ("start_datetime >= TIMESTAMP('2018-01-01T00:00:00Z')", {"gcom-c-sst"}),
        ("end_datetime IS NULL", {"gcom-c-sst", "himawari", "untitled"}),
        ("T_DURING(datetime, INTERVAL('2014-01-01T00:00:00Z', '2017-01-01T00:00:00Z'))", {"two-places"}),
        ("T_INTERSECTS(datetime, INTERVAL('..', '1999-01-01T00:00:00Z'))", {"fiji-map"}),
        ("S_INTERSECTS(geometry, POINT(179 -17))", EVERY - {"gcom-c-sst", "two-places"}),
        ("S_WITHIN(geometry, POLYGON((100 10, 160 10, 160 60, 100 60, 100 10)))", {"gcom-c-sst"}),
        ("S_DISJOINT(geometry, POINT(0 -80))", {"gcom-c-sst", "fiji-map", "two-places", "himawari"}),
        ("nothing = 1", set()),
        ("NOT nothing = 1", set()),
        ("title = license", set()),
        ("title < 5", set()),
    ],
)  # fmt: skip
def test_filters_of_collections(text: str, expected: set[str]) -> None:
    node = cql2.parse_text(text).to_json()
    assert {name for name, one in BY_ID.items() if meets(node, one.value) is True} == expected


@given(st.text("ab%_\\", max_size=8), st.text("ab%_\\", max_size=8))
def test_like_is_what_the_plain_recursion_says(value: str, pattern: str) -> None:
    assert like(value, pattern) == _plain_like(value, pattern)


def _plain_like(value: str, pattern: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "%":
        return _plain_like(value, pattern[1:]) or (bool(value) and _plain_like(value[1:], pattern))
    if pattern[0] == "\\":
        if len(pattern) == 1:
            return not value
        return bool(value) and value[0] == pattern[1] and _plain_like(value[1:], pattern[2:])
    return bool(value) and pattern[0] in ("_", value[0]) and _plain_like(value[1:], pattern[1:])


def test_no_pattern_takes_long() -> None:
    started = time.monotonic()
    assert like("a" * 20_000, "%a" * 200 + "%b") is False
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("value", [None, 3, ["x"]])
def test_like_of_what_is_no_text(value: Any) -> None:
    assert like(value, "%") is None
