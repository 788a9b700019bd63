"""What can be said against an item, and what of it is stored, without a database."""

import copy
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.absent import ABSENT
from catalog.errors import RecordRefused
from catalog.store.base_item import BaseItem, strip
from catalog.store.copy_rows import microseconds, moment
from catalog.store.prepared import SHARDS, prepare
from tests.store.items import item

PLAIN = BaseItem(None, "1.1.0", {})


def test_an_offset_moves_the_time_not_the_instant():
    prepared = prepare(item("c", "a", "2024-05-01T00:30:00+09:00"), PLAIN)
    assert moment(prepared.start) == datetime(2024, 4, 30, 15, 30, tzinfo=UTC)


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_any_time_with_any_offset_is_the_right_instant(naive: datetime, minutes: int):
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{naive.isoformat()}{sign}{hours:02}:{rest:02}"
    expected = datetime.fromisoformat(text).astimezone(UTC)
    assert moment(prepare(item("c", "a", text), PLAIN).start) == expected
    assert moment(microseconds(expected)) == expected


def test_a_range_counts_before_the_time_in_it():
    both = item("c", "a", "2024-05-15T00:00:00Z", start_datetime="2024-05-01T00:00:00Z")
    both["properties"]["end_datetime"] = "2024-05-31T00:00:00Z"
    prepared = prepare(both, PLAIN)
    assert [f"{moment(number):%d}" for number in (prepared.start, prepared.end)] == ["01", "31"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": ""}, "bad-id"),
    "id of a number": ({"id": 7}, "bad-id"),
    "NUL in the id": ({"id": "a\x00b"}, "bad-id"),
    "half a surrogate pair in the id": ({"id": "a\ud800"}, "bad-id"),
    "id too long for an index": ({"id": "架" * 900}, "bad-id"),
    "no geometry": ({"geometry": None}, "no-geometry"),
    "geometry of no known type": ({"geometry": {"type": "Blob", "coordinates": [1, 2]}}, "bad-geometry"),
    "no coordinates": ({"geometry": {"type": "Point", "coordinates": []}}, "bad-geometry"),
    "text for a number": ({"geometry": {"type": "Point", "coordinates": ["1", "2"]}}, "bad-geometry"),
    "truth for a number": ({"geometry": {"type": "Point", "coordinates": [True, 2]}}, "bad-geometry"),
    "one number": ({"geometry": {"type": "Point", "coordinates": [1]}}, "bad-geometry"),
    "not finite": ({"geometry": {"type": "Point", "coordinates": [float("nan"), 2]}}, "bad-geometry"),
    "open ring": (
        {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}},
        "bad-geometry",
    ),
    "short ring": (
        {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}},
        "bad-geometry",
    ),
    "wrong depth": ({"geometry": {"type": "Polygon", "coordinates": [[0, 0], [1, 1]]}}, "bad-geometry"),
    "no properties": ({"properties": None}, "bad-structure"),
    "no time": ({"properties": {}}, "no-datetime"),
    "half a range": (
        {"properties": {"datetime": None, "start_datetime": "2024-05-01T00:00:00Z"}},
        "no-datetime",
    ),
    "time that is none": ({"properties": {"datetime": "yesterday"}}, "bad-datetime"),
    "time of a number": ({"properties": {"datetime": 2024}}, "bad-datetime"),
    "week": ({"properties": {"datetime": "2024-W01-1"}}, "bad-datetime"),
    "reversed": (
        {"properties": {"start_datetime": "2024-05-02T00:00:00Z", "end_datetime": "2024-05-01T00:00:00Z"}},
        "reversed-times",
    ),
    "NUL in a text": (
        {"properties": {"datetime": "2024-05-01T00:00:00Z", "title": "a\x00b"}},
        "bad-text",
    ),
    "half a surrogate pair": (
        {"properties": {"datetime": "2024-05-01T00:00:00Z", "title": "\udfff"}},
        "bad-text",
    ),
    "no number": ({"properties": {"datetime": "2024-05-01T00:00:00Z", "gsd": {1, 2}}}, "bad-text"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stored_is_refused_before_it_is_sent(change: dict[str, Any], code: str):
    with pytest.raises(RecordRefused) as caught:
        prepare(item("c", "a") | change, PLAIN)
    assert caught.value.code == code


def test_a_backslash_before_u0000_is_no_nul():
    odd = item("c", "a", title="\\u0000")
    assert orjson.loads(prepare(odd, PLAIN).content)["properties"]["title"] == "\\u0000"


def test_the_digest_ignores_the_time_of_the_harvest_and_the_order_of_members():
    one = item("c", "a", gsd=10, **{"harvest:time": "2026-01-01T00:00:00Z"})
    other = copy.deepcopy(one)
    other["properties"] = dict(reversed(other["properties"].items())) | {
        "harvest:time": "2027-01-01T00:00:00Z"
    }
    first, second = prepare(one, PLAIN), prepare(dict(reversed(other.items())), PLAIN)
    assert first.digest == second.digest
    assert b"2027" in second.content
    assert prepare(item("c", "a", gsd=11), PLAIN).digest != first.digest


def test_what_pgstac_keeps_apart_is_not_kept_twice():
    whole = item("c", "a", nothing=None)
    stored = orjson.loads(prepare(whole, PLAIN).content)
    assert not set(stored) & {"id", "type", "geometry", "collection", "stac_version"}
    assert stored["properties"] == whole["properties"]  # explicit nulls too


def test_a_leaked_mark_of_pgstac_does_not_act_as_one():
    leaked = item("c", "a", platform=ABSENT, instruments=["msi", ABSENT])
    stored = orjson.loads(prepare(leaked, PLAIN).content)
    assert "platform" not in stored["properties"]
    assert stored["properties"]["instruments"] == ["msi"]


def test_an_item_is_not_changed_by_being_prepared():
    whole = item("c", "a", **{"harvest:time": "2026-01-01T00:00:00Z"})
    before = copy.deepcopy(whole)
    prepare(whole, BaseItem(3, "1.0.0", {"assets": {"data": {"roles": ["data"]}}}))
    assert whole == before


def test_shards_are_few_and_all_of_them_are_used():
    found = {prepare(item("c", str(number)), PLAIN).shard for number in range(500)}
    assert found == set(range(SHARDS))


# What remains beside a base item, undone by the rules of pgstac's merge_jsonb.


def merged(stored: Any, base: Any) -> Any:
    """Do what `pgstac.merge_jsonb` does, in Python; a null in an object is absent for it."""
    if stored == ABSENT:
        return None
    if stored is None:
        return base
    if isinstance(stored, dict) and isinstance(base, dict):
        both = {key: merged(stored.get(key), base.get(key)) for key in {*stored, *base}}
        return {key: value for key, value in both.items() if value is not None}
    if isinstance(stored, list) and isinstance(base, list) and len(stored) == len(base):
        return [merged(own, theirs) for own, theirs in zip(stored, base, strict=True)]
    return stored


SMALL = st.recursive(
    st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), SMALL, max_size=4)


@settings(max_examples=100, deadline=None)
@given(OBJECTS, OBJECTS)
def test_what_is_stored_and_the_base_item_make_the_item_again(whole: dict[str, Any], base: dict[str, Any]):
    assert merged(strip(whole, base), base) == whole
