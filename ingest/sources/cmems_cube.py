"""Dimensions and variables of a dataset of Copernicus Marine, as the Datacube extension has them.

Long axes are cut down to their extent; what only the service's own viewer needs is left out.
"""

from collections.abc import Mapping
from typing import Any

from ingest.mapping import Field, map_fields
from ingest.native import number, text

_DIMENSION_MEMBERS = ("type", "axis", "extent", "values", "step", "unit", "reference_system", "description")
_HORIZONTAL = ("x", "y")


def dimensions(native: Mapping[str, Any], max_values: int) -> dict[str, Any]:
    """Return the dimensions of a dataset.

    Args:
        native: `cube:dimensions`.
        max_values: an axis with more coordinates than these is given by its extent alone.
    """
    found = {
        name: _dimension(entry, max_values) for name, entry in native.items() if isinstance(entry, Mapping)
    }
    return {name: dimension for name, dimension in found.items() if dimension}


def variables(native: Mapping[str, Any], table: Mapping[str, Field]) -> dict[str, Any]:
    """Return the variables of a dataset.

    Args:
        native: `cube:variables`.
        table: texts that are taken over, by field.
    """
    found = {}
    for name, entry in native.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("dimensions"), list):
            continue
        variable: dict[str, Any] = {
            "dimensions": [axis for axis in entry["dimensions"] if isinstance(axis, str)],
            "type": "auxiliary" if entry.get("type") == "auxiliary" else "data",
            **map_fields(table, entry),
        }
        # As it is: fill values of 64 unsigned bits and more are numbers too.
        if _is_number(entry.get("missingValue")):
            variable["nodata"] = entry["missingValue"]
        found[name] = variable
    return found


def _dimension(native: Mapping[str, Any], max_values: int) -> dict[str, Any] | None:
    kept = {name: native[name] for name in _DIMENSION_MEMBERS if native.get(name) is not None}
    kind = text(kept.get("type"))
    if kind is None:
        return None
    values = kept.pop("values", None)
    if kind == "temporal":
        # Their `values` are milliseconds since 1970, where STAC has texts.
        return kept if _is_span(kept.get("extent"), str) else None
    if isinstance(values, list) and values:
        numbers = [value for value in values if _is_number(value)]
        if not _is_span(kept.get("extent"), int, float):
            kept.pop("extent", None)
            if numbers:
                kept["extent"] = [min(numbers), max(numbers)]
        if len(values) <= max_values and (numbers == values or kept.get("axis") not in _HORIZONTAL):
            kept["values"] = values
    if "extent" not in kept and "values" not in kept:
        return None
    return kept


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, int) or number(value) is not None)
    )


def _is_span(value: Any, *kinds: type) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(edge, kinds) for edge in value)
