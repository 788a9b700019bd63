"""Reading values out of native records, whatever their type: texts, numbers in texts, nothing at all."""

import math
import re
from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from catalog.errors import RecordRefused

_WHOLE = re.compile(r"[+-]?\d{1,4000}")  # Python refuses to read many more digits


def lookup(record: Mapping[str, Any], path: str) -> Any:
    """Return what is at a dotted path (`gpp.datasetId`), None where a step of it is missing."""
    value: Any = record
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def members(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object that is a member of a record, empty where there is none.

    Raises:
        RecordRefused: `bad-structure`; something else stands there.
    """
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RecordRefused("bad-structure", f"{name} is no object: {shown(value)}")
    return value


def entries(record: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list that is a member of a record, empty where there is none.

    Raises:
        RecordRefused: `bad-structure`; something else stands there.
    """
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise RecordRefused("bad-structure", f"{name} is no list: {shown(value)}")
    return list(value)


def text(value: Any) -> str | None:
    """Return a value as text without outer blanks; None for nothing, `""`, lists and objects.

    Numbers and booleans, which some clients convert before they save a record, come back as the text
    the upstream sends: `true`, `10002015`.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not isinstance(value, str):
        return None
    return value.strip() or None


def number(value: Any) -> float | None:
    """Return a value as a finite number, None where it is none."""
    try:
        result = float(text(value) or "")
    except ValueError:
        return None
    return result if math.isfinite(result) else None


def integer(value: Any) -> int | None:
    """Return a value as a whole number, None where it is none or has a fraction."""
    digits = text(value)
    if digits and _WHOLE.fullmatch(digits):
        return int(digits)
    result = number(value)
    return int(result) if result is not None and result.is_integer() else None
