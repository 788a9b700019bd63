"""Lists in CQL2 are sets: neither order nor repetition counts (OGC 21-065r2, section 7.10)."""

from typing import TYPE_CHECKING

import orjson

from catalog.store.cql2.nodes import Node, arguments, is_property, shown
from catalog.store.cql2.terms import kind_of_literal, number_text
from catalog.store.geojson import Malformed
from catalog.store.queryables import Kind

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler

OPERATORS = frozenset({"a_contains", "a_containedby", "a_equals", "a_overlaps"})
_FORMS = {
    "a_contains": "({0} @> {1})",
    "a_containedby": "({0} <@ {1})",
    "a_equals": "({0} @> {1} AND {0} <@ {1})",
    "a_overlaps": (
        "CASE WHEN {1} IS NOT NULL AND {0} IS NOT NULL THEN EXISTS "
        "(SELECT FROM jsonb_array_elements({0}) AS one WHERE {1} @> jsonb_build_array(one.value)) END"
    ),
}


def compile_array(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    """Return a comparison of two lists, each a property or a literal."""
    left, right = arguments(op, args, 2)
    if op == "a_overlaps" and is_property(right) and not is_property(left):
        left, right = right, left
    if op == "a_overlaps" and is_property(left) and _all_text(right):
        members = compiler.parameters.add(list(right), "::text[]")
        return f"({_members(compiler, left, depth + 1)} ?| {members})"
    return _FORMS[op].format(*(_members(compiler, part, depth + 1) for part in (left, right)))


def compile_equality(compiler: "Compiler", op: str, left: Node, right: Node, depth: int) -> str:
    """Return `=` or `<>` of a list and a list or a single value, which is a list of one.

    Raises:
        Malformed: lists have no order.
    """
    if op not in ("=", "<>"):
        raise Malformed(f"lists are not compared by {op!r}; see a_contains, a_overlaps")
    sides = [part if isinstance(part, list) or is_property(part) else [part] for part in (left, right)]
    equal = _FORMS["a_equals"].format(*(_members(compiler, part, depth) for part in sides))
    return equal if op == "=" else f"(NOT {equal})"


def _members(compiler: "Compiler", node: Node, depth: int) -> str:
    compiler.enter(depth)
    if is_property(node):
        return compiler.read(compiler.find(node), Kind.ARRAY).sql
    if not isinstance(node, list):
        raise Malformed("an array operator compares properties and lists")
    texts = []
    for member in node:
        compiler.enter(depth)
        kind = kind_of_literal(member)
        if kind not in (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN):
            raise Malformed(f"{shown(member)}: a list holds strings, numbers and booleans")
        texts.append(number_text(member) if kind is Kind.NUMBER else orjson.dumps(member).decode())
    return compiler.parameters.add(f"[{','.join(texts)}]", "::text::jsonb")


def _all_text(node: Node) -> bool:
    return isinstance(node, list) and bool(node) and all(isinstance(member, str) for member in node)
