"""Keyset paging in SQL: the order of a list, and what lies beyond a place in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.store.parameters import Parameters
from catalog.store.token import Position


@dataclass(frozen=True)
class Expression:
    """A sort key in SQL.

    Attributes:
        sql: expression over pgstac's items.
        type: name of its PostgreSQL type.
        descending: direction.
        nullable: whether it may have no value.
        is_indexed: whether there is an index in its order.
    """

    sql: str
    type: str
    descending: bool
    nullable: bool = True
    is_indexed: bool = False


def ordered(key: Expression, backward: bool) -> str:
    """Return one key of an ORDER BY; backward is the whole order reversed."""
    direction = "DESC" if key.descending != backward else "ASC"
    if not key.nullable:
        # Without NULLS, so that the order is the one of pgstac's indexes.
        return f"{key.sql} {direction}"
    return f"{key.sql} {direction} NULLS {'FIRST' if backward else 'LAST'}"


def beyond(keys: Sequence[Expression], position: Position, parameters: Parameters) -> str:
    """Return the condition that a row lies behind a position, or before it.

    For keys a, b, c: `a beyond OR (a ties AND (b beyond OR (b ties AND c beyond)))`.
    """
    values = list(position.values)
    condition = ""
    for key, value in reversed(list(zip(keys, values, strict=True))):
        placeholder = parameters.add(value, f"::text::{key.type}") if value is not None else ""
        step = _step(key, placeholder, position.forward)
        if condition:
            tie = f"{key.sql} = {placeholder}" if placeholder else f"{key.sql} IS NULL"
            condition = f"({step} OR ({tie} AND {condition}))"
        else:
            condition = f"({step})"
    first, value = keys[0], values[0]
    if not first.nullable and value is not None:
        # Follows from the rest, but is what the planner can use an index and partitions with.
        below = first.descending == position.forward
        bound = parameters.add(value, f"::text::{first.type}")
        condition = f"{first.sql} {'<=' if below else '>='} {bound} AND {condition}"
    return condition


def _step(key: Expression, placeholder: str, forward: bool) -> str:
    """Return the condition that a row's key lies strictly beyond a value; no value lies last."""
    if not placeholder:
        return "FALSE" if forward else f"{key.sql} IS NOT NULL"
    operator = "<" if key.descending == forward else ">"
    step = f"{key.sql} {operator} {placeholder}"
    return f"{step} OR {key.sql} IS NULL" if forward and key.nullable else step
