"""CQL2 filters: checked against the standard's grammar and rewritten so that pgstac gets them right.

pgstac's `stac_search_to_where` trusts the shape of what it is given. Here every node is checked,
and what it would misread is put in another form of the same meaning: dates, boxes, a geometry on
the left, `a_containedBy`, `a_equals`, boolean literals, numbers that CQL2 text made into floats.

Standard: OGC 21-065r2.
"""

import math
from collections.abc import Callable
from typing import Any

from catalog.errors import InvalidRequest
from catalog.store.filter_terms import (
    Node,
    as_times,
    compare_with_day,
    is_date,
    is_property,
    strip_prefix,
    text_of,
)
from catalog.store.geojson import Malformed, bbox_geometry, check_geometry
from catalog.store.instant import format_instant, parse_date, parse_instant

MAX_DEPTH = 50
_MAX_NODES = 5_000
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SPATIAL = {
    "s_intersects": "s_intersects",
    "s_equals": "s_equals",
    "s_disjoint": "s_disjoint",
    "s_touches": "s_touches",
    "s_overlaps": "s_overlaps",
    "s_crosses": "s_crosses",
    "s_within": "s_contains",
    "s_contains": "s_within",
}
_TEMPORAL = frozenset(
    [
        "t_after",
        "t_before",
        "t_contains",
        "t_disjoint",
        "t_during",
        "t_equals",
        "t_finishedby",
        "t_finishes",
        "t_intersects",
        "t_meets",
        "t_metby",
        "t_overlappedby",
        "t_overlaps",
        "t_startedby",
        "t_starts",
    ]
)
_ARRAY = {
    "a_contains": "a_contains",
    "a_containedby": "a_contained_by",
    "a_contained_by": "a_contained_by",
    "a_overlaps": "a_overlaps",
}
_TEXT_FUNCTIONS = {"casei": "casei", "accenti": "accenti", "upper": "upper", "lower": "lower"}
_ALIASES = {"eq": "=", "neq": "<>", "ne": "<>", "!=": "<>", "lt": "<", "lte": "<=", "le": "<="} | {
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "anyinteracts": "t_intersects",
    "intersects": "s_intersects",
}


def prepare_filter(expression: Node) -> Node:
    """Return a CQL2-JSON expression in the form that pgstac translates rightly.

    Raises:
        InvalidRequest: names `filter` and what is wrong or not supported in it.
    """
    try:
        return _Checker().boolean(expression, 1)
    except ValueError as error:
        raise InvalidRequest("filter", str(error)) from error


class _Checker:
    """One walk over one expression; counts nodes so that a filter of a megabyte costs nothing."""

    def __init__(self) -> None:
        self._nodes = 0

    def boolean(self, node: Node, depth: int) -> Node:
        """Check a node that says yes or no."""
        self._enter(depth)
        if isinstance(node, bool):
            # pgstac knows no boolean literals.
            return {"op": "=", "args": [1, int(node)]}
        op, args = _operation(node)
        if op in ("and", "or"):
            if not args:
                raise Malformed(f"{op!r} needs arguments")
            return {"op": op, "args": [self.boolean(part, depth + 1) for part in args]}
        if op == "not":
            return {"op": "not", "args": [self.boolean(_arguments(op, args, 1)[0], depth + 1)]}
        return self._predicate(op, depth)(op, args, depth)

    def _predicate(self, op: str, depth: int) -> Callable[[str, list[Node], int], Node]:
        if op in _MIRRORED:
            return self._comparison
        if op in _SPATIAL:
            return self._spatial
        if op in _TEMPORAL:
            return self._temporal
        if op in _ARRAY or op == "a_equals":
            return self._array
        others = {"like": self._like, "between": self._between, "in": self._in, "isnull": self._is_null}
        if op not in others:
            raise Malformed(f"operator {op[:40]!r} is not supported here")
        return others[op]

    def _comparison(self, op: str, args: list[Node], depth: int) -> Node:
        left, right = as_times(_arguments(op, args, 2))
        if is_date(left):
            left, right, op = right, left, _MIRRORED[op]
        if is_date(right):
            return compare_with_day(op, self.scalar(left, depth + 1), right["date"])
        return {"op": op, "args": [self.scalar(left, depth + 1), self.scalar(right, depth + 1)]}

    def _between(self, op: str, args: list[Node], depth: int) -> Node:
        value, low, high = as_times(_arguments(op, args, 3))
        if is_date(low) or is_date(high):
            bounds = [{"op": ">=", "args": [value, low]}, {"op": "<=", "args": [value, high]}]
            return self.boolean({"op": "and", "args": bounds}, depth)
        return {"op": op, "args": [self.scalar(part, depth + 1) for part in (value, low, high)]}

    def _like(self, op: str, args: list[Node], depth: int) -> Node:
        value, pattern = _arguments(op, args, 2)
        checked = [self.scalar(value, depth + 1), self.scalar(pattern, depth + 1)]
        if isinstance(checked[1], str):
            # A lone escape character at the end is an error to PostgreSQL.
            if (len(checked[1]) - len(checked[1].rstrip("\\"))) % 2:
                raise Malformed("the pattern of 'like' ends in an escape character")
        elif not (isinstance(pattern, dict) and "op" in pattern):
            raise Malformed("the pattern of 'like' is not a string")
        return {"op": op, "args": checked}

    def _in(self, op: str, args: list[Node], depth: int) -> Node:
        value, members = _arguments(op, args, 2)
        if not isinstance(members, list) or not members:
            raise Malformed("'in' needs a list that is not empty")
        value, *members = as_times([value, *members])
        return {
            "op": op,
            "args": [self.scalar(value, depth + 1), [self.scalar(m, depth + 1) for m in members]],
        }

    def _is_null(self, op: str, args: list[Node], depth: int) -> Node:
        value = _arguments(op, args, 1)[0]
        if not is_property(value):
            raise Malformed("'isNull' needs a property")
        return {"op": "isNull", "args": [self.scalar(value, depth + 1)]}

    def _spatial(self, op: str, args: list[Node], depth: int) -> Node:
        left, right = _arguments(op, args, 2)
        if is_property(right):
            left, right, op = right, left, _SPATIAL[op]
        if not is_property(left) or is_property(right):
            raise Malformed(f"{op!r} compares the property `geometry` with a geometry")
        if strip_prefix(str(left["property"])) != "geometry":
            raise Malformed(f"{op!r}: the one spatial property is `geometry`")
        self._enter(depth + 1)
        shape = bbox_geometry(_list_of(right, "bbox")) if _is_box(right) else check_geometry(right)
        if shape["type"] != "GeometryCollection":
            return {"op": op, "args": [{"property": "geometry"}, shape]}
        joint = {"s_intersects": "or", "s_disjoint": "and"}.get(op)
        if joint is None:
            raise Malformed(f"{op!r} takes no GeometryCollection")
        parts = [{"op": op, "args": [{"property": "geometry"}, part]} for part in shape["geometries"]]
        return {"op": joint, "args": parts}

    def _temporal(self, op: str, args: list[Node], depth: int) -> Node:
        return {"op": op, "args": [self._moment(part, depth + 1) for part in _arguments(op, args, 2)]}

    def _moment(self, node: Node, depth: int) -> Node:
        self._enter(depth)
        if isinstance(node, dict) and "interval" in node:
            ends = _list_of(node, "interval")
            if len(ends) != 2:
                raise Malformed("an interval has two ends")
            return {"interval": [self._interval_end(end, depth + 1) for end in ends]}
        if is_date(node):
            parse_date(text_of(node["date"], "a date"))
            return {"date": node["date"]}
        if isinstance(node, str):
            return {"timestamp": format_instant(parse_instant(node))}
        if is_property(node) or (isinstance(node, dict) and "timestamp" in node):
            return self.scalar(node, depth)
        raise Malformed("a temporal operator compares properties, timestamps, dates and intervals")

    def _interval_end(self, node: Node, depth: int) -> Node:
        if isinstance(node, str):
            if node in ("", ".."):
                return ".."
            if len(node) == 10:
                parse_date(node)
                return node
            return format_instant(parse_instant(node))
        return self._moment(node, depth)

    def _array(self, op: str, args: list[Node], depth: int) -> Node:
        checked = [self._members(part, depth + 1) for part in _arguments(op, args, 2)]
        if op == "a_equals":
            # Sets, says the standard (section 7.14); pgstac compares the order too.
            names = ("a_contains", "a_contained_by")
            return {"op": "and", "args": [{"op": name, "args": checked} for name in names]}
        return {"op": _ARRAY[op], "args": checked}

    def _members(self, node: Node, depth: int) -> Node:
        if is_property(node):
            return self.scalar(node, depth)
        if not isinstance(node, list):
            raise Malformed("an array operator compares properties and lists")
        members = [self.scalar(member, depth) for member in node]
        if any(isinstance(member, dict) for member in members):
            raise Malformed("a list holds strings, numbers and booleans")
        return members

    def scalar(self, node: Node, depth: int) -> Node:
        """Check a node that is one value."""
        self._enter(depth)
        if isinstance(node, str | bool | int):
            return node
        if isinstance(node, float):
            if not math.isfinite(node):
                raise Malformed("a number is finite")
            # CQL2 text knows floats alone; 10.0 is not how a property says 10 when it is compared as text.
            return int(node) if node.is_integer() and abs(node) < 2**53 else node
        if is_property(node):
            return {"property": _property_name(node["property"])}
        if isinstance(node, dict) and "timestamp" in node:
            return {"timestamp": format_instant(parse_instant(text_of(node["timestamp"], "a timestamp")))}
        if isinstance(node, dict) and "op" in node:
            op, args = _operation(node)
            if op in _TEXT_FUNCTIONS:
                return {"op": op, "args": [self.scalar(_arguments(op, args, 1)[0], depth + 1)]}
            raise Malformed(f"{op[:40]!r} is not supported here: no arithmetic and no functions of one's own")
        raise Malformed(f"{str(node)[:60]!r} is not a value that can be compared")

    def _enter(self, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise Malformed(f"is nested more than {MAX_DEPTH} deep")
        if self._nodes > _MAX_NODES:
            raise Malformed(f"has more than {_MAX_NODES} parts")


def _operation(node: Node) -> tuple[str, list[Node]]:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        raise Malformed(f"{str(node)[:60]!r} is not a CQL2 predicate, which has `op` and `args`")
    if not isinstance(node.get("args"), list):
        raise Malformed(f"{node['op'][:40]!r} needs a list `args`")
    op = node["op"].lower()
    return _ALIASES.get(op, op), node["args"]


def _arguments(op: str, args: list[Node], number: int) -> list[Node]:
    if op == "in" and len(args) > 2 and not isinstance(args[1], list):
        args = [args[0], args[1:]]
    if len(args) != number:
        raise Malformed(f"{op!r} takes {number} argument{'s' * (number > 1)}, not {len(args)}")
    return args


def _property_name(name: Any) -> str:
    text = text_of(name, "a property name")
    if not text.strip() or text.strip(".") in ("", "properties"):
        raise Malformed("a property has a name")
    return text


def _list_of(node: dict[str, Any], key: str) -> list[Any]:
    value = node[key]
    if not isinstance(value, list):
        raise Malformed(f"{key!r} is a list")
    return value


def _is_box(node: Node) -> bool:
    return isinstance(node, dict) and "bbox" in node
