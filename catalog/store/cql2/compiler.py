"""Logic and comparisons of CQL2; the other operators are in the modules beside this one."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from catalog.errors import InvalidRequest
from catalog.store.cql2 import arrays, numbers, spatial, temporal, texts
from catalog.store.cql2.nodes import (
    COMPARISONS,
    Budget,
    Node,
    arguments,
    is_operation,
    is_property,
    operation,
    shown,
)
from catalog.store.cql2.terms import (
    Day,
    Term,
    as_number,
    as_text,
    day_of,
    kind_of_literal,
    literal,
    number_text,
    path_of,
    property_name,
    read,
)
from catalog.store.geojson import Malformed
from catalog.store.parameters import Parameters
from catalog.store.queryables import Kind, Queryable, Queryables

_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_filter(
    expression: Node, queryables: Queryables, parameters: Parameters, collections: Iterable[str] = ()
) -> str:
    """Return a CQL2-JSON expression as an SQL condition.

    Args:
        expression: as a client sent it.
        queryables: what is registered.
        parameters: takes the values of the expression.
        collections: of the search; they may narrow what a property is.

    Raises:
        InvalidRequest: names `filter` and what is wrong or not supported in it.
    """
    try:
        return Compiler(queryables, parameters, tuple(collections)).boolean(expression, 1)
    except ValueError as error:
        raise InvalidRequest("filter", str(error)) from error


class Compiler:
    """One walk over one expression."""

    def __init__(self, queryables: Queryables, parameters: Parameters, collections: tuple[str, ...]) -> None:
        self.parameters = parameters
        self._queryables = queryables
        self._collections = collections
        self._budget = Budget()

    def enter(self, depth: int) -> None:
        """Count a node, see `Budget.enter`."""
        self._budget.enter(depth)

    def boolean(self, node: Node, depth: int) -> str:
        """Return a node that says yes, no or, by SQL's NULL, neither."""
        self.enter(depth)
        if isinstance(node, bool):
            return "TRUE" if node else "FALSE"
        if is_property(node):
            return f"({self.read(self.find(node), Kind.BOOLEAN).sql})"
        op, args = operation(node)
        if op in ("and", "or"):
            if not args:
                raise Malformed(f"{op!r} needs arguments")
            return "(" + f" {op.upper()} ".join(self.boolean(part, depth + 1) for part in args) + ")"
        if op == "not":
            return f"(NOT {self.boolean(arguments(op, args, 1)[0], depth + 1)})"
        return self._predicate(op)(op, args, depth)

    def _predicate(self, op: str) -> Callable[[str, list[Node], int], str]:
        if op in COMPARISONS:
            return self._comparison
        named: dict[str, Callable[[str, list[Node], int], str]] = {
            "between": self._between,
            "in": self._in,
            "isnull": self._is_null,
        }
        if op in named:
            return named[op]
        for operators, compiled in (
            (spatial.OPERATORS, spatial.compile_spatial),
            (temporal.OPERATORS, temporal.compile_temporal),
            (arrays.OPERATORS, arrays.compile_array),
            (texts.PREDICATES, texts.compile_like),
        ):
            if op in operators:
                return partial(compiled, self)
        raise Malformed(f"operator {op[:40]!r} is not supported here")

    # --- values ---

    def find(self, node: dict[str, Any]) -> Queryable:
        """Return the property that a node names.

        Raises:
            Malformed: the catalogue takes registered properties only, and it is none.
        """
        found = self._queryables.find(property_name(node), self._collections)
        if not (found.is_registered or self._queryables.is_open):
            raise Malformed(f"{found.name[:80]!r} is not a queryable (see /queryables)")
        return found

    def read(self, found: Queryable, kind: Kind) -> Term:
        """Return a property as a value of a kind."""
        return read(found, kind, self.parameters)

    def read_time(self, found: Queryable) -> str:
        """Return a property as a time even if it is declared as a mere string, as temporal operators do."""
        kind = Kind.ANY if found.kind is Kind.TEXT and not found.column else found.kind
        return self.read(replace(found, kind=kind), Kind.TIME).sql

    def kind_of(self, node: Node) -> Kind | None:
        """Return the kind that an operand has by itself; None: a property that takes any."""
        if is_property(node):
            found = self.find(node)
            return None if found.kind is Kind.ANY else found.kind
        if is_operation(node):
            op, _ = operation(node)
            if op in numbers.OPERATORS:
                return Kind.NUMBER
            if op in texts.FUNCTIONS:
                return Kind.TEXT
            raise Malformed(f"function or operator {op[:40]!r} is not supported here")
        kind = kind_of_literal(node)
        if kind is None:
            raise Malformed(f"{shown(node)} is not a value that can be compared")
        return kind

    def value(self, node: Node, kind: Kind, depth: int) -> Term:
        """Return an operand as a value of a kind.

        Raises:
            Malformed: it is of another.
        """
        self.enter(depth)
        if is_property(node):
            return self.read(self.find(node), kind)
        if is_operation(node):
            op, args = operation(node)
            if op in numbers.OPERATORS and kind is Kind.NUMBER:
                return numbers.compile_arithmetic(self, op, args, depth)
            if op in texts.FUNCTIONS and kind is Kind.TEXT:
                return texts.compile_function(self, op, args, depth)
            self.kind_of(node)
            raise Malformed(f"{op[:40]!r} is not {kind.value}")
        return literal(node, kind, self.parameters)

    # --- comparisons ---

    def _comparison(self, op: str, args: list[Node], depth: int) -> str:
        left, right = arguments(op, args, 2)
        return self._compare(op, left, right, self._common_kind([left, right]), depth + 1)

    def _common_kind(self, nodes: list[Node]) -> Kind | None:
        """Return the kind by which operands are compared: a declared property's before a literal's."""
        declared = [self.kind_of(node) for node in nodes]
        by_property = [kind for node, kind in zip(nodes, declared, strict=True) if is_property(node) and kind]
        kinds = by_property or [kind for kind in declared if kind]
        return kinds[0] if kinds else None

    def _compare(self, op: str, left: Node, right: Node, kind: Kind | None, depth: int) -> str:
        if kind is Kind.GEOMETRY:
            raise Malformed("a geometry is compared by spatial operators such as s_intersects")
        if kind is None:
            return self._compare_by_content(op, left, right, depth)
        if kind is Kind.ARRAY:
            return arrays.compile_equality(self, op, left, right, depth)
        if kind is Kind.TIME:
            if (day := day_of(left)) is not None:
                left, right, op = right, left, _MIRRORED[op]
            else:
                day = day_of(right)
            if day is not None:
                if (other := day_of(left)) is not None:
                    sides = [self.parameters.add(one.first, "::timestamptz") for one in (other, day)]
                    return f"({sides[0]} {op} {sides[1]})"
                return self._compare_with_day(op, self.value(left, kind, depth), day)
        try:
            sides = [self.value(side, kind, depth).sql for side in (left, right)]
        except Malformed as error:
            names = [side["property"] for side in (left, right) if is_property(side)]
            if len(names) != 1 or is_operation(left) or is_operation(right):
                raise
            raise Malformed(f"{error}, which {names[0][:80]!r} is") from error
        return f"({sides[0]} {op} {sides[1]})"

    def _compare_by_content(self, op: str, left: Node, right: Node, depth: int) -> str:
        """Compare two properties by what they hold; values of different types cannot be compared."""
        paths = []
        for node in (left, right):
            self.enter(depth)
            paths.append(path_of(self.find(node), self.parameters).json)
        one, other = paths
        return (
            f"CASE WHEN jsonb_typeof({one}) = jsonb_typeof({other}) "
            f"AND jsonb_typeof({one}) IN ('string', 'number', 'boolean') THEN {one} {op} {other} END"
        )

    def _compare_with_day(self, op: str, value: Term, day: Day) -> str:
        """A day is the span of time it is: `> day` is after its end, `= day` is within it."""
        # A parameter is bound only where it is used: PostgreSQL refuses one that stands nowhere.
        if op in ("=", "<>"):
            first = self.parameters.add(day.first, "::timestamptz")
            following = self.parameters.add(day.following, "::timestamptz")
            if op == "=":
                return f"({value.sql} >= {first} AND {value.sql} < {following})"
            return f"({value.sql} < {first} OR {value.sql} >= {following})"
        operator, end = {
            "<": ("<", day.first),
            "<=": ("<", day.following),
            ">": (">=", day.following),
            ">=": (">=", day.first),
        }[op]
        return f"({value.sql} {operator} {self.parameters.add(end, '::timestamptz')})"

    def _between(self, op: str, args: list[Node], depth: int) -> str:
        if len(args) == 2 and isinstance(args[1], list):
            # As drafts of CQL2 had it, and STAC API's filter extension shows it to this day.
            args = [args[0], *args[1]]
        value, low, high = arguments(op, args, 3)
        kind = self._common_kind([value, low, high])
        if kind not in (None, Kind.NUMBER, Kind.TIME, Kind.TEXT):
            raise Malformed(f"'between' compares numbers, times and strings, not {kind.value}")
        lower = self._compare(">=", value, low, kind, depth + 1)
        return f"({lower} AND {self._compare('<=', value, high, kind, depth + 1)})"

    def _in(self, op: str, args: list[Node], depth: int) -> str:
        if len(args) > 2 and not isinstance(args[1], list):
            args = [args[0], args[1:]]
        value, members = arguments(op, args, 2)
        if not isinstance(members, list) or not members:
            raise Malformed("'in' needs a list that is not empty")
        kind = self._common_kind([value, *members])
        simple = all(isinstance(member, str | int | float) for member in members)
        if simple and kind in (Kind.NUMBER, Kind.TEXT):
            found = self.value(value, kind, depth + 1).sql
            return f"({found} = ANY ({self._list(members, kind, depth + 1)}))"
        return "(" + " OR ".join(self._compare("=", value, one, kind, depth + 1) for one in members) + ")"

    def _list(self, members: list[Node], kind: Kind, depth: int) -> str:
        for _ in members:
            self.enter(depth)
        if kind is Kind.TEXT:
            return self.parameters.add([as_text(member) for member in members], "::text[]")
        found = [number_text(as_number(member)) for member in members]
        return self.parameters.add(found, "::text[]::numeric[]")

    def _is_null(self, op: str, args: list[Node], depth: int) -> str:
        (value,) = arguments(op, args, 1)
        self.enter(depth + 1)
        if not is_property(value):
            kind = self.kind_of(value)
            if kind is None or not is_operation(value):
                raise Malformed("'isNull' needs a property")
            return f"({self.value(value, kind, depth + 1).sql} IS NULL)"
        found = self.find(value)
        if found.column and found.kind is not Kind.TIME:
            return f"({found.column} IS NULL)"
        # A time has a column even where the item says null: what counts is what it says.
        return f"({path_of(found, self.parameters).text} IS NULL)"
