"""Values of CQL2 in Python: how they compare, and what patterns match.

Source: OGC 21-065r2 (CQL2), sections 6 and 7. `None` stands for SQL's NULL everywhere.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from catalog.instant import Interval, parse_date, parse_instant

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def negate(truth: bool | None) -> bool | None:
    """Return NOT in three-valued logic."""
    return None if truth is None else not truth


def compare(op: str, left: Any, right: Any) -> bool | None:
    """Return a comparison; None if either side is missing, False if their types have no order together.

    Args:
        op: `=`, `<>`, `<`, `<=`, `>` or `>=`.
        left: string, number, boolean, instant or span of time.
        right: likewise. A span (a calendar day) beside an instant counts as the whole it is.
    """
    if left is None or right is None:
        return None
    left, right = _alike(left, right)
    if isinstance(left, Interval) or isinstance(right, Interval):
        return _compare_spans(op, left, right)
    if _kind(left) != _kind(right):
        return op == "<>"
    if op == "=":
        return bool(left == right)
    if op == "<>":
        return bool(left != right)
    if op in ("<", ">="):
        return bool((left < right) == (op == "<"))
    return bool((left > right) == (op == ">"))


def span_of(value: Any) -> tuple[datetime, datetime] | None:
    """Return first and last instant of a time; an open end is the end of the calendar; None if it is none."""
    if isinstance(value, str):
        value = instant_of(value)
    if isinstance(value, datetime):
        return value, value
    if isinstance(value, Interval):
        return value.start or _EARLIEST, value.end or _LATEST
    return None


def instant_of(text: str) -> datetime | Interval | None:
    """Return the time that a text is, a day as its span, None if it is none."""
    try:
        return parse_instant(text)
    except ValueError:
        pass
    try:
        first, following = parse_date(text)
    except ValueError:
        return None
    return Interval(first, following - datetime.resolution)


def like(value: Any, pattern: Any) -> bool | None:
    r"""Return whether a text matches a pattern of `%` (any characters) and `_` (one); `\` escapes.

    Segments between `%` are looked for from left to right, so that no pattern takes more than the
    product of both lengths.
    """
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    segments = _segments(pattern)
    first, *rest = segments
    start = first.match(value)
    if not start:
        return False
    if not rest:
        return start.end() == len(value)
    at = start.end()
    for segment in rest[:-1]:
        found = segment.search(value, at)
        if not found:
            return False
        at = found.end()
    last = _length(rest[-1])
    return len(value) - last >= at and rest[-1].match(value, len(value) - last) is not None


def calculate(op: str, left: Any, right: Any) -> float | int | None:
    """Return the value of an arithmetic expression; None if a side is no number, or there is none."""
    if not (_is_number(left) and _is_number(right)):
        return None
    try:
        match op:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case "/":
                result = left / right
            case "%":
                result = math.fmod(left, right)
            case "div":
                result = math.trunc(left / right)
            case "^":
                result = float(left) ** float(right)
            case _:
                return None
    except (ArithmeticError, ValueError):
        return None
    return result if isinstance(result, int | float) and math.isfinite(result) else None


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Bring a text beside a time, or two texts that are times, to times."""
    if isinstance(left, str) and isinstance(right, str):
        times = instant_of(left), instant_of(right)
        return times if times[0] is not None and times[1] is not None else (left, right)
    if isinstance(left, str) and isinstance(right, datetime | Interval):
        return instant_of(left) or left, right
    if isinstance(right, str) and isinstance(left, datetime | Interval):
        return left, instant_of(right) or right
    return left, right


def _compare_spans(op: str, left: Any, right: Any) -> bool:
    one, other = span_of(left), span_of(right)
    if one is None or other is None:
        return op == "<>"
    within = other[0] <= one[0] and one[1] <= other[1]
    answers = {
        "=": within,
        "<>": not within,
        "<": one[1] < other[0],
        "<=": one[1] <= other[1],
        ">": one[0] > other[1],
        ">=": one[0] >= other[0],
    }
    return answers[op]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if _is_number(value) else type(value).__name__


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _each(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return a function that changes a text, or every text of a list, and leaves other values."""

    def changed(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        return [changed(part) for part in value] if isinstance(value, list) else value

    return changed


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    # The marks of Japanese voiced sounds are no accents.
    return unicodedata.normalize("NFC", "".join(c for c in parts if not "\u0300" <= c <= "\u036f"))


TEXT_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "casei": _each(str.casefold),
        "lower": _each(str.lower),
        "upper": _each(str.upper),
        "accenti": _each(_without_accents),
    }
)
"""Functions of texts, by their names in CQL2-JSON."""


def _segments(pattern: str) -> list[re.Pattern[str]]:
    segments, current, escaped = [], "", False
    for character in pattern:
        if escaped or character not in "\\%_":
            current, escaped = current + re.escape(character), False
        elif character == "\\":
            escaped = True
        elif character == "_":
            current += "."
        else:
            segments.append(current)
            current = ""
    return [re.compile(segment, re.DOTALL) for segment in [*segments, current]]


def _length(segment: re.Pattern[str]) -> int:
    """Return how many characters a segment matches, which has no repetition in it."""
    return len(re.sub(r"\\(.)", r"\1", segment.pattern, flags=re.DOTALL))
