"""Whatever an upstream puts into a record costs that record and nothing else.

Any place of a real record is overwritten with junk; the record becomes a valid item or is refused
with a reason, and is never the end of a run.
"""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import jsontext
from catalog.errors import RecordRefused, UpstreamChanged
from ingest.contract import Page, Source
from ingest.harmonize import Harmonizer
from ingest.load import _native_text, storable
from ingest.report import Refusal
from ingest.sources import make_source
from tests.unit.documents import (
    PGSTAC_MARKER,
    amsr2,
    definitions,
    item_collection,
    palsar_2,
    sentinel_2,
    sgli,
)

_DEEP: Any = "bottom"
for _ in range(900):
    _DEEP = [_DEEP]

_JUNK = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            0,
            -1,
            5,
            1e300,
            float("nan"),
            float("inf"),
            10**400,
            2**65,
            "",
            " ",
            "-",
            "0",
            "NaN",
            "T",
            "\x00",
            "\ud800",
            "a\nb",
            PGSTAC_MARKER,
            "9" * 5000,
            "2024-01-01T00:00:00+09:00",
            "²",
            "٣",
            "1e999",
            [],
            {},
            [[]],
            [None],
            [1, 2],
            [["a", {}]],
            {"": ""},
            {"href": ["x"]},
            {"href": {}},
            {"rel": [], "href": "h"},
            [{"rel": {}, "href": 3}],
            {"a": {"href": "h", "alternate": 5, "file:checksum": []}},
            "https://example.com",
            [180, 90],
            [[181, 91]],
            [[[200, 0], [10**400, 5], [1, 1]]],
            {"type": "Polygon", "coordinates": 5},
            _DEEP,
            {"type": "GeometryCollection", "geometries": []},
            "Polygon",
            "Point",
            9007199254740993,
            -0.0,
            5e-324,
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _places(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _places(member, (*path, index))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


def _with(document: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = junk
    return document


_RECORDS = {
    "sentinel-2": ("cdse", sentinel_2()),
    "palsar-2": (
        "gportal",
        palsar_2(properties={"browse": [{"type": "QUICKLOOK", "fileName": "https://a/b.jpg"}]}),
    ),
    "sgli": ("gportal", sgli()),
    "amsr2": ("gportal", amsr2()),
}
_CLOCK = datetime(2026, 11, 23, tzinfo=UTC)


@cache
def _source(name: str) -> Source:
    return make_source(name, definitions())


def _take(name: str, page: Any) -> list[Any]:
    """Put a page through a source as the pipeline does; return items and refusals."""
    source = _source(name)
    harmonizer = Harmonizer(source, definitions().vocabulary, clock=lambda: _CLOCK)
    outcome: list[Any] = []
    for record in source.records(Page(page, "test")):
        try:
            outcome.append(harmonizer.item(record))
        except RecordRefused as error:
            outcome.append(Refusal(record, error, "test"))
    return outcome


@pytest.mark.parametrize("name", _RECORDS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_junk_anywhere_in_a_record_refuses_it_or_leaves_a_valid_item(name: str, data: st.DataObject) -> None:
    source, native = _RECORDS[name]
    changed = native
    for _ in range(data.draw(st.integers(1, 2))):
        changed = _with(changed, data.draw(st.sampled_from(list(_places(changed))[:400])), data.draw(_JUNK))
    good = copy.deepcopy(native)
    outcome = _take(source, item_collection([good, changed]))
    assert len(outcome) == 2
    assert outcome[0]["type"] == "Feature", "the good record beside it is not harmed"
    second = outcome[1]
    if isinstance(second, Refusal):
        assert second.error.code
        assert "\n" not in second.line()
        assert jsontext.loads(_native_text(second.record)) is not None
        storable(str(second.record.native_id)).encode()
    else:
        text = jsontext.dumps(second)  # UTF-8, no NaN, no halves of surrogate pairs
        assert b"\\u0000" not in text
        assert PGSTAC_MARKER not in list(_leaves(second))
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in an item"))


@pytest.mark.parametrize("source", ["cdse", "gportal"])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=_JUNK)
def test_a_document_of_nobody_is_refused_in_one_line(source: str, document: Any) -> None:
    try:
        outcome = _take(source, document)
    except UpstreamChanged as error:
        assert "\n" not in str(error)
        assert "test is " in str(error)
    else:
        assert not [item for item in outcome if not isinstance(item, Refusal)]


def test_every_place_of_a_record_survives_every_kind_of_value() -> None:
    """The same without chance: each member in turn, each kind of value."""
    kinds: list[Any] = [None, 5, 10**400, "\ud800", [5], {"a": 5}, _DEEP]
    kinds += [
        [{"rel": ["x"], "href": "h"}],
        [{"rel": "x", "href": ["h"]}],
        {"a": {"href": "h", "alternate": {"b": _DEEP}}},
    ]
    for source, native in _RECORDS.values():
        # Deep inside the coordinates one place is as good as another.
        places = [place for place in _places(native) if 0 < len(place) < 5 and place[-1] not in range(1, 99)]
        pages = [_with(native, place, kind) for place in places for kind in kinds]
        outcome = _take(source, item_collection([native, *pages]))
        refused = [one for one in outcome if isinstance(one, Refusal)]
        assert len(outcome) == len(pages) + 1
        assert len(refused) > len(pages) / 20, "junk in id, geometry and times must be refused"
        for one in refused:
            assert "\n" not in one.line()
            _native_text(one.record).encode()
