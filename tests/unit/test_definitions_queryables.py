"""The queryables: each read by pgstac in the type that it has."""

from typing import Any

import jsonschema_rs
import pytest

from catalog.definitions import load_definitions

# What pgstac fills from its own columns and never from a queryable.
COLUMNS = {"id", "collection", "geometry", "datetime", "start_datetime", "end_datetime"}


def wrapper(schema: dict[str, Any]) -> str:
    """`pgstac.queryable_wrapper` of 0.10, in Python."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    for kind, name in (("integer", "to_int"), ("number", "to_float"), ("array", "to_text_array")):
        if kind in kinds:
            return name
    return "to_tstz" if schema.get("format") in ("date-time", "date") else "to_text"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gsd", "to_float"),
        ("eo:cloud_cover", "to_float"),
        ("view:sun_elevation", "to_float"),
        ("sar:center_frequency", "to_float"),
        ("sat:relative_orbit", "to_int"),
        ("sat:absolute_orbit", "to_int"),
        ("created", "to_tstz"),
        ("updated", "to_tstz"),
        ("harvest:time", "to_tstz"),
        ("instruments", "to_text_array"),
        ("sar:polarizations", "to_text_array"),
        ("platform", "to_text"),
        ("grid:code", "to_text"),
        ("gportal:dataset_id", "to_text"),
    ],
)
def test_pgstac_reads_it_as(queryables: dict[str, Any], name: str, expected: str) -> None:
    assert wrapper(queryables["properties"][name]) == expected


def test_what_every_queryable_says(queryables: dict[str, Any]) -> None:
    assert set(queryables["properties"]) >= COLUMNS
    for name, schema in queryables["properties"].items():
        assert schema["title"], name
        assert schema["description"], name
        assert ("type" in schema) != schema.get("format", "").startswith("geometry-"), name


def test_it_is_a_json_schema(queryables: dict[str, Any]) -> None:
    assert jsonschema_rs.meta.is_valid(queryables)
    valid = jsonschema_rs.validator_for(queryables).is_valid
    assert valid({"eo:cloud_cover": 9.7, "sat:orbit_state": "ascending", "instruments": ["sgli"]})
    assert not valid({"eo:cloud_cover": "9.7"})
    assert not valid({"sat:orbit_state": "UP"})


def test_enumerations_are_the_vocabulary(queryables: dict[str, Any]) -> None:
    kinds = load_definitions().vocabulary.kinds
    for name in ("sat:orbit_state", "sar:frequency_band", "sar:observation_direction"):
        assert set(queryables["properties"][name]["enum"]) == set(kinds[name].values())
    assert set(queryables["properties"]["sar:polarizations"]["items"]["enum"]) == set(
        kinds["sar:polarizations"].values()
    )


@pytest.fixture(scope="module")
def queryables() -> dict[str, Any]:
    return load_definitions().queryables
