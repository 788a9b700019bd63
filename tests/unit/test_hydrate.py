"""Items come back from what pgstac keeps of them, whatever their collection's `item_assets` say."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from catalog.absent import ABSENT
from catalog.store.base_item import strip
from catalog.store.hydrate import ItemRow, hydrate, read_hydration_base

_scalars = st.integers(0, 2) | st.booleans() | st.sampled_from(["x", "だいち"])


def _values(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=8,
    )


_members = st.sampled_from(["assets", "bbox", "properties", "license"])
_own = st.dictionaries(_members, _values(_scalars | st.none()))
_shared = st.dictionaries(_members, _values(_scalars))


def hydrated(content: Any, base: Any) -> dict[str, Any]:
    """Return an item whose content is stored like this, with what its collection's base item says."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    row = ItemRow("c", "i", "null", text, None, None, has_datetime=True)
    item: dict[str, Any] = orjson.loads(hydrate(row, read_hydration_base(json.dumps(base))).members)
    for name in ("type", "id", "collection", "geometry", "stac_version"):
        item.pop(name)
    return item


def without_lost_nulls(own: Any, base: Any) -> Any:
    """Drop nulls of objects where the base item has a value: pgstac has no way to keep those."""
    if isinstance(own, dict) and isinstance(base, dict):
        return {
            name: without_lost_nulls(value, base.get(name))
            for name, value in own.items()
            if value is not None or base.get(name) is None
        }
    if isinstance(own, list) and isinstance(base, list) and len(own) == len(base):
        return [without_lost_nulls(value, theirs) for value, theirs in zip(own, base, strict=True)]
    return own


@given(_own, _shared)
def test_what_was_cut_off_an_item_comes_back(own: dict[str, Any], base: dict[str, Any]) -> None:
    assert hydrated(strip(own, base), base) == without_lost_nulls(own, base)


def test_a_null_in_a_list_is_not_given_out_as_the_mark_that_stands_for_it() -> None:
    base = {"assets": {"a": {"bands": [1, 2]}}}
    assert hydrated({"assets": {"a": {"bands": [ABSENT, None]}}}, base) == {
        "assets": {"a": {"bands": [None, 2]}}
    }


def test_an_item_with_shared_assets_keeps_the_spelling_of_its_numbers() -> None:
    properties = '{"long": 12345678901234567890123, "one": 1.0}'
    content = f'{{"assets": {{"a": {{"size": 98765432109876543210}}}}, "properties": {properties}}}'
    row = ItemRow("c", "i", "null", content, "1.0.0", None, has_datetime=True)
    members = hydrate(row, read_hydration_base('{"assets": {"a": {"type": "t"}}}')).members
    assert f'"properties": {properties}' in members
    assert json.loads(members)["assets"] == {"a": {"size": 98765432109876543210, "type": "t"}}


def test_marks_that_others_left_where_the_base_item_has_nothing_are_not_given_out() -> None:
    content = {"properties": {"a": ABSENT, "b": ["x", ABSENT]}, "stac_version": ABSENT}
    row = ItemRow("c", "i", "null", json.dumps(content, ensure_ascii=False), ABSENT, None, has_datetime=True)
    item = orjson.loads(hydrate(row, read_hydration_base('{"stac_version": "1.0.0"}')).members)
    assert item["properties"] == {"b": ["x"]}
    assert item["stac_version"] == "1.0.0"
