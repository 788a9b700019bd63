"""Properties and literals as SQL values of one kind.

A value of another type than the kind asked for reads as NULL, so that no item can make a search fail
and no number is compared as text. `properties` is the item's object of that name, which the FROM clause
of `catalog.store.planning.source` offers: taken out of the stored document once, however often it is read.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.instant import parse_date, parse_instant
from catalog.store.cql2.nodes import Node, is_property, shown, text_of
from catalog.store.geojson import Malformed
from catalog.store.indexes import indexed_number
from catalog.store.parameters import Parameters
from catalog.store.queryables import Kind, Queryable

# Whatever matches is a time that PostgreSQL reads without an error: no 30 February, no `now`.
_TIME = (
    r"^(?!0000)("
    r"\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|"
    r"\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)|"
    r"\d{4}-02-(0[1-9]|1\d|2[0-8])|"
    r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
    r")([Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,30})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)?)?$"
)


_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Term:
    """A value in SQL.

    Attributes:
        sql: expression; NULL where an item has no value of this kind.
        kind: what it is.
    """

    sql: str
    kind: Kind


@dataclass(frozen=True)
class Day:
    """A date: the span from its first instant to before the first of the next day, in UTC."""

    first: datetime
    following: datetime


@dataclass(frozen=True)
class Path:
    """How a property is reached in SQL.

    Attributes:
        json: expression of type jsonb.
        text: the same as text, NULL also where it is JSON's null.
    """

    json: str
    text: str


def path_of(found: Queryable, parameters: Parameters) -> Path:
    """Return where a property is in an item's document; its keys are bound."""
    base, keys = ("properties", found.path[1:]) if found.path[0] == "properties" else ("content", found.path)
    *parents, last = [parameters.add(key, "::text") for key in keys]
    stem = "->".join([base, *parents])
    return Path(f"({stem}->{last})", f"({stem}->>{last})")


def read(found: Queryable, kind: Kind, parameters: Parameters) -> Term:
    """Return a property as a value of a kind.

    Raises:
        Malformed: it is declared as something else.
    """
    if found.kind not in (kind, Kind.ANY):
        raise Malformed(f"{found.name[:80]!r} is {found.kind.value}, not {kind.value}")
    if found.column:
        return Term(found.column, kind)
    if kind is Kind.NUMBER and (indexed := index_of(found)):
        return Term(f"({indexed})", kind)
    path = path_of(found, parameters)
    if found.kind is Kind.TEXT:
        return Term(path.text, kind)
    return Term(_READ[kind](path), kind)


def index_of(found: Queryable) -> str | None:
    """Return the expression that a property's index is on, if it has one."""
    in_place = found.kind is Kind.NUMBER and found.path == ("properties", found.name)
    return indexed_number(found.name) if in_place else None


def _typed(name: str, value: str) -> Callable[[Path], str]:
    return lambda path: f"CASE jsonb_typeof({path.json}) WHEN '{name}' THEN {value.format(path)} END"


def _as_time(path: Path) -> str:
    return f"CASE WHEN {path.text} ~ '{_TIME}' THEN {path.text}::timestamptz END"


def _as_list(path: Path) -> str:
    """A value that is no list is a list of one, as pgstac reads it."""
    return (
        f"CASE WHEN jsonb_typeof({path.json}) = 'array' THEN {path.json} "
        f"WHEN jsonb_typeof({path.json}) IN ('string', 'number', 'boolean') "
        f"THEN jsonb_build_array({path.json}) END"
    )


_READ: dict[Kind, Callable[[Path], str]] = {
    Kind.NUMBER: _typed("number", "{0.json}::numeric"),
    Kind.TEXT: _typed("string", "{0.text}"),
    Kind.BOOLEAN: _typed("boolean", "{0.json}::boolean"),
    Kind.TIME: _as_time,
    Kind.ARRAY: _as_list,
    Kind.ANY: lambda path: path.json,
}


def property_name(node: dict[str, Any]) -> str:
    """Return the name in a property reference.

    Raises:
        Malformed: it has none.
    """
    name = text_of(node["property"], "a property name")
    if not name.strip() or name.strip(".") in ("", "properties"):
        raise Malformed("a property has a name")
    return name


def kind_of_literal(node: Node) -> Kind | None:
    """Return the kind of a literal, or None if the node is none."""
    if isinstance(node, bool):
        return Kind.BOOLEAN
    if isinstance(node, int | float):
        return Kind.NUMBER
    if isinstance(node, str):
        return Kind.TEXT
    if isinstance(node, dict) and ("timestamp" in node or "date" in node) and not is_property(node):
        return Kind.TIME
    if isinstance(node, list):
        return Kind.ARRAY
    return None


def literal(node: Node, kind: Kind, parameters: Parameters) -> Term:
    """Return a literal as a bound value of a kind.

    Raises:
        Malformed: it is of another kind.
    """
    if kind is Kind.TIME:
        return Term(parameters.add(instant_of(node), "::timestamptz"), kind)
    if kind is Kind.NUMBER:
        return Term(parameters.add(number_text(as_number(node)), "::text::numeric"), kind)
    if kind is Kind.TEXT:
        return Term(parameters.add(as_text(node), "::text"), kind)
    if kind is Kind.BOOLEAN and isinstance(node, str) and node.lower() in ("true", "false"):
        node = node.lower() == "true"
    if kind is not Kind.BOOLEAN or not isinstance(node, bool):
        raise Malformed(f"{shown(node)} is not {kind.value}")
    return Term(parameters.add(node, "::boolean"), kind)


def as_number(node: Node) -> float:
    """Return a number; also one in a string, as clients write it whose users type text.

    Raises:
        Malformed: it is none.
    """
    if isinstance(node, int | float) and not isinstance(node, bool):
        return node
    if isinstance(node, str) and _NUMBER.fullmatch(node.strip()):
        return int(node) if node.strip().lstrip("+-").isdecimal() and len(node) < 19 else float(node)
    raise Malformed(f"{shown(node)} is not a number")


def as_text(node: Node) -> str:
    """Return a string; also what a number beside a property of strings means, `R052` or `52`.

    Raises:
        Malformed: it is neither.
    """
    if isinstance(node, str):
        return node
    if isinstance(node, int | float) and not isinstance(node, bool):
        return number_text(node)
    raise Malformed(f"{shown(node)} is not a string")


def number_text(value: float) -> str:
    """Return a number in the digits that it was written in, as near as floats keep them.

    Raises:
        Malformed: it is not finite, or no float could hold it.
    """
    if isinstance(value, int) and abs(value) < 10**300:
        return str(value)
    if isinstance(value, int) or not math.isfinite(value):
        raise Malformed("a number is finite")
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")


def instant_of(node: Node) -> datetime:
    """Return the instant that a timestamp, or a string beside a time, names.

    Raises:
        Malformed: it names none.
    """
    text = node.get("timestamp") if isinstance(node, dict) else node
    if not isinstance(text, str):
        raise Malformed(f"{shown(node)} is not a time")
    return parse_instant(text)


def day_of(node: Node) -> Day | None:
    """Return the day that a date, or a string of its length, names; None if the node is something else.

    Raises:
        ValueError: it looks like a date and is none.
    """
    if isinstance(node, dict) and "date" in node:
        return Day(*parse_date(text_of(node["date"], "a date")))
    if isinstance(node, str) and len(node) == len("2024-05-01"):
        return Day(*parse_date(node))
    return None
