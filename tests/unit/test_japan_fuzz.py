"""Whatever stands in a record of Tellus, CMR or AMeDAS costs that record and nothing else."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from tests.unit.documents_japan import (
    aster,
    avnir_2,
    cmr_page,
    scenes,
    station_file,
    station_table,
    tellus_files,
)
from tests.unit.source_checks import take

_JUNK = ["\ud800", 10**400, [[5]]]


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from _places(member, (*here, name))


def _with(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    return changed


@pytest.mark.parametrize("junk", _JUNK, ids=["surrogate", "large", "list"])
@pytest.mark.parametrize("name", ["tellus", "cmr", "amedas"])
def test_every_place_survives(name: str, junk: Any) -> None:
    native = {"tellus": avnir_2(files=tellus_files()[:2]), "cmr": aster(), "amedas": station_file()}[name]
    changed = [_with(native, place, junk) for place in _places(native) if place]
    if name == "amedas":
        taken = [_amedas(document) for document in changed]
        outcomes = sum(taken, start=0)
        assert outcomes > len(changed) / 2
        return
    page = scenes([native, *changed]) if name == "tellus" else cmr_page([native, *changed])
    outcome = take(name, page)
    assert len(outcome.items) + len(outcome.refused) == len(changed) + 1
    assert outcome.refused
    assert all("\n" not in reason for _, reason in outcome.refused)
    json.dumps(outcome.items, allow_nan=False, ensure_ascii=False).encode()


def _amedas(document: Any) -> int:
    try:
        outcome = take("amedas", station_table(), document, origins=("table", "44132/20260612_00.json"))
    except UpstreamChanged as error:
        assert "\n" not in str(error)
        return 0
    json.dumps(outcome.items, allow_nan=False, ensure_ascii=False).encode()
    return len(outcome.items) + len(outcome.refused)
