"""Temporal operators of CQL2: relations of two spans of time, of which an instant is one without length.

OGC 21-065r2, section 7.9; the relations are Allen's, in the bounds that pgstac gives them too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from catalog.store.cql2.nodes import Node, arguments, is_property, list_of, shown
from catalog.store.cql2.terms import day_of, instant_of
from catalog.store.geojson import Malformed
from catalog.store.queryables import Kind, Queryable

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler

# a: first and last instant of the left operand; b: of the right one.
_RELATIONS = {
    "t_after": "{a.first} > {b.last}",
    "t_before": "{a.last} < {b.first}",
    "t_contains": "{a.first} < {b.first} AND {a.last} > {b.last}",
    "t_disjoint": "NOT ({a.first} <= {b.last} AND {a.last} >= {b.first})",
    "t_during": "{a.first} > {b.first} AND {a.last} < {b.last}",
    "t_equals": "{a.first} = {b.first} AND {a.last} = {b.last}",
    "t_finishedby": "{a.first} < {b.first} AND {a.last} = {b.last}",
    "t_finishes": "{a.first} > {b.first} AND {a.last} = {b.last}",
    "t_intersects": "{a.first} <= {b.last} AND {a.last} >= {b.first}",
    "t_meets": "{a.last} = {b.first}",
    "t_metby": "{a.first} = {b.last}",
    "t_overlappedby": "{a.first} > {b.first} AND {a.first} < {b.last} AND {a.last} > {b.last}",
    "t_overlaps": "{a.first} < {b.first} AND {a.last} > {b.first} AND {a.last} < {b.last}",
    "t_startedby": "{a.first} = {b.first} AND {a.last} > {b.last}",
    "t_starts": "{a.first} = {b.first} AND {a.last} < {b.last}",
}
OPERATORS = frozenset(_RELATIONS)
_LAST_MOMENT = timedelta(microseconds=1)
# SQL, an instant, or a property.
_End = str | datetime | Queryable


@dataclass(frozen=True)
class _Span:
    """A span of time; its ends are bound where they are used, since some relations need one of them alone."""

    compiler: "Compiler"
    ends: tuple[_End, _End]

    @property
    def first(self) -> str:
        """The first instant in SQL."""
        return self._sql(self.ends[0])

    @property
    def last(self) -> str:
        """The last instant in SQL."""
        return self._sql(self.ends[1])

    def _sql(self, end: _End) -> str:
        if isinstance(end, Queryable):
            return self.compiler.read_time(end)
        return end if isinstance(end, str) else self.compiler.parameters.add(end, "::timestamptz")


def compile_temporal(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    """Return a relation of two properties, timestamps, dates or intervals of these."""
    left, right = (_span(compiler, part, depth + 1) for part in arguments(op, args, 2))
    return f"({_RELATIONS[op].format(a=left, b=right)})"


def _span(compiler: "Compiler", node: Node, depth: int) -> _Span:
    if not (isinstance(node, dict) and "interval" in node):
        return _moment(compiler, node, depth)
    compiler.enter(depth)
    ends = list_of(node, "interval")
    if len(ends) != 2:
        raise Malformed("an interval has two ends")
    first: _End = "'-infinity'::timestamptz"
    last: _End = "'infinity'::timestamptz"
    if ends[0] not in ("", ".."):
        first = _moment(compiler, ends[0], depth + 1).ends[0]
    if ends[1] not in ("", ".."):
        last = _moment(compiler, ends[1], depth + 1).ends[1]
    if isinstance(first, datetime) and isinstance(last, datetime) and first > last:
        raise Malformed("the interval ends before it starts")
    return _Span(compiler, (first, last))


def _moment(compiler: "Compiler", node: Node, depth: int) -> _Span:
    compiler.enter(depth)
    if is_property(node):
        found = compiler.find(node)
        if found.kind not in (Kind.TIME, Kind.TEXT, Kind.ANY):
            raise Malformed(f"{found.name[:80]!r} is {found.kind.value}, not a time")
        return _Span(compiler, (found, found))
    if (day := day_of(node)) is not None:
        return _Span(compiler, (day.first, day.following - _LAST_MOMENT))
    if isinstance(node, str) or (isinstance(node, dict) and "timestamp" in node):
        instant = instant_of(node)
        return _Span(compiler, (instant, instant))
    raise Malformed(f"{shown(node)}: temporal operators compare properties, timestamps, dates and intervals")
