"""Statements and the parameters that are bound to them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters `$1`, `$2` ..."""

    sql: str
    parameters: tuple[Any, ...]


@dataclass
class Parameters:
    """Collects values and hands out their placeholders; the same value with the same cast has one."""

    values: list[Any] = field(default_factory=list)
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, value: Any, cast: str = "") -> str:
        """Return the placeholder of a value, with a cast such as `::text`."""
        key = (type(value).__name__, repr(value), cast)
        if key not in self._known:
            self.values.append(value)
            self._known[key] = f"${len(self.values)}{cast}"
        return self._known[key]
