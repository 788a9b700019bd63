"""What a window of the harvest is: before it is in the ledger, in a worker's hands, and what it came to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["backfill", "follow", "deletions", "reconcile"]
Basis = Literal["acquired", "changed", "deleted"]
# After so many failures in a row a window of the present is set aside.
SET_ASIDE_AFTER = 5
EVERYTHING = "*"
Box = tuple[float, float, float, float]
# Source, collection, box: what is harvested by itself, and has cursors of its own.
Scope = tuple[str, str, Box | None]


@dataclass(frozen=True, slots=True)
class NewWindow:
    """A window to add to the ledger.

    Attributes:
        collection: id of ours, or `EVERYTHING` of the source.
        basis: which time start and end are of.
        start: with a zone.
        end: not part of it.
        bbox: west, south, east, north in degrees; None is everywhere.
        priority: the highest first.
        newest_first: within a priority.
        options: what the kind needs beside; JSON.
        delay_s: seconds before it may be tried.
    """

    source: str
    collection: str
    kind: Kind
    basis: Basis
    start: datetime
    end: datetime
    bbox: Box | None = None
    priority: int = 0
    newest_first: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0

    @property
    def rank(self) -> float:
        """Place within the priority, the highest first."""
        return self.start.timestamp() if self.newest_first else -self.start.timestamp()


@dataclass(frozen=True, slots=True)
class Claim:
    """A window that a worker has.

    Attributes:
        attempt: the worker's proof that it is its own.
        failures: in a row, before this attempt.
        claimed_at: by the clock of the database; the upstream is asked after that.
    """

    id: int
    source: str
    collection: str
    kind: Kind
    basis: Basis
    start: datetime
    end: datetime
    bbox: Box | None
    options: dict[str, Any]
    priority: int
    attempt: int
    failures: int
    claimed_at: datetime

    @property
    def scope(self) -> Scope:
        """What it belongs to."""
        return self.source, self.collection, self.bbox


@dataclass(slots=True)
class Counts:
    """What an attempt at a window came to.

    Attributes:
        upstream: how many records the upstream says match; None if it does not say.
    """

    pages: int = 0
    records: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    deleted: int = 0
    upstream: int | None = None
