"""Arguments of the command line that have a form of their own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import ConfigurationError
from commands.arguments import check_address, parse_bbox, parse_window
from commands.ingest import collection_ids
from ingest.contract import Window


def _at(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "window"),
    [
        (None, Window()),
        ("2024-01-01/2024-01-02", Window(_at(2024, 1, 1), _at(2024, 1, 3))),
        ("2024-01-01/2024-01-01", Window(_at(2024, 1, 1), _at(2024, 1, 2))),
        ("2024-01-01T06:00:00Z/2024-01-01T07:00:00Z", Window(_at(2024, 1, 1, 6), _at(2024, 1, 1, 7))),
        ("2024-01-01T06:00:00+09:00/..", Window(_at(2023, 12, 31, 21), None)),
        ("2024-01-01/", Window(_at(2024, 1, 1), None)),
        ("../2024-01-01", Window(None, _at(2024, 1, 2))),
        ("/2024-01-01T00:00Z", Window(None, _at(2024, 1, 1))),
        ("../..", Window()),
        ("../9999-12-31", Window(None, _at(9999, 12, 31, 23, 59, 59, 999_999))),
        ("2024-02-29", Window(_at(2024, 2, 29), _at(2024, 3, 1))),
        ("2024-01-01T06:00:00Z", Window(_at(2024, 1, 1, 6), _at(2024, 1, 1, 6, 0, 1))),
    ],
)
def test_windows(text: str | None, window: Window) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024",
        "2024-01-02/2024-01-01",
        "2024-01-01T00:00:00Z/2024-01-01T00:00:00Z",
        "a/b",
        "1/2/3",
        "2024-01-01/2024-01-02/2024-01-03",
        "2024-13-01/..",
        "2024-01-01/2024-01-32",
    ],
)
def test_what_is_no_window_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_window(text)
    assert str(error.value).startswith("--datetime: ")
    assert "\n" not in str(error.value)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(seconds=1), timedelta(days=1000)))
def test_a_window_is_half_open_in_utc(start: datetime, length: timedelta) -> None:
    try:
        end = start + length
    except OverflowError:
        return
    assert parse_window(f"{start.isoformat()}/{end.isoformat()}") == Window(start, end)


@pytest.mark.parametrize(
    ("text", "bbox"),
    [
        (None, None),
        ("138,34,141,37", (138, 34, 141, 37)),
        ("-180,-90,180,90", (-180, -90, 180, 90)),
        ("170,-10,-170,10", (170, -10, -170, 10)),
        (" 1.5, 2 ,3,4.5 ", (1.5, 2, 3, 4.5)),
        ("1,2,1,2", (1, 2, 1, 2)),
    ],
)
def test_boxes(text: str | None, bbox: tuple[float, ...] | None) -> None:
    assert parse_bbox(text) == bbox


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,4,5,6",
        "a,b,c,d",
        "1,5,3,4",
        "181,0,190,1",
        "0,-91,1,0",
        "0,0,1,91",
        "1 2 3 4",
        "nan,0,1,1",
        "0,nan,1,1",
        "0,0,inf,1",
        "0,0,1,nan",
        "0;0;1;1",
        "[0,0,1,1]",
    ],
)
def test_what_is_no_box_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--bbox: "):
        parse_bbox(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080",
        "https://example.com/stac/",
        "http://[::1]:80/x",
        "https://user:word@example.com",
    ],
)
def test_addresses(text: str) -> None:
    check_address(text, "--url")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo",
        "example.com",
        "ftp://example.com",
        "http://",
        "http:///x",
        "http://[::1",
        "http://a:99999",
        "http://a:b",
        "http://exa mple.com",
        "http://example.com/\n",
        "http://example.com/\x00",
        "file:///etc/passwd",
        "http://a:0",
    ],
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--url: .* is not an http") as error:
        check_address(text, "--url")
    assert "\n" not in str(error.value)


def test_collections_may_be_given_together_or_apart() -> None:
    assert collection_ids(["a,b", "c", "", ",d,"]) == ("a", "b", "c", "d")
    assert collection_ids([]) == ()
