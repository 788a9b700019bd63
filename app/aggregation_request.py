"""From what a client sent to the aggregations that it asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.aggregation import (
    AGGREGATIONS,
    INTERVAL_PARAMETER,
    INTERVALS,
    PRECISION_SUFFIX,
    PRECISIONS,
    Aggregation,
    Asked,
    Form,
)
from catalog.errors import InvalidRequest


def read_aggregations(body: Mapping[str, Any], available: Sequence[Aggregation]) -> list[Asked]:
    """Return the aggregations that a body asks for, each once.

    Args:
        body: members that mean nothing here are ignored.
        available: what may be asked for here.

    Raises:
        InvalidRequest: names the member.
    """
    # Options are checked even where nothing asks for what they are of: a slip should not go unnoticed.
    interval = _interval(body)
    precisions = {one.name: _precision(body, one) for one in AGGREGATIONS.values() if one.form in PRECISIONS}
    names = body.get("aggregations")
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest("aggregations", "is not a list of names")
    offered = {one.name: one for one in available}
    for name in names:
        if name not in offered:
            reason = "is not offered for this collection" if name in AGGREGATIONS else "is none"
            raise InvalidRequest("aggregations", f"{name[:80]!r} {reason} (see /aggregations)")
    return [
        Asked(
            offered[name],
            interval if offered[name].form is Form.TIMES else None,
            precisions.get(name, 0),
        )
        for name in dict.fromkeys(names)
    ]


def body_of_aggregate(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that a POST would have had for a GET's own parameters of aggregation."""
    body = {
        name: value
        for name, value in parameters.items()
        if value is not None and (name == INTERVAL_PARAMETER or name.endswith(PRECISION_SUFFIX))
    }
    text = parameters.get("aggregations")
    if text is not None:
        body["aggregations"] = [part.strip() for part in text.split(",") if part.strip()]
    return body


def _interval(body: Mapping[str, Any]) -> str | None:
    value = body.get(INTERVAL_PARAMETER)
    if value is not None and value not in INTERVALS:
        raise InvalidRequest(INTERVAL_PARAMETER, f"is one of {', '.join(INTERVALS)}")
    return value


def _precision(body: Mapping[str, Any], aggregation: Aggregation) -> int:
    least, usual, greatest = PRECISIONS[aggregation.form]
    name = aggregation.name + PRECISION_SUFFIX
    value = body.get(name)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= greatest:
        raise InvalidRequest(name, f"is a whole number from {least} to {greatest}")
    return value
