"""Times: whatever an upstream writes becomes UTC, RFC 3339, `Z`, or is refused."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import RecordRefused
from catalog.instant import parse_instant
from catalog.names.reading import parse_name
from ingest.times import format_time, parse_time

_MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(_MOMENTS)
def test_a_written_time_reads_as_itself(moment: datetime) -> None:
    text = format_time(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z", text)
    assert parse_time(text) == moment
    assert format_time(parse_time(text)) == text


@given(_MOMENTS, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_every_offset_is_the_same_moment(moment: datetime, minutes: int) -> None:
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_time(there.isoformat()) == moment
    assert parse_time(there.isoformat().replace("T", " ")) == moment
    compact = re.sub(r"([+-]\d\d):(\d\d)$", r"\1\2", there.isoformat())
    assert parse_time(compact) == moment
    assert format_time(there) == format_time(moment)


@given(_MOMENTS, st.text("0123456789", max_size=12), st.sampled_from(".,"))
def test_fractions_of_0_to_12_digits_are_cut_at_the_microsecond(
    moment: datetime, digits: str, point: str
) -> None:
    whole = moment.replace(microsecond=0)
    text = whole.isoformat()[:19] + (point + digits if digits else "") + "Z"
    assert parse_time(text) == whole + timedelta(microseconds=int((digits + "000000")[:6]))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-15T01:27:01.024Z", "2024-01-15T01:27:01.024Z"),
        ("2024-01-15T01:27:01.0240000Z", "2024-01-15T01:27:01.024Z"),
        ("2024-01-15T01:27:01.000000Z", "2024-01-15T01:27:01Z"),
        ("2024-01-15T10:27:01+09:00", "2024-01-15T01:27:01Z"),
        ("2024-01-15T10:27:01+0900", "2024-01-15T01:27:01Z"),
        ("2024-01-14T23:27:01-02:00", "2024-01-15T01:27:01Z"),
        ("2024-01-15t01:27:01z", "2024-01-15T01:27:01Z"),
        ("2024-01-15 01:27:01", "2024-01-15T01:27:01Z"),
        ("2024-01-15T01:27Z", "2024-01-15T01:27:00Z"),
        (" 2024-01-15 ", "2024-01-15T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T08:59:60.5+09:00", "2017-01-01T00:00:00Z"),
        ("2024-02-29T00:00:00.123456789012Z", "2024-02-29T00:00:00.123456Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_how_upstreams_write_times(text: str, utc: str) -> None:
    assert format_time(parse_time(text)) == utc


def test_a_leap_second_is_one_instant_whoever_reads_it() -> None:
    """In a record it was the last microsecond of its minute, in a name the second before, in a search the next one."""
    named = parse_name("S2A_MSIL2A_20161231T235960_N0204_R130_T51CVP_20170101T010505")
    assert named is not None
    text = "2016-12-31T23:59:60Z"
    assert named.start == parse_time(text) == parse_instant(text) == datetime(2017, 1, 1, tzinfo=UTC)


def test_a_name_of_the_last_leap_second_there_can_be_is_no_error() -> None:
    assert parse_name("S2A_MSIL2A_99991231T235960_N0204_R130_T51CVP_20170101T010505") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "yesterday",
        "2024",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+09:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-09:00",
        "20240101T000000Z",
        "2024-01-01T00:00:00ZZ",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00Z\x00",
        "2024-1-1",
        "12024-01-01",
        None,
        5,
        1.5,
        True,
        [],
        {},
        b"2024-01-01",
        20240101,
    ],
)
def test_what_is_no_time_is_refused_by_its_field(text: object) -> None:
    with pytest.raises(RecordRefused) as refusal:
        parse_time(text, "start_datetime")  # type: ignore[arg-type]
    assert refusal.value.code == "bad-datetime"
    assert "start_datetime" in refusal.value.reason
    assert "\n" not in str(refusal.value)


_ALMOST = st.from_regex(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d([.,]\d*)?)?)?(Z|[+-]\d\d:?\d\d)?", fullmatch=True
)


@given(st.one_of(st.text(), _ALMOST, st.none(), st.integers(), st.floats()))
def test_garbage_is_refused_and_never_another_error(text: object) -> None:
    try:
        moment = parse_time(text)  # type: ignore[arg-type]
    except RecordRefused as error:
        assert error.code == "bad-datetime"
    else:
        assert moment.utcoffset() == timedelta(0)
        assert parse_time(format_time(moment)) == moment


def test_a_naive_time_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2024, 1, 1))  # noqa: DTZ001
