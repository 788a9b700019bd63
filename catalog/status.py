"""How fresh and how complete the catalogue is: the document that `/status` and `status --json` give.

The names of the fields are the names in the JSON document, and stable: fields may be added within a
version, none changes its meaning. Times are RFC 3339 in UTC, durations are seconds. `docs/how-to/operate.md`
explains them.
"""

from dataclasses import dataclass, field
from datetime import datetime

VERSION = 1


@dataclass
class Changes:
    """What was written on one day (UTC)."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def add(self, other: "Changes") -> None:
        """Add what was written elsewhere."""
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted


@dataclass
class Windows:
    """Units of work of the harvest.

    Attributes:
        waiting: not done yet, those that failed among them.
        due: of these, those that may be tried now.
        running: being worked on.
        failed: whose last attempt failed; they are tried again.
        aside: of these, those of the present that failed so often that what comes after them is followed without
            them; they are tried on by themselves until they are done.
        refused: comparisons that found so much missing that nothing was taken out; somebody has to look.
    """

    waiting: int = 0
    due: int = 0
    running: int = 0
    failed: int = 0
    aside: int = 0
    refused: int = 0

    def add(self, other: "Windows") -> None:
        """Add those of another collection."""
        self.waiting += other.waiting
        self.due += other.due
        self.running += other.running
        self.failed += other.failed
        self.aside += other.aside
        self.refused += other.refused


@dataclass
class Window:
    """The last window that was done.

    Attributes:
        kind: `backfill`, `follow` or `reconcile`.
        start: of the slice of time.
        end: of the slice of time, not part of it.
        finished: when it was done.
    """

    kind: str
    start: datetime
    end: datetime
    finished: datetime


@dataclass
class Comparison:
    """How many records the upstream said that it has, and what became of them here.

    Attributes:
        start: of the slice of time that was asked for last.
        end: of the slice of time, not part of it.
        upstream: how many records the upstream said match.
        came: how many it gave; fewer: something is missing.
        ours: how many of these went into the catalogue, or were there already; others lie outside of what was
            asked for, or came twice.
        refused: how many of these are in quarantine.
        compared: when.
    """

    start: datetime
    end: datetime
    upstream: int
    came: int
    ours: int
    refused: int
    compared: datetime


@dataclass
class Run:
    """The last `kakehashi ingest` of a source.

    Attributes:
        state: `running`, `done` or `failed`.
    """

    started: datetime
    finished: datetime | None
    state: str
    error: str | None


@dataclass
class CollectionStatus:
    """One collection as one source feeds it.

    Attributes:
        source: name of the source; None: items came from elsewhere.
        collection: id.
        title: by language.
        items: how many the collection has, whatever source they came from.
        items_exact: false: PostgreSQL's estimate, until they are counted.
        newest: start of the newest item, whatever source it came from.
        lag_s: how long ago that is.
        changed: when the collection changed last; None: not known.
        covered_until: everything before this time is here, as far as the source has told; but for windows that
            are set aside.
        last_window: the last one that was done; None: none yet.
        today: what was written since midnight, UTC.
        windows: what the harvest has to do.
        last_error: of a window that failed and waits for another try.
        last_error_at: when.
        quarantined: refused records that name this collection.
        comparison: with the upstream; None: it does not tell.
    """

    source: str | None
    collection: str
    title: dict[str, str] = field(default_factory=dict)
    items: int = 0
    items_exact: bool = True
    newest: datetime | None = None
    lag_s: int | None = None
    changed: datetime | None = None
    covered_until: datetime | None = None
    last_window: Window | None = None
    today: Changes = field(default_factory=Changes)
    windows: Windows = field(default_factory=Windows)
    last_error: str | None = None
    last_error_at: datetime | None = None
    quarantined: int = 0
    comparison: Comparison | None = None


@dataclass
class SourceStatus:
    """One source.

    Attributes:
        last_success: when it last gave what was asked.
        failures: in a row since then.
        paused_until: nothing is asked before this time; None: it is not paused.
        last_error: since then.
        last_error_at: when.
        last_run: of `kakehashi ingest`.
        today: what was written since midnight, UTC.
        windows: what the harvest has to do.
        quarantined: its refused records.
    """

    source: str
    last_success: datetime | None = None
    failures: int = 0
    paused_until: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    last_run: Run | None = None
    today: Changes = field(default_factory=Changes)
    windows: Windows = field(default_factory=Windows)
    quarantined: int = 0


@dataclass
class Refusals:
    """Refused records of one source and reason."""

    source: str
    code: str
    records: int
    last_seen: datetime


@dataclass
class Status:
    """The whole document.

    Attributes:
        version: of this form.
        generated: when it was made.
        items: of all collections.
        items_exact: false: some collections are estimated.
        collections_total: how many collections there are.
        newest: start of the newest item that has begun.
        lag_s: how long ago that is.
        today: what was written since midnight, UTC.
        windows: what the harvest has to do.
        quarantined: all refused records.
        quarantine: by source and reason.
        sources: by name.
        collections: by source and id.
    """

    version: int
    generated: datetime
    items: int
    items_exact: bool
    collections_total: int
    newest: datetime | None
    lag_s: int | None
    today: Changes
    windows: Windows
    quarantined: int
    quarantine: list[Refusals]
    sources: list[SourceStatus]
    collections: list[CollectionStatus]
