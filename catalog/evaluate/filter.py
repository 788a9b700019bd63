"""Whether one object meets a CQL2-JSON filter.

The filter is one that `catalog.store.cql2` has compiled without complaint: its shape and size need no
check any more.
"""

from collections.abc import Callable
from typing import Any

from catalog.errors import InvalidRequest
from catalog.evaluate.relations import ARRAY, SPATIAL, TEMPORAL, array, spatial, temporal
from catalog.evaluate.values import TEXT_FUNCTIONS, calculate, compare, instant_of, like, negate
from catalog.instant import Interval, parse_instant
from catalog.store.cql2.nodes import COMPARISONS, operation

Property = Callable[[str], Any]
"""Gives the value of a property by its name: None if there is none."""

_ARITHMETIC = frozenset(["+", "-", "*", "/", "%", "div", "^"])


def meets(node: Any, value_of: Property) -> bool | None:
    """Return whether an object meets a filter; None, as good as no, if what decides is missing.

    A list beside a single value is compared member by member: one that fits is enough.
    """
    if isinstance(node, bool):
        return node
    if "op" not in node:
        # A property that is true or false by itself.
        value = _value(node, value_of)
        return value if isinstance(value, bool) else None
    op, args = operation(node)
    if op in ("and", "or"):
        return _joined(op, [meets(part, value_of) for part in args])
    if op == "not":
        return negate(meets(args[0], value_of))
    if op == "isnull":
        return _value(args[0], value_of) is None
    if op == "between":
        return _between(args, value_of)
    if op == "in":
        members = args[1] if isinstance(args[1], list) else args[1:]
        return _joined("or", [_compared("=", args[0], member, value_of) for member in members])
    return _predicate(op, args, value_of)


def _predicate(op: str, args: list[Any], value_of: Property) -> bool | None:
    if op in COMPARISONS:
        return _compared(op, args[0], args[1], value_of)
    if op == "like":
        pattern = _value(args[1], value_of)
        return _any(lambda value: like(value, pattern), _value(args[0], value_of))
    left, right = (_value(arg, value_of) for arg in args)
    if op in TEMPORAL:
        return temporal(op, left, right)
    if op in SPATIAL:
        return spatial(op, left, right)
    if op in ARRAY:
        return array(op, left, right)
    raise InvalidRequest("filter", f"operator {op[:40]!r} is not supported here")


def _compared(op: str, left: Any, right: Any, value_of: Property) -> bool | None:
    one, other = _value(left, value_of), _value(right, value_of)
    if isinstance(one, list) and isinstance(other, list):
        return compare(op, str(one), str(other)) if op in ("=", "<>") else None
    if isinstance(other, list):
        return _any(lambda value: compare(op, one, value), other)
    return _any(lambda value: compare(op, value, other), one)


def _between(args: list[Any], value_of: Property) -> bool | None:
    low, high = _value(args[1], value_of), _value(args[2], value_of)
    return _any(
        lambda value: _joined("and", [compare(">=", value, low), compare("<=", value, high)]),
        _value(args[0], value_of),
    )


def _any(test: Callable[[Any], bool | None], value: Any) -> bool | None:
    return _joined("or", [test(part) for part in value]) if isinstance(value, list) else test(value)


def _joined(op: str, truths: list[bool | None]) -> bool | None:
    """Return AND or OR in three-valued logic."""
    decisive = op == "or"
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def _value(node: Any, value_of: Property) -> Any:
    """Return the value of an expression that is not a predicate."""
    if isinstance(node, list):
        return [_value(part, value_of) for part in node]
    if not isinstance(node, dict):
        return node
    if "property" in node:
        return value_of(node["property"])
    if "timestamp" in node:
        return parse_instant(node["timestamp"])
    if "date" in node:
        return instant_of(node["date"])
    if "interval" in node:
        return _interval([_value(end, value_of) for end in node["interval"]])
    if "op" not in node:
        return node
    op, args = node["op"].lower(), [_value(arg, value_of) for arg in node["args"]]
    if op in TEXT_FUNCTIONS:
        return TEXT_FUNCTIONS[op](args[0])
    if op in _ARITHMETIC:
        return _calculated(op, 0, args[0]) if len(args) == 1 else _calculated(op, args[0], args[1])
    return meets(node, value_of)


def _calculated(op: str, left: Any, right: Any) -> Any:
    """Return the value of an expression, for a list of numbers those of its members."""
    if isinstance(left, list):
        return [calculate(op, one, right) for one in left]
    return (
        [calculate(op, left, one) for one in right] if isinstance(right, list) else calculate(op, left, right)
    )


def _interval(ends: list[Any]) -> Interval | None:
    start, end = (instant_of(end) if isinstance(end, str) and end not in ("", "..") else end for end in ends)
    first = start.start if isinstance(start, Interval) else start
    last = end.end if isinstance(end, Interval) else end
    return Interval(None if first in ("", "..") else first, None if last in ("", "..") else last)
