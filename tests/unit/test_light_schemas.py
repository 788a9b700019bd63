"""The lighter form of a schema, with the rule that was taken out of it, judges as the whole schema does."""

import copy
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.light_schemas import Names, lighten
from catalog.validation import _SCHEMAS, _retrieve
from tests.unit.documents import amsr2, item_collection, palsar_2, record_collection, sentinel_2, sgli
from tests.unit.harvested import harvested

_FILES = sorted(_SCHEMAS.glob("*/*/v*/schema.json"))
_LIGHT = {
    str(file.relative_to(_SCHEMAS)): (
        light,
        jsonschema_rs.validator_for(light.schema, retriever=_retrieve),
        jsonschema_rs.validator_for(whole, retriever=_retrieve),
    )
    for file in _FILES
    for whole in [orjson.loads(file.read_bytes())]
    for light in [lighten(whole)]
    if light is not None
}


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    return [
        *harvested("cdse", item_collection([sentinel_2()])),
        *harvested("gportal", record_collection([palsar_2(), sgli(), amsr2()])),
    ]


def _judged(name: str, document: dict[str, Any]) -> None:
    light, without_rule, whole = _LIGHT[name]
    if light.is_met(Names(document)):
        assert without_rule.is_valid(document) == whole.is_valid(document), name
    # Otherwise the whole schema is asked, which may be content: a rule of one of its alternatives counts here
    # wherever the document follows another one.


def test_the_schemas_of_large_items_have_a_lighter_form() -> None:
    families = {name.split("/")[1] for name in _LIGHT}
    wanted = {
        "eo",
        "raster",
        "sat",
        "projection",
        "view",
        "file",
        "processing",
        "product",
        "authentication",
        "storage",
        "sar",
    }
    assert wanted <= families


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_judge_alike(items: list[dict[str, Any]], data: st.DataObject) -> None:
    item = copy.deepcopy(data.draw(st.sampled_from(items)))
    name = data.draw(st.sampled_from(sorted(_LIGHT)))
    light, _, _ = _LIGHT[name]
    item["stac_extensions"] = [f"https://{name}"]
    asset = next(iter(item["assets"].values()), {})
    asset.setdefault("alternate", {"x": {"href": "h"}})
    asset.setdefault("bands", [{"name": "b"}])
    holders = [
        item,
        item["properties"],
        asset,
        asset["alternate"],
        asset["alternate"].get("x", {}),
        asset["bands"][0],
    ]
    holders += item["links"][:1]
    known = sorted(set().union(*light.allowed.values()))
    for _ in range(data.draw(st.integers(0, 3))):
        holder = data.draw(st.sampled_from(holders))
        field = data.draw(st.sampled_from([*known, f"{light.prefix}strange", "other:field", "plain"]))
        holder[field] = data.draw(st.sampled_from([None, 5, -1.5, "text", ["text"], {"a": 1}, [], True]))
    _judged(name, item)


def test_ordinary_items_meet_the_rules_of_their_extensions(items: list[dict[str, Any]]) -> None:
    """Otherwise the whole schemas would be asked as well, and nothing gained."""
    declared = [
        (name, Names(item))
        for item in items
        for address in item["stac_extensions"]
        if (name := address.removeprefix("https://")) in _LIGHT
    ]
    assert len(declared) > 10
    assert [name for name, names in declared if not _LIGHT[name][0].is_met(names)] == []


def test_a_name_that_the_extension_does_not_have_is_refused(items: list[dict[str, Any]]) -> None:
    item = copy.deepcopy(items[0])
    for holder in (item["properties"], next(iter(item["assets"].values()))):
        holder["eo:strange"] = 1
        light, without_rule, whole = _LIGHT["stac-extensions.github.io/eo/v2.0.0/schema.json"]
        assert not light.is_met(Names(item))
        assert without_rule.is_valid(item)
        assert not whole.is_valid(item)
        del holder["eo:strange"]
    assert light.is_met(Names(item))


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"patternProperties": {"^(?!a:)": {"type": "string"}}, "additionalProperties": False},
        {"patternProperties": {"^(?!a:)": {}}},
        {"dependencies": {"deep": {"patternProperties": {"^(?!a:)": {}}, "additionalProperties": False}}},
        {"$defs": {"x": {"patternProperties": {"^(?!a:)": {}}, "additionalProperties": False}}},
    ],
)
def test_other_forms_and_places_are_left_alone(schema: Any) -> None:
    assert lighten(schema) is None


def test_every_bundled_schema_that_has_the_rule_is_judged_here() -> None:
    bundled = {str(file.relative_to(_SCHEMAS)): file.read_text("utf-8") for file in _SCHEMAS.rglob("*.json")}
    assert {name for name, text in bundled.items() if "(?!" in text} == _LIGHT.keys() != set()
