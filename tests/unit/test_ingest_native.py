"""Reading values out of native records, whatever their type."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import RecordRefused
from ingest.mapping import Field, level, map_fields, metres, percentage
from ingest.native import entries, integer, lookup, members, number, text


def test_a_dotted_path_leads_to_a_value_or_to_nothing() -> None:
    record = {"gpp": {"datasetId": "1", "list": [{"a": 1}]}, "a.b": 2, "none": None}
    assert lookup(record, "gpp.datasetId") == "1"
    assert lookup(record, "gpp") == {"datasetId": "1", "list": [{"a": 1}]}
    for path in ("gpp.missing", "missing.datasetId", "gpp.datasetId.deeper", "gpp.list.a", "none.a", "a.b"):
        assert lookup(record, path) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"),
        (" x ", "x"),
        ("", None),
        ("  ", None),
        (None, None),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (10002015, "10002015"),
        (10002015.0, "10002015"),
        (3.81, "3.81"),
        ([], None),
        ({"a": 1}, None),
        ("0", "0"),
        (2**70, str(2**70)),
        (123456789.0, "123456789"),
        (1000000000000000.0, "1000000000000000"),
    ],
)
def test_text(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("70", 70.0),
        (" 70.5 ", 70.5),
        (70, 70.0),
        ("", None),
        (None, None),
        ("abc", None),
        ("NaN", None),
        ("inf", None),
        (math.nan, None),
        (math.inf, None),
        ([70], None),
        (True, None),
        ("-1", -1.0),
        ("1e999", None),
        (10**400, None),
    ],
)
def test_number(value: Any, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("47", 47),
        ("047", 47),
        (47, 47),
        (47.0, 47),
        ("47.0", 47),
        ("47.5", None),
        ("", None),
        (None, None),
        ("x", None),
        ("-3", -3),
        ("+3", 3),
        ("--3", None),
        (2**70, 2**70),
        (str(2**70), 2**70),
        (math.inf, None),
        (True, None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_integer(value: Any, expected: int | None) -> None:
    assert integer(value) == expected


_ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)


@given(_ANYTHING)
def test_no_value_is_an_error(value: Any) -> None:
    assert isinstance(text(value), str | None)
    assert number(value) is None or math.isfinite(number(value))
    assert isinstance(integer(value), int | None)
    for cast in (percentage, metres, level):
        cast(value)


@pytest.mark.parametrize(
    ("cast", "value", "expected"),
    [
        (percentage, "70", 70), (percentage, 0, 0), (percentage, "100", 100), (percentage, "-1", None),
        (percentage, "100.1", None), (percentage, "", None), (percentage, 999, None),
        (metres, "250m", 250), (metres, "1km", 1000), (metres, "1 km", 1000), (metres, "0.5KM", 500),
        (metres, "0.1deg", None), (metres, "", None), (metres, "0m", None), (metres, "1.2.3m", None),
        (level, "L2", "L2"), (level, "AMSR2-L1R", "L1R"), (level, "L1.1", "L1.1"), (level, "1.1", "1.1"),
        (level, "2", "L2"), (level, "", None), (level, None, None),
    ],
)  # fmt: skip
def test_casts(cast: Any, value: Any, expected: Any) -> None:
    assert cast(value) == expected


def test_a_table_takes_the_first_place_that_has_a_value() -> None:
    table = {
        "gsd": Field(places=("gpp.Resolution", "resolution"), cast="metres"),
        "instruments": Field(places=("sensor",), cast="list"),
        "missing": Field(places=("nowhere",)),
        "dash": Field(places=("topic",)),
    }
    native = {"gpp": {"Resolution": ""}, "resolution": "1km", "sensor": "SGLI", "topic": "-"}
    assert map_fields(table, native) == {"gsd": 1000, "instruments": ["SGLI"]}


def test_members_of_another_type_refuse_the_record() -> None:
    assert members({}, "a") == {}
    assert entries({"a": None}, "a") == []
    assert entries({"a": [1]}, "a") == [1]
    for junk in (5, "text", True, 1.5):
        for read in (members, entries):
            with pytest.raises(RecordRefused, match="bad-structure: a is no"):
                read({"a": junk}, "a")
