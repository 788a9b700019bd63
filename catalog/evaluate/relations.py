"""The temporal, spatial and array relations of CQL2 in Python.

Source: OGC 21-065r2 (CQL2), section 7; the temporal ones are Allen's, over closed spans.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from catalog.evaluate.values import compare, span_of
from catalog.store.geojson import bbox_geometry

Span = tuple[datetime, datetime]

TEMPORAL: dict[str, Callable[[Span, Span], bool]] = {
    "t_after": lambda a, b: a[0] > b[1],
    "t_before": lambda a, b: a[1] < b[0],
    "t_contains": lambda a, b: a[0] < b[0] and a[1] > b[1],
    "t_disjoint": lambda a, b: a[1] < b[0] or a[0] > b[1],
    "t_during": lambda a, b: a[0] > b[0] and a[1] < b[1],
    "t_equals": lambda a, b: a == b,
    "t_finishedby": lambda a, b: a[0] < b[0] and a[1] == b[1],
    "t_finishes": lambda a, b: a[0] > b[0] and a[1] == b[1],
    "t_intersects": lambda a, b: a[0] <= b[1] and a[1] >= b[0],
    "t_meets": lambda a, b: a[1] == b[0],
    "t_metby": lambda a, b: a[0] == b[1],
    "t_overlappedby": lambda a, b: b[0] < a[0] < b[1] < a[1],
    "t_overlaps": lambda a, b: a[0] < b[0] < a[1] < b[1],
    "t_startedby": lambda a, b: a[0] == b[0] and a[1] > b[1],
    "t_starts": lambda a, b: a[0] == b[0] and a[1] < b[1],
}
SPATIAL = frozenset(
    [
        "s_contains",
        "s_crosses",
        "s_disjoint",
        "s_equals",
        "s_intersects",
        "s_overlaps",
        "s_touches",
        "s_within",
    ]
)
ARRAY = frozenset(["a_containedby", "a_contains", "a_equals", "a_overlaps"])


def temporal(op: str, left: Any, right: Any) -> bool | None:
    """Return whether two times are in a relation, None if one of them is none."""
    one, other = span_of(left), span_of(right)
    return None if one is None or other is None else TEMPORAL[op](one, other)


def spatial(op: str, left: Any, right: Any) -> bool | None:
    """Return whether two GeoJSON geometries (or `{"bbox": [...]}`) are in a relation, None if one is missing."""
    if left is None or right is None:
        return None
    # Only filters with a geometry need it, and it takes a while to load.
    from shapely import make_valid
    from shapely.geometry import shape

    one, other = (
        make_valid(shape(bbox_geometry(value["bbox"]) if "bbox" in value else value))
        for value in (left, right)
    )
    return bool(getattr(one, op.removeprefix("s_"))(other))


def array(op: str, left: Any, right: Any) -> bool | None:
    """Return whether two lists are in a relation as sets (section 7.14), None if one is missing."""
    if left is None or right is None:
        return None
    one, other = (value if isinstance(value, list) else [value] for value in (left, right))
    if op == "a_overlaps":
        return any(_has(other, value) for value in one)
    within, around = _all_in(one, other), _all_in(other, one)
    return {"a_containedby": within, "a_contains": around, "a_equals": within and around}[op]


def _all_in(values: list[Any], others: list[Any]) -> bool:
    return all(_has(others, value) for value in values)


def _has(values: list[Any], wanted: Any) -> bool:
    return any(compare("=", value, wanted) for value in values)
