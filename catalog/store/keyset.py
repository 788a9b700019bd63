"""Keyset paging in SQL: the order of a list, and what lies beyond a place in it."""

from dataclasses import dataclass, field
from typing import Any

from catalog.store.token import Position


@dataclass(frozen=True)
class Expression:
    """A sort key in SQL.

    Attributes:
        sql: expression over pgstac's items.
        type: name of its PostgreSQL type.
        descending: direction.
        nullable: whether it may have no value.
    """

    sql: str
    type: str
    descending: bool
    nullable: bool = True


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters `$1`, `$2` ..."""

    sql: str
    parameters: tuple[Any, ...]


@dataclass
class Parameters:
    """Collects values and hands out their placeholders."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any, cast: str = "") -> str:
        """Return the placeholder of a value, with a cast such as `::text`."""
        self.values.append(value)
        return f"${len(self.values)}{cast}"


def ordered(key: Expression, backward: bool) -> str:
    """Return one key of an ORDER BY; backward is the whole order reversed."""
    direction = "DESC" if key.descending != backward else "ASC"
    if not key.nullable:
        # Without NULLS, so that the order is the one of pgstac's indexes.
        return f"{key.sql} {direction}"
    return f"{key.sql} {direction} NULLS {'FIRST' if backward else 'LAST'}"


def beyond(keys: list[Expression], position: Position, parameters: Parameters) -> str:
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
