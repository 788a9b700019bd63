"""JSON in and out, where upstreams write what strict parsers refuse."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import jsontext

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('aé架𒍟"\\\n'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("aé架"), inner, max_size=4),
)


@given(_VALUES)
def test_what_is_written_reads_as_itself(value: Any) -> None:
    assert jsontext.loads(jsontext.dumps(value)) == value
    assert jsontext.loads(json.dumps(value)) == value


@pytest.mark.parametrize("number", [2**63, 2**64, 2**65, -(2**70), 10**400])
def test_integers_beyond_64_bits_survive(number: int) -> None:
    document = jsontext.loads(f'{{"a": [{number}]}}')
    assert document == {"a": [number]}
    assert jsontext.dumps(document) == b'{"a":[%d]}' % number


def test_numbers_that_are_none_are_read_and_left_to_the_rules() -> None:
    values = jsontext.loads("[NaN, Infinity, -Infinity, 1]")
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, 1]


def test_halves_of_surrogate_pairs_are_read_but_not_written() -> None:
    document = jsontext.loads(rb'{"a": "\ud800"}')
    assert document == {"a": "\ud800"}
    with pytest.raises(ValueError, match="no JSON can be made"):
        jsontext.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"<html>",
        b"{",
        b'{"a": 1',
        b'{"a": 1}{',
        b"[1,]",
        b"nul",
        b"\xff\xfe\x00",
        b"\x00",
        b"9" * 5000,
    ],
)
def test_what_is_no_json_is_one_error(text: bytes) -> None:
    with pytest.raises(ValueError) as error:
        jsontext.loads(text)
    assert "\n" not in str(error.value)


def test_too_deep_is_no_other_error() -> None:
    with pytest.raises(ValueError):
        jsontext.loads("[" * 100_000 + "]" * 100_000)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError):
        jsontext.dumps(deep)
    while isinstance(deep, list):  # taken apart by hand, since Python does it by recursion
        deep = deep.pop()


@given(st.binary(max_size=40))
def test_no_bytes_are_another_error(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        jsontext.loads(content)
