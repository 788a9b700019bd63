"""Arithmetic of CQL2, in decimal numbers: exact where a result has an end, and never an error.

What has no result (a division by zero, a root of a negative number, a power beyond what a float could
hold) is NULL, so that the comparison around it says neither yes nor no.
"""

from typing import TYPE_CHECKING

from catalog.store.cql2.nodes import Node, arguments
from catalog.store.cql2.terms import Term
from catalog.store.geojson import Malformed
from catalog.store.queryables import Kind

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler

_FORMS = {
    "+": "({0} + {1})",
    "-": "({0} - {1})",
    "*": "({0} * {1})",
    "/": "({0} / NULLIF({1}, 0))",
    "%": "mod({0}, NULLIF({1}, 0))",
    "div": "div({0}, NULLIF({1}, 0))",
}
OPERATORS = frozenset({*_FORMS, "^"})

# Nested further, operands would be written out twice at every step, and numbers grow without end.
_MAX_POWERS_DEEP = 3


def compile_arithmetic(compiler: "Compiler", op: str, args: list[Node], depth: int) -> Term:
    """Return a sum, difference, product, quotient, remainder, whole quotient or power."""
    if op in ("+", "-") and len(args) == 1:
        operand = compiler.value(args[0], Kind.NUMBER, depth + 1).sql
        return Term(f"(- {operand})" if op == "-" else operand, Kind.NUMBER)
    left, right = (compiler.value(part, Kind.NUMBER, depth + 1).sql for part in arguments(op, args, 2))
    if op != "^":
        return Term(_FORMS[op].format(left, right), Kind.NUMBER)
    if max(left.count("power("), right.count("power(")) >= 2**_MAX_POWERS_DEEP:
        raise Malformed("powers of powers are nested too deep")
    return Term(_power(left, right), Kind.NUMBER)


def _power(base: str, exponent: str) -> str:
    # The logarithm tells the size of the result before it is computed. 690: e^690 is about 10^299.
    size = f"abs({exponent} * ln(abs(NULLIF({base}, 0))))"
    return (
        f"CASE WHEN {base} IS NULL OR {exponent} IS NULL THEN NULL "
        f"WHEN {base} = 0 THEN CASE WHEN {exponent} > 0 THEN 0 WHEN {exponent} = 0 THEN 1 END "
        f"WHEN {base} < 0 AND {exponent} <> trunc({exponent}) THEN NULL "
        f"WHEN {size} < 690 THEN power({base}, {exponent}) END"
    )
