"""Terms of CQL2 filters: property names, and dates and times beside them."""

import re
from typing import Any

from catalog.store.geojson import Malformed
from catalog.store.instant import format_instant, parse_date, parse_instant

Node = Any


def as_times(nodes: list[Node]) -> list[Node]:
    """Read strings beside a time of pgstac's columns as times, since PostgreSQL reads `now` as one too."""
    names = {strip_prefix(str(node["property"])) for node in nodes if is_property(node)}
    if not names & {"datetime", "start_datetime", "end_datetime"}:
        return nodes
    return [_as_time(node) if isinstance(node, str) else node for node in nodes]


def _as_time(text: str) -> Node:
    if len(text) == len("2024-05-01"):
        parse_date(text)
        return {"date": text}
    return {"timestamp": format_instant(parse_instant(text))}


def compare_with_day(op: str, value: Node, date: Any) -> Node:
    """A day is compared as the span of time it is: `> day` is after its end, `= day` is within it."""
    first, following = (format_instant(instant) for instant in parse_date(text_of(date, "a date")))
    at_least = {"op": ">=", "args": [value, {"timestamp": first}]}
    before_end = {"op": "<", "args": [value, {"timestamp": following}]}
    from_end = {"op": ">=", "args": [value, {"timestamp": following}]}
    before = {"op": "<", "args": [value, {"timestamp": first}]}
    return {
        "=": {"op": "and", "args": [at_least, before_end]},
        "<>": {"op": "or", "args": [before, from_end]},
        "<": before,
        "<=": before_end,
        ">": from_end,
        ">=": at_least,
    }[op]


def strip_prefix(name: str) -> str:
    """Return a property's name without the `properties.` that clients may put before it."""
    return re.sub(r"^(properties\.)+", "", name)


def text_of(value: Any, what: str) -> str:
    """Return a value that has to be a string.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, str):
        raise Malformed(f"{what} is a string")
    return value


def is_property(node: Node) -> bool:
    """Whether a node names a property."""
    return isinstance(node, dict) and "property" in node


def is_date(node: Node) -> bool:
    """Whether a node is a date without a time."""
    return isinstance(node, dict) and "date" in node
