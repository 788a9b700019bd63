"""What items say of themselves that their collection repeats: time, place and summaries.

An `Observed` is a union: adding items or other unions only widens it, in any order and any number of
times, so that what parallel loads saw can be put together later.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, PositiveInt

Box = tuple[float, float, float, float]
Value = str | int | float | bool

_NUMBERS = frozenset({int, float})
_SCALARS = frozenset({str, int, float, bool})
_FILE = Path(__file__).parent / "summaries.yaml"


class Summarised(BaseModel):
    """Which properties are summarised: see `summaries.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_values: PositiveInt
    values: tuple[str, ...]
    ranges: tuple[str, ...]


@cache
def summarised() -> Summarised:
    """Return which properties are summarised."""
    return Summarised.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def summarised_values(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return of an item's properties those that are summarised, in the order of `summaries.yaml`."""
    wanted = summarised()
    return tuple(properties.get(name) for names in (wanted.values, wanted.ranges) for name in names)


@dataclass
class Observed:
    """The union of what some items say.

    Attributes:
        oldest: earliest start of an item, with a zone.
        newest: latest start of an item; what freshness is measured by.
        latest_end: latest end of an item, not before `newest`.
        box: west, south, east, north in degrees, around all footprints; never west > east.
        values: by property, every value seen; None: more than are worth listing.
        ranges: by property, least and greatest number.
    """

    oldest: datetime | None = None
    newest: datetime | None = None
    latest_end: datetime | None = None
    box: Box | None = None
    values: dict[str, set[Value] | None] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add_said(self, said: Iterable[Sequence[Any]]) -> None:
        """Take in what items say of themselves, all of them at once: column by column is several times as quick.

        Args:
            said: what `summarised_values` makes of the properties of each.
        """
        wanted = summarised()
        columns = list(zip(*said, strict=True))
        for name, column in zip(wanted.values, columns, strict=False):
            self._add_values(name, _distinct(column))
        for name, column in zip(wanted.ranges, columns[len(wanted.values) :], strict=False):
            numbers = [number for number in column if type(number) in _NUMBERS]
            if numbers:
                self._add_range(name, min(numbers), max(numbers))

    def merge(self, other: "Observed") -> None:
        """Take in what another union saw."""
        self.merge_extent(other.oldest, other.newest, other.latest_end, other.box)
        self.merge_summaries(other)

    def merge_summaries(self, other: "Observed") -> None:
        """Take in what another union saw of summaries, leaving time and place."""
        for name, values in other.values.items():
            if values is None:
                self.values[name] = None
            else:
                self._add_values(name, values)
        for name, (least, greatest) in other.ranges.items():
            self._add_range(name, least, greatest)

    def merge_extent(
        self,
        oldest: datetime | None,
        newest: datetime | None,
        latest_end: datetime | None,
        box: Box | None,
    ) -> None:
        """Widen time and place; None widens nothing."""
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest
        if latest_end is not None and (self.latest_end is None or latest_end > self.latest_end):
            self.latest_end = latest_end
        if box is not None:
            mine = self.box or box
            self.box = (
                min(mine[0], box[0]),
                min(mine[1], box[1]),
                max(mine[2], box[2]),
                max(mine[3], box[3]),
            )

    def _add_values(self, name: str, values: Collection[Value]) -> None:
        if not values:
            return
        seen = self.values.setdefault(name, set())
        if seen is None:
            return
        seen.update(values)
        if len(seen) > summarised().most_values:
            self.values[name] = None

    def _add_range(self, name: str, least: float, greatest: float) -> None:
        known = self.ranges.get(name, (least, greatest))
        self.ranges[name] = (min(known[0], least), max(known[1], greatest))

    def summaries(self) -> dict[str, Any]:
        """Return it in the form of STAC `summaries`, in a fixed order."""
        found: dict[str, Any] = {
            name: sorted(values, key=lambda value: (isinstance(value, str), value))
            for name, values in self.values.items()
            if values
        }
        for name, (least, greatest) in self.ranges.items():
            found[name] = {"minimum": least, "maximum": greatest}
        return {name: found[name] for name in sorted(found)}

    def to_json(self) -> dict[str, Any]:
        """Return its summaries in the form that `from_json` reads; time and place are kept apart."""
        values = {name: None if seen is None else sorted(seen, key=str) for name, seen in self.values.items()}
        return {"values": values, "ranges": {name: list(ends) for name, ends in self.ranges.items()}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Observed":
        """Read what `to_json` wrote."""
        return cls(
            values={
                name: None if seen is None else set(seen) for name, seen in document.get("values", {}).items()
            },
            ranges={
                name: (least, greatest) for name, (least, greatest) in document.get("ranges", {}).items()
            },
        )


def _distinct(column: Iterable[Any]) -> set[Value]:
    """Return the scalars of a column, those in lists included."""
    found: set[Value] = set()
    lists = set()
    for value in column:
        if type(value) in _SCALARS:
            found.add(value)
        elif type(value) is list:
            lists.add(tuple(one for one in value if type(one) in _SCALARS))
    return found.union(*lists)
