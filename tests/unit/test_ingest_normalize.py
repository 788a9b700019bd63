"""The rules that all sources share: nothing empty, UTC, one spelling, and where an item comes from."""

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import RecordRefused
from ingest.normalize import clean, normalize
from tests.unit.documents import PGSTAC_MARKER, definitions, merged

_NOW = datetime(2026, 11, 23, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
_SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


def _said(**changes: Any) -> dict[str, Any]:
    said = {
        "id": "a",
        "collection": "c",
        "geometry": _SQUARE,
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [],
        "assets": {},
    }
    return merged(said, changes)


def _normalized(said: Any) -> dict[str, Any]:
    return normalize(said, source="cdse", vocabulary=definitions().vocabulary, now=_NOW)


def test_an_item_is_complete_and_says_where_it_comes_from() -> None:
    item = _normalized(_said())
    assert item["type"] == "Feature"
    assert item["stac_version"] == "1.1.0"
    assert item["bbox"] == [0, 0, 1, 1]
    assert item["properties"]["harvest:source"] == "cdse"
    assert item["properties"]["harvest:time"] == "2026-11-23T12:00:00.123456Z"
    assert item["links"] == [{"rel": "collection", "href": "./collections/c", "type": "application/json"}]


def test_what_the_source_said_is_not_changed() -> None:
    said = _said(properties={"platform": "Sentinel-2A", "empty": ""}, links=[{"rel": "self", "href": "x"}])
    before = merged(said, {})
    _normalized(said)
    assert said == before


def test_values_that_mean_nothing_are_dropped_and_null_stays() -> None:
    properties = {
        "empty": "",
        "marker": PGSTAC_MARKER,
        "nan": float("nan"),
        "infinite": float("-inf"),
        "proj:code": None,
        "zero": 0,
        "false": False,
        "list": ["", PGSTAC_MARKER, "kept", None, float("nan")],
        "inner": {"empty": "", "kept": 1},
        "no list": [],
        "no object": {},
    }
    item = _normalized(
        _said(properties=properties, assets={"a": {"href": "h", "storage:refs": PGSTAC_MARKER}})
    )
    kept = {name: value for name, value in item["properties"].items() if name in properties}
    assert kept == {
        "proj:code": None,
        "zero": 0,
        "false": False,
        "list": ["kept", None],
        "inner": {"kept": 1},
        "no list": [],
        "no object": {},
    }
    assert item["assets"] == {"a": {"href": "h"}}


def test_what_postgresql_and_utf8_cannot_hold_is_taken_out() -> None:
    item = _normalized(_said(id="a\x00b\ud800", properties={"ti\x00tle": "x\x00y\ud83dz\tw\nv"}))
    assert item["id"] == "ab"
    assert item["properties"]["title"] == "xyz\tw\nv"


@given(st.integers(-(2**80), 2**80))
def test_integers_of_any_size_stay(number: int) -> None:
    assert _normalized(_said(properties={"number": number}))["properties"]["number"] == number


def test_nesting_has_an_end() -> None:
    deep: Any = 1
    for _ in range(39):
        deep = {"a": deep}
    with pytest.raises(RecordRefused, match="too-deep"):
        _normalized(_said(properties={"deep": deep}))
    shallow = deep["a"]["a"]["a"]
    assert _normalized(_said(properties={"deep": shallow}))["properties"]["deep"] == shallow


@pytest.mark.parametrize("field", ["id", "collection"])
@pytest.mark.parametrize("value", ["", "  ", None, 5, [], {}, "x" * 513, PGSTAC_MARKER, "\x00"])
def test_an_item_has_an_id_and_a_collection(field: str, value: Any) -> None:
    with pytest.raises(RecordRefused, match=f"bad-id: {field}"):
        _normalized(_said(**{field: value}))


# -- times ----------------------------------------------------------------------------------------


def _times(**properties: Any) -> dict[str, Any]:
    said = _said()
    said["properties"] = properties
    result = _normalized(said)["properties"]
    return {name: value for name, value in result.items() if not name.startswith("harvest:")}


def test_all_times_become_utc() -> None:
    assert _times(
        datetime="2024-01-01T09:00:00+09:00",
        created="2024-01-01T00:00:00.500000Z",
        updated="2024-01-01 00:00:00",
        expires="9999-01-01T00:00:00.000000Z",
        **{"processing:datetime": "2024-01-01T09:00:00+09:00"},
    ) == {
        "datetime": "2024-01-01T00:00:00Z",
        "created": "2024-01-01T00:00:00.500Z",
        "updated": "2024-01-01T00:00:00Z",
        "expires": "9999-01-01T00:00:00Z",
        "processing:datetime": "2024-01-01T00:00:00Z",
    }


def test_a_range_needs_no_instant_but_says_so() -> None:
    start, end = "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"
    assert _times(start_datetime=start, end_datetime=end) == {
        "datetime": None,
        "start_datetime": start,
        "end_datetime": end,
    }
    assert _times(datetime=None, start_datetime=start, end_datetime=end)["datetime"] is None


def test_a_range_of_no_length_is_an_instant() -> None:
    start = "2024-01-01T00:00:00Z"
    assert _times(start_datetime=start, end_datetime="2024-01-01T09:00:00+09:00")["datetime"] == start


@pytest.mark.parametrize("known", ["start_datetime", "end_datetime"])
def test_one_side_of_a_range_is_an_instant(known: str) -> None:
    """STAC wants both or neither."""
    assert _times(**{known: "2024-01-01T00:00:00Z"}) == {"datetime": "2024-01-01T00:00:00Z"}
    given = {known: "2024-01-01T00:00:00Z", "datetime": "2024-01-01T06:00:00Z"}
    assert _times(**given) == {"datetime": "2024-01-01T06:00:00Z"}


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({}, "no-datetime"),
        ({"datetime": None}, "no-datetime"),
        ({"datetime": ""}, "no-datetime"),
        ({"datetime": PGSTAC_MARKER}, "no-datetime"),
        ({"created": "2024-01-01T00:00:00Z"}, "no-datetime"),
        ({"datetime": "soon"}, "bad-datetime"),
        ({"datetime": 5}, "bad-datetime"),
        ({"datetime": "2024-01-01T00:00:00Z", "updated": "soon"}, "bad-datetime"),
        (
            {"start_datetime": "2024-01-02T00:00:00Z", "end_datetime": "2024-01-01T00:00:00Z"},
            "reversed-times",
        ),
        (
            {"start_datetime": "2024-01-01T00:00:00Z", "end_datetime": "2024-01-01T08:00:00+09:00"},
            "reversed-times",
        ),
    ],
)
def test_without_a_time_that_can_be_a_record_is_refused(properties: Any, code: str) -> None:
    with pytest.raises(RecordRefused) as refusal:
        _times(**properties)
    assert refusal.value.code == code


# -- names ----------------------------------------------------------------------------------------


def test_names_get_one_spelling() -> None:
    item = _normalized(
        _said(
            properties={
                "platform": "SENTINEL-2A",
                "instruments": ["MSI", "msi"],
                "processing:level": "L2A",
                "sat:orbit_state": "Descending",
            }
        )
    )
    properties = item["properties"]
    assert properties["platform"] == "sentinel-2a"
    assert properties["constellation"] == "sentinel-2", "follows from the platform"
    assert properties["instruments"] == ["msi"]
    assert properties["sat:orbit_state"] == "descending"


def test_japanese_platforms_have_the_same_rules() -> None:
    for native, canonical in (("ALOS-2", "alos-2"), ("GCOM-W1", "gcom-w"), ("ＧＣＯＭ－Ｃ", "gcom-c")):
        assert _normalized(_said(properties={"platform": native}))["properties"]["platform"] == canonical


def test_an_unknown_name_is_passed_on_and_counted() -> None:
    vocabulary = definitions().vocabulary
    before = vocabulary.unknown["platform", "Sputnik 1"]
    item = _normalized(_said(properties={"platform": "Sputnik 1"}))
    assert item["properties"]["platform"] == "sputnik-1"
    assert vocabulary.unknown["platform", "Sputnik 1"] == before + 1


# -- links and the rest ---------------------------------------------------------------------------


def test_links_of_structure_are_ours_and_others_are_kept_once() -> None:
    links: list[Any] = [
        {"rel": rel, "href": "https://example.com/x"}
        for rel in ("self", "root", "parent", "collection", "items", "item", "next", "prev")
    ]
    links += [{"rel": "via", "href": "https://example.com/v"}] * 2
    links += [{"rel": "license", "href": "https://example.com/v", "title": "kept"}]
    links += [{"rel": "via"}, {"href": "https://example.com"}, {"rel": "via", "href": ""}, "text", None, 5]
    kept = _normalized(_said(links=links))["links"]
    assert kept == [
        {"rel": "collection", "href": "./collections/c", "type": "application/json"},
        {"rel": "via", "href": "https://example.com/v"},
        {"rel": "license", "href": "https://example.com/v", "title": "kept"},
    ]


def test_extensions_are_listed_once_in_order() -> None:
    assert _normalized(_said(stac_extensions=["b", "a", "b"]))["stac_extensions"] == ["a", "b"]


@pytest.mark.parametrize(
    "changes",
    [
        {"links": 5},
        {"links": {}},
        {"assets": []},
        {"assets": "x"},
        {"properties": [1]},
        {"stac_extensions": [5]},
        {"stac_extensions": [["x"]]},
        {"stac_extensions": {"a": "b"}},
    ],
)
def test_members_of_another_type_refuse_the_record(changes: Any) -> None:
    said = {**_said(), **changes}
    with pytest.raises(RecordRefused, match="bad-structure"):
        _normalized(said)


@pytest.mark.parametrize(
    ("geometry", "code"), [(None, "no-geometry"), ({}, "no-geometry"), ({"type": "x"}, "bad-geometry")]
)
def test_an_item_has_a_footprint(geometry: Any, code: str) -> None:
    with pytest.raises(RecordRefused, match=code):
        _normalized({**_said(), "geometry": geometry})


def test_the_box_is_the_footprints_and_not_the_upstreams() -> None:
    drawn = {"type": "Polygon", "coordinates": [[[170, 0], [-170, 0], [-170, 5], [170, 5], [170, 0]]]}
    item = _normalized({**_said(geometry=...), "geometry": drawn, "bbox": [170, 0, -170, 5]})
    assert item["bbox"] == [-180, 0, 180, 5]
    assert item["geometry"]["type"] == "MultiPolygon"


def plainly_cleaned(value: Any) -> Any:
    """The rule that `clean` follows, as it reads."""
    texts = {"", PGSTAC_MARKER}

    def text(of: str) -> str:
        return re.sub("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\ud800-\\udfff]", "", of)

    def is_nothing(of: Any) -> bool:
        return of in texts if isinstance(of, str) else isinstance(of, float) and not math.isfinite(of)

    if isinstance(value, dict):
        # Two names that are the same when cleaned: what means nothing does not take the other's place.
        members = [(text(name), plainly_cleaned(member)) for name, member in value.items()]
        return {name: member for name, member in members if not is_nothing(member)}
    if isinstance(value, list | tuple):
        return [member for member in map(plainly_cleaned, value) if not is_nothing(member)]
    return text(value) if isinstance(value, str) else value


_ODD_TEXTS = st.text(st.sampled_from("ab\x00\x07\n\t\x7f\ud800架 \u200b"), max_size=3) | st.just(
    PGSTAC_MARKER
)
_ODD_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ODD_TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(_ODD_TEXTS, inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(_ODD_VALUES)
@example({"": None, "\x07": PGSTAC_MARKER})
def test_what_is_cleaned_quickly_is_cleaned_by_the_rule(value: Any) -> None:
    assert clean({"all": value}) == plainly_cleaned({"all": value})
