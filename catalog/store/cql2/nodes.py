"""The form of CQL2-JSON: operations, their arguments, and how much of it is too much."""

from dataclasses import dataclass
from typing import Any

from catalog.store.geojson import Malformed

Node = Any

MAX_DEPTH = 100
MAX_NODES = 5_000

COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Spellings of operators that clients of older drafts send.
_ALIASES = {
    "eq": "=",
    "neq": "<>",
    "ne": "<>",
    "!=": "<>",
    "lt": "<",
    "lte": "<=",
    "le": "<=",
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "anyinteracts": "t_intersects",
    "intersects": "s_intersects",
    "a_contained_by": "a_containedby",
}


@dataclass
class Budget:
    """Counts what has been read, so that a filter of a megabyte, or a deep one, costs nothing."""

    nodes: int = 0

    def enter(self, depth: int) -> None:
        """Count one node at a depth.

        Raises:
            Malformed: it is one too many, or too deep.
        """
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise Malformed(f"is nested more than {MAX_DEPTH} deep")
        if self.nodes > MAX_NODES:
            raise Malformed(f"has more than {MAX_NODES} parts")


def operation(node: Node) -> tuple[str, list[Node]]:
    """Return the operator of a node, in lower case and in its one spelling, and its arguments.

    Raises:
        Malformed: the node is no operation.
    """
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        raise Malformed(f"{shown(node)} is not a CQL2 expression, which has `op` and `args`")
    if not isinstance(node.get("args"), list):
        raise Malformed(f"{node['op'][:40]!r} needs a list `args`")
    op = node["op"].lower()
    return _ALIASES.get(op, op), node["args"]


def arguments(op: str, args: list[Node], number: int) -> list[Node]:
    """Return the arguments of an operator if they are as many as it takes.

    Raises:
        Malformed: they are more or fewer.
    """
    if len(args) != number:
        raise Malformed(f"{op!r} takes {number} argument{'s' * (number > 1)}, not {len(args)}")
    return args


def is_operation(node: Node) -> bool:
    """Whether a node is an operator with arguments."""
    return isinstance(node, dict) and "op" in node


def is_property(node: Node) -> bool:
    """Whether a node names a property."""
    return isinstance(node, dict) and "property" in node


def text_of(value: Any, what: str) -> str:
    """Return a value that has to be a string.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, str):
        raise Malformed(f"{what} is a string")
    return value


def list_of(node: dict[str, Any], key: str) -> list[Any]:
    """Return a member that has to be a list.

    Raises:
        Malformed: it is something else.
    """
    value = node[key]
    if not isinstance(value, list):
        raise Malformed(f"{key!r} is a list")
    return value


def shown(node: Node) -> str:
    """Return the beginning of a node for an error message."""
    text = repr(node) if not isinstance(node, dict | list) else str(node)
    return text if len(text) <= 60 else text[:57] + "..."
