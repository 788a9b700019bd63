"""Texts in CQL2: `like`, and comparison without regard to case (`casei`) or accents (`accenti`)."""

from typing import TYPE_CHECKING

from catalog.store.cql2.nodes import Node, arguments, is_operation, operation
from catalog.store.cql2.terms import Term
from catalog.store.geojson import Malformed
from catalog.store.queryables import Kind

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler

PREDICATES = frozenset({"like"})
# The root locale folds every script whatever the database's own locale is; upper first, so that ß is SS. The capital
# of ß has to be led to it, and of the two small sigmas, which ICU chooses by what follows, one is taken, as Unicode's
# case folding does: else a pattern would not find in the middle of a word what ends it.
_FORMS = {
    "casei": (
        """translate(lower(upper(translate({0}, 'ẞ', 'ß') COLLATE "und-x-icu") COLLATE "und-x-icu"), 'ς', 'σ')"""
        ' COLLATE "default"'
    ),
    "accenti": "unaccent({0})",
    "upper": 'upper({0} COLLATE "und-x-icu") COLLATE "default"',
    "lower": 'lower({0} COLLATE "und-x-icu") COLLATE "default"',
}
FUNCTIONS = frozenset(_FORMS)


def compile_function(compiler: "Compiler", op: str, args: list[Node], depth: int) -> Term:
    """Return a text with its case or its accents taken away."""
    (value,) = arguments(op, args, 1)
    return Term(f"({_FORMS[op].format(compiler.value(value, Kind.TEXT, depth + 1).sql)})", Kind.TEXT)


def compile_like(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    r"""Return a match with a pattern: `%` any text, `_` any character, `\` before one that means itself."""
    value, pattern = arguments(op, args, 2)
    _check_pattern(pattern)
    sides = [compiler.value(part, Kind.TEXT, depth + 1).sql for part in (value, pattern)]
    return f"({sides[0]} LIKE {sides[1]})"


def _check_pattern(node: Node) -> None:
    """A pattern is a literal, or a function of one.

    Raises:
        Malformed: it is something else, or ends in a lone escape character, an error to PostgreSQL.
    """
    while is_operation(node):
        op, args = operation(node)
        if op not in FUNCTIONS:
            break
        (node,) = arguments(op, args, 1)
    if not isinstance(node, str):
        raise Malformed("the pattern of 'like' is a string")
    if (len(node) - len(node.rstrip("\\"))) % 2:
        raise Malformed("the pattern of 'like' ends in an escape character")
