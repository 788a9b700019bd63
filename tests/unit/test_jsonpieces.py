"""Cutting the text of `jsonb`: as if it were parsed, changed and written, but for the spelling of what stays."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.store.jsonpieces import add_null_datetime, drop_base_item, take_links, take_member

_NAMES = [
    "a",
    "bbox",
    "id_x",
    "links",
    "assets",
    "properties",
    "stac_version",
    "stac_extensions",
    "pgstac:base_item",
    "zz:a very long name of somebody's",
]
_traps = st.sampled_from(
    ['"links": [', '"properties": {', "}", '\\"', ', "pgstac:base_item": 7}', "だいち", "]"]
)
_scalars = st.none() | st.booleans() | st.integers() | _traps | st.text(max_size=5)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_NAMES, "datetime", "gsd"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_items = st.dictionaries(st.sampled_from(_NAMES), _values, min_size=1).map(
    lambda item: {
        **item,
        "properties": {"gsd": item.get("properties")},
        **({"pgstac:base_item": 12} if "pgstac:base_item" in item else {}),
    }
)


def as_jsonb(value: Any) -> str:
    """Text as PostgreSQL writes it: members by length of their names, then by bytes."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return "{" + ", ".join(f"{json.dumps(name)}: {as_jsonb(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_jsonb, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(_items)
def test_links_are_taken_out(item: dict[str, Any]) -> None:
    text, links = take_links(as_jsonb(item))
    assert links == item.get("links")
    assert text == as_jsonb({name: value for name, value in item.items() if name != "links"})


@given(_items)
def test_the_number_of_the_base_item_is_dropped(item: dict[str, Any]) -> None:
    wanted = {name: value for name, value in item.items() if name != "pgstac:base_item"}
    assert drop_base_item(as_jsonb(item)) == as_jsonb(wanted)


@given(_items)
def test_a_null_datetime_is_put_back(item: dict[str, Any]) -> None:
    wanted = {**item, "properties": {"datetime": None, **item["properties"]}}
    assert json.loads(add_null_datetime(as_jsonb(item))) == wanted


@given(_items, st.sampled_from(_NAMES))
def test_any_member_is_taken_out(item: dict[str, Any], name: str) -> None:
    text, value = take_member(as_jsonb(item), name)
    assert value == item.get(name)
    assert text == as_jsonb({key: own for key, own in item.items() if key != name})


def test_an_item_without_properties_stays_as_it_is() -> None:
    assert add_null_datetime('{"a": 1}') == '{"a": 1}'
    assert add_null_datetime('{"properties": {}}') == '{"properties": {"datetime": null}}'
