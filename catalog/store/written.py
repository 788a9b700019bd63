"""What became of items that were written."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.errors import RecordRefused
from catalog.store.ewkb import Box
from catalog.store.prepared import PreparedItem


@dataclass
class Written:
    """What became of the items of a batch or a whole load.

    Attributes:
        overtaken: not written, because their upstream deleted or renewed them after it gave them.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    overtaken: int = 0

    def __iadd__(self, other: "Written") -> "Written":
        self.inserted += other.inserted
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.deleted += other.deleted
        self.overtaken += other.overtaken
        return self


@dataclass
class Extent:
    """Range of time and space of some items.

    Attributes:
        starts: least and greatest start, in microseconds since 2000.
        ends: least and greatest end.
        box: west, south, east, north in degrees.
    """

    starts: tuple[int, int]
    ends: tuple[int, int]
    box: Box

    @classmethod
    def of(cls, items: Iterable[PreparedItem]) -> "Extent":
        """Return the extent of some items, at least one."""
        starts, ends, boxes = zip(*((item.start, item.end, item.box) for item in items), strict=True)
        wests, souths, easts, norths = zip(*boxes, strict=True)
        return cls(
            (min(starts), max(starts)),
            (min(ends), max(ends)),
            (min(wests), min(souths), max(easts), max(norths)),
        )

    def contains(self, other: "Extent") -> bool:
        """Whether another extent lies within this one."""
        return (
            _within(other.starts, self.starts)
            and _within(other.ends, self.ends)
            and self.box[0] <= other.box[0]
            and self.box[1] <= other.box[1]
            and self.box[2] >= other.box[2]
            and self.box[3] >= other.box[3]
        )

    def joined(self, other: "Extent") -> "Extent":
        """Return the extent of both."""
        return Extent(
            (min(self.starts[0], other.starts[0]), max(self.starts[1], other.starts[1])),
            (min(self.ends[0], other.ends[0]), max(self.ends[1], other.ends[1])),
            (
                min(self.box[0], other.box[0]),
                min(self.box[1], other.box[1]),
                max(self.box[2], other.box[2]),
                max(self.box[3], other.box[3]),
            ),
        )


@dataclass
class Outcome:
    """What became of the items of one transaction, or of several.

    Attributes:
        written: counts by collection.
        repeated: how many items came again in the same batch; the last one of them counted.
        refused: items that were not written, with the reason.
    """

    written: dict[str, Written] = field(default_factory=dict)
    repeated: int = 0
    refused: list[tuple[PreparedItem, RecordRefused]] = field(default_factory=list)

    def of(self, collection: str) -> Written:
        """Return the counts of a collection, to be added to."""
        return self.written.setdefault(collection, Written())

    def total(self) -> Written:
        """Return the counts of all collections together."""
        total = Written()
        for counts in self.written.values():
            total += counts
        return total

    def add(self, other: "Outcome") -> None:
        """Add what another transaction did."""
        for collection, counts in other.written.items():
            self.of(collection).__iadd__(counts)
        self.repeated += other.repeated
        self.refused += other.refused


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
