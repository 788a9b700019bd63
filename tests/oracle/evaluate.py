"""CQL2-JSON tried on one item in plain Python: the meaning that SQL has to have.

Three answers: True, False, and None where an item has no value, or one of another type, to compare.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from shapely import GeometryCollection, MultiPolygon, box, unary_union
from shapely.geometry import shape

Item = dict[str, Any]
Answer = bool | None
KINDS = {"num": "number", "count": "number", "text": "text", "list": "list", "made": "time", "flag": "flag"}
KINDS |= {
    "id": "text",
    "collection": "text",
    "datetime": "time",
    "start_datetime": "time",
    "end_datetime": "time",
}
_MOMENT = timedelta(microseconds=1)
_PAST, _FUTURE = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Undecided(Exception):
    """Rounding decides; the example shows nothing."""


@dataclass(frozen=True)
class Number:
    value: Fraction
    is_exact: bool = True


def matches(node: Any, item: Item) -> bool:
    return answer(node, item) is True


def answer(node: Any, item: Item) -> Answer:
    if isinstance(node, bool):
        return node
    if "property" in node:
        return _read(node["property"], "flag", item)
    op, args = node["op"], node["args"]
    if op in ("and", "or"):
        return _joined(op, [answer(part, item) for part in args])
    if op == "not":
        inside = answer(args[0], item)
        return None if inside is None else not inside
    if op.startswith("s_"):
        return _spatial(op, *(_geometry(part, item) for part in args))
    if op.startswith("t_"):
        return _temporal(op, *(_span(part, item) for part in args))
    if op.startswith("a_"):
        return _array(op, *(_members(part, item) for part in args))
    if op == "isNull":
        return _stored(args[0]["property"], item) is None
    if op == "like":
        return _like(*(_value(part, "text", item) for part in args))
    if op == "between":
        bounds = [{"op": ">=", "args": args[:2]}, {"op": "<=", "args": [args[0], args[2]]}]
        kind = _kind(args)
        return _joined("and", [_compare(part["op"], part["args"], item, kind) for part in bounds])
    if op == "in":
        kind = _kind([args[0], *args[1]])
        return _joined("or", [_compare("=", [args[0], member], item, kind) for member in args[1]])
    return _compare(op, args, item, _kind(args))


def _joined(op: str, parts: list[Answer]) -> Answer:
    decisive = op == "or"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


# --- values ---


def span(item: Item) -> tuple[datetime, datetime]:
    """Start and end of an item, as pgstac's columns have them."""
    properties = item["properties"]
    if properties.get("start_datetime") and properties.get("end_datetime"):
        return _instant(properties["start_datetime"]), _instant(properties["end_datetime"])
    return _instant(properties["datetime"]), _instant(properties["datetime"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _stored(name: str, item: Item) -> Any:
    if name in ("id", "collection", "geometry"):
        return item[name]
    return item["properties"].get(name)


def read_as(name: str, kind: str, item: Item) -> Any:
    return _read(name, kind, item)


def _read(name: str, kind: str, item: Item) -> Any:
    """A property as a value of a kind; None if it is none."""
    if name in ("datetime", "start_datetime"):
        return span(item)[0]
    if name == "end_datetime":
        return span(item)[1]
    value = _stored(name, item)
    if kind == "text" and KINDS.get(name) == "text":
        # What is declared a string is read as one, whatever it is.
        return _as_text(value)
    readers = {"number": _as_number, "time": _as_time, "list": _as_list}
    if kind in readers:
        return readers[kind](value)
    wanted = {"text": str, "flag": bool}[kind]
    return value if isinstance(value, wanted) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{member}"' for member in value) + "]"
    if isinstance(value, dict):
        return '{"deep": 1}'
    return str(value)


def _as_number(value: Any) -> Number | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Number(Fraction(str(value)))


def _as_time(value: Any) -> datetime | None:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_list(value: Any) -> list[Any] | None:
    if value is None or isinstance(value, dict):
        return None
    return value if isinstance(value, list) else [value]


def _kind(nodes: list[Any]) -> str | None:
    """The kind by which operands are compared: a declared property's, else that of the others."""
    of_literals = []
    for node in nodes:
        if isinstance(node, dict) and "property" in node:
            if node["property"] in KINDS:
                return KINDS[node["property"]]
        elif isinstance(node, bool):
            of_literals.append("flag")
        elif isinstance(node, int | float):
            of_literals.append("number")
        elif isinstance(node, str):
            of_literals.append("text")
        elif "op" in node:
            of_literals.append("text" if node["op"] in ("casei", "accenti") else "number")
        else:
            of_literals.append("time")
    return of_literals[0] if of_literals else None


def _value(node: Any, kind: str, item: Item) -> Any:
    if isinstance(node, dict):
        if "property" in node:
            return _read(node["property"], kind, item)
        if "op" in node:
            return _function(node["op"], node["args"], item)
        if "timestamp" in node:
            return _instant(node["timestamp"])
        return date.fromisoformat(node["date"])
    if kind == "number":
        return Number(Fraction(str(node)))
    return _as_list(node) if kind == "list" else node


def _function(op: str, args: list[Any], item: Item) -> Any:
    if op in ("casei", "accenti"):
        text = _value(args[0], "text", item)
        if text is None:
            return None
        return _without_case(text) if op == "casei" else _without_accents(text)
    left, right = (_value(part, "number", item) for part in args)
    return None if left is None or right is None else _arithmetic(op, left, right)


def _without_case(text: str) -> str:
    """As Unicode's case folding, but that ı is i."""
    return text.replace("ẞ", "ß").upper().lower().replace("ς", "σ")


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", apart))


def _arithmetic(op: str, left: Number, right: Number) -> Number | None:
    a, b, exact = left.value, right.value, left.is_exact and right.is_exact
    if op in ("+", "-", "*"):
        return Number({"+": a + b, "-": a - b, "*": a * b}[op], exact)
    if op == "^":
        if a == 0:
            return None if b < 0 else Number(Fraction(int(b == 0)))
        if b.denominator != 1:
            return None if a < 0 else Number(Fraction(float(a) ** float(b)), False)
        return None if abs(b) > 200 else Number(a ** int(b), exact and b >= 0)
    if b == 0:
        return None
    whole = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if op in ("%", "div"):
        if not exact:
            raise Undecided
        return Number(a - b * whole if op == "%" else Fraction(whole))
    return Number(a / b, False)


# --- predicates ---


def _compare(op: str, args: list[Any], item: Item, kind: str | None) -> Answer:
    if kind is None:
        left, right = (_stored(node["property"], item) for node in args)
        if type(left) is int:
            left = float(left)
        if type(right) is int:
            right = float(right)
        if type(left) is not type(right) or not isinstance(left, str | float | bool):
            return None
        # As decimals, as they are written.
        values = [_stored(node["property"], item) for node in args]
        sides = values if isinstance(left, str | bool) else [Fraction(str(value)) for value in values]
        return _ordered(op, *sides)
    left, right = (_value(node, kind, item) for node in args)
    if left is None or right is None:
        return None
    if kind == "list":
        equal = _array("a_equals", left, right)
        return equal if op == "=" else not equal
    if isinstance(left, date) and not isinstance(left, datetime):
        left, right, op = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    if isinstance(right, date) and not isinstance(right, datetime):
        first = datetime(right.year, right.month, right.day, tzinfo=UTC)
        last = first + timedelta(days=1) - _MOMENT
        inside = first <= left <= last
        return {
            "=": inside,
            "<>": not inside,
            "<": left < first,
            "<=": left <= last,
            ">": left > last,
            ">=": left >= first,
        }[op]
    if isinstance(left, Number):
        if not (left.is_exact and right.is_exact):
            size = max(abs(left.value), abs(right.value), Fraction(1))
            if abs(left.value - right.value) <= size / 10**9:
                raise Undecided
        left, right = left.value, right.value
    return _ordered(op, left, right)


def _ordered(op: str, left: Any, right: Any) -> bool:
    return {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[op]


def _like(text: str | None, pattern: str | None) -> Answer:
    if text is None or pattern is None:
        return None
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    translated = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(translated, text, re.DOTALL) is not None


def _members(node: Any, item: Item) -> list[Any] | None:
    if isinstance(node, dict):
        return _read(node["property"], "list", item)
    return list(node)


def _array(op: str, left: list[Any] | None, right: list[Any] | None) -> Answer:
    if left is None or right is None:
        return None
    a, b = ({(isinstance(one, bool), str(one), type(one) is str) for one in side} for side in (left, right))
    return {"a_contains": a >= b, "a_containedBy": a <= b, "a_equals": a == b, "a_overlaps": bool(a & b)}[op]


def _span(node: Any, item: Item) -> tuple[datetime | None, datetime | None]:
    if "interval" in node:
        first, last = node["interval"]
        return (
            _PAST if first == ".." else _end(first, 0, item),
            _FUTURE if last == ".." else _end(last, 1, item),
        )
    if "property" in node:
        moment = _read(node["property"], "time", item)
        return moment, moment
    if "date" in node:
        first = _instant(node["date"] + "T00:00:00Z")
        return first, first + timedelta(days=1) - _MOMENT
    return _instant(node["timestamp"]), _instant(node["timestamp"])


def _end(node: Any, which: int, item: Item) -> datetime | None:
    if isinstance(node, str):
        node = {"date" if len(node) == 10 else "timestamp": node}
    return _span(node, item)[which]


def _before(left: datetime | None, right: datetime | None) -> Answer:
    return None if left is None or right is None else left < right


def _same(left: datetime | None, right: datetime | None) -> Answer:
    return None if left is None or right is None else left == right


def _temporal(op: str, left: Any, right: Any) -> Answer:
    """An end that is missing leaves open only what depends on it."""
    (a, b), (c, d) = left, right
    parts = {
        "t_after": [_before(d, a)],
        "t_before": [_before(b, c)],
        "t_contains": [_before(a, c), _before(d, b)],
        "t_during": [_before(c, a), _before(b, d)],
        "t_equals": [_same(a, c), _same(b, d)],
        "t_finishedBy": [_before(a, c), _same(b, d)],
        "t_finishes": [_before(c, a), _same(b, d)],
        "t_meets": [_same(b, c)],
        "t_metBy": [_same(a, d)],
        "t_overlappedBy": [_before(c, a), _before(a, d), _before(d, b)],
        "t_overlaps": [_before(a, c), _before(c, b), _before(b, d)],
        "t_startedBy": [_same(a, c), _before(d, b)],
        "t_starts": [_same(a, c), _before(b, d)],
    }
    if op in parts:
        return _joined("and", parts[op])
    apart = _joined("or", [_before(b, c), _before(d, a)])
    return apart if op == "t_disjoint" or apart is None else not apart


def bbox_shape(bbox: list[float]) -> Any:
    west, south, east, north = bbox if len(bbox) == 4 else (bbox[0], bbox[1], bbox[3], bbox[4])
    if west <= east:
        return box(west, south, east, north)
    return MultiPolygon([box(west, south, 180, north), box(-180, south, east, north)])


def _geometry(node: Any, item: Item) -> Any:
    if "property" in node:
        return shape(item["geometry"])
    if "bbox" in node:
        return bbox_shape(node["bbox"])
    return shape(node)


def _spatial(op: str, left: Any, right: Any) -> bool:
    if op in ("s_intersects", "s_disjoint"):
        parts = [(one, other) for one in _parts(left) for other in _parts(right)]
        meets = any(one.intersects(other) for one, other in parts)
        return meets if op == "s_intersects" else not meets
    left, right = (
        unary_union(side) if isinstance(side, GeometryCollection) else side for side in (left, right)
    )
    return bool(getattr(left, op.removeprefix("s_"))(right))


def _parts(geometry: Any) -> list[Any]:
    return list(geometry.geoms) if isinstance(geometry, GeometryCollection) else [geometry]
