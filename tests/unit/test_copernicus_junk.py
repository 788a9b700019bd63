"""Whatever stands anywhere in a record of EUMETSAT, ECMWF's stores or Copernicus Marine costs that record alone."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from catalog import jsontext
from catalog.errors import RecordRefused, UpstreamChanged
from tests.unit.copernicus_documents import answer, data_set, dataset, notification, olci, product, seviri
from tests.unit.copernicus_golden import taken

_DEEP: Any = "bottom"
for _ in range(900):
    _DEEP = [_DEEP]
_JUNK = [
    None,
    True,
    5,
    -1,
    1.5,
    float("nan"),
    10**400,
    "text",
    "",
    "\x00",
    "\ud800",
    [],
    [5],
    [[5]],
    {},
    {"a": 5},
]
_JUNK += [
    _DEEP,
    [{"rel": ["x"], "href": "h"}],
    {"a": {"href": ["h"]}},
    "//[",
    "2024-13-01",
    [None, None],
    {"": ""},
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _places(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value[:3]):
            yield from _places(member, (*path, index))


def _with(document: Any, path: tuple[Any, ...], junk: Any) -> Any:
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = junk
    return document


_CASES = {
    "search": ("eumetsat", olci(), lambda bad: answer([olci(), bad])),
    "disk": ("eumetsat", seviri(), lambda bad: answer([olci(), bad])),
    "notification": ("eumetsat", notification(), lambda bad: [notification(), bad]),
    "data set": ("cds", data_set(), lambda bad: {"collections": [data_set(), bad]}),
    "product": ("cmems", product(), lambda bad: bad),
    "dataset": ("cmems", dataset(), lambda bad: bad),
}


@pytest.mark.parametrize("name", _CASES)
def test_junk_in_any_place_is_refused_or_left_out(name: str):
    source, native, page = _CASES[name]
    outcomes = set()
    for place in _places(native):
        for junk in _JUNK if place else ():
            try:
                made = taken(source, page(_with(native, place, junk)))
            except UpstreamChanged as error:
                assert source == "cmems", f"{place}: {error}"  # its documents hold one record each
                continue
            last = made[-1] if made else None
            outcomes.add(type(last).__name__)
            if not isinstance(last, RecordRefused):
                jsontext.dumps(made)
    assert outcomes >= {"dict", "RecordRefused"}
