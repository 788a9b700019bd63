"""What a source must provide, and the few things that pass between a source and the pipeline.

A source is one upstream service. `pages` asks it for records and `describe` for a collection; nothing
else does I/O. `records` cuts a page into native records; `to_item` and `to_collection` turn one of
them into STAC. The pure ones serve live runs, `--from-file`, replay and tests alike. Everything else
(retries, rate limits, geometry repair, times, vocabulary, validation, provenance, loading) is done for
all sources by the rest of this package.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from ingest.definition import Definition

Item = dict[str, Any]
Collection = dict[str, Any]
BoundingBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """A slice of time `[start, end)` in UTC; None leaves a side open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are wanted.

    Attributes:
        collections: ids of our collections; empty means all that the source has.
        window: acquisition time.
        bbox: west, south, east, north in degrees; west > east crosses the antimeridian.
        page_size: most records to ask for at once; None leaves it to the source.
    """

    collections: tuple[str, ...] = ()
    window: Window = field(default_factory=Window)
    bbox: BoundingBox | None = None
    page_size: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One upstream response, parsed.

    Attributes:
        document: the JSON value, or whatever the protocol of the source yields.
        origin: URL or file name it came from, for messages.
        matched: how many records the upstream says the whole query matches; on the first page of a query
            alone, so that they may be added up.
    """

    document: Any
    origin: str
    matched: int | None = None


class Kind(Enum):
    """What a native record describes."""

    ITEM = "item"
    COLLECTION = "collection"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Record:
    """One raw entry of a page.

    Attributes:
        native: the entry as the upstream gave it.
        native_id: its identifier there, if it has one; for messages and the quarantine.
        kind: what it describes.
    """

    native: Mapping[str, Any]
    native_id: str | None
    kind: Kind = Kind.ITEM


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What an upstream says of a record that it deleted.

    Attributes:
        id: of the item that the record was.
        collection: id of our collection.
        native_id: the upstream's own identifier. Where it is not the item's id, an item counts as
            deleted only if this text stands somewhere in it: of two copies of a product under one name,
            an upstream deletes one and keeps the other.
        deleted_at: with a zone.
        reason: as the upstream gives it.
    """

    id: str
    collection: str
    native_id: str
    deleted_at: datetime
    reason: str | None = None


class Source(Protocol):
    """One upstream service, as the pipeline sees it."""

    name: str
    definition: Definition

    def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Ask the upstream for everything in a selection, page by page.

        Raises:
            ConfigurationError: a collection is asked for that the source does not have.
            UpstreamUnavailable: it cannot be reached, or keeps answering 429 or 5xx.
            UpstreamChanged: it answers in a form that is not known.
        """
        ...

    def records(self, page: Page) -> Iterator[Record]:
        """Cut a page into records.

        Raises:
            UpstreamChanged: the document is not one of this upstream; says what it lacks.
        """
        ...

    def to_item(self, record: Record) -> Item:
        """Turn a native record into a STAC item, without geometry repair, provenance or validation.

        Raises:
            RecordRefused: it cannot become one; says why.
        """
        ...

    def to_collection(self, record: Record) -> Collection:
        """Turn a native description into a STAC Collection.

        Raises:
            RecordRefused: it cannot become one, or is left out on purpose; says why.
        """
        ...

    async def describe(self, collection: str) -> Collection | None:
        """Return the upstream's own description of a collection that our definitions lack.

        None if the upstream describes none, or cannot be asked.
        """
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A source whose recorded answers are not all strict JSON."""

    def parse(self, content: bytes) -> Any:
        """Return the document of a page from the bytes of a file.

        Raises:
            ValueError: it is in no form that this upstream answers in; says what is wrong.
            UpstreamChanged: it is an answer in that form, but of another kind.
        """
        ...


@runtime_checkable
class FollowsChanges(Protocol):
    """A source that can be asked for what was added or changed in some time."""

    def changed_pages(self, selection: Selection, changed: Window) -> AsyncIterator[Page]:
        """Ask for everything in a selection that changed in `[start, end)`, page by page; raises as `pages`.

        Args:
            selection: one collection, and perhaps a box.
            changed: times of change by the upstream's clock; both sides are set.
        """
        ...


@runtime_checkable
class TellsDeletions(Protocol):
    """A source with a feed of deletions, whose pages hold records of kind `TOMBSTONE`."""

    def deletions(self, since: datetime, until: datetime | None = None) -> AsyncIterator[Page]:
        """Ask for what was deleted in `[since, until)`, page by page; raises as `pages`."""
        ...

    def to_tombstone(self, record: Record) -> Tombstone:
        """Turn a record of a deletion into a tombstone.

        Raises:
            RecordRefused: it does not say what was deleted, or that was never an item; says why.
        """
        ...


@runtime_checkable
class HasCompanions(Protocol):
    """A source whose files are no items without another one, such as a table of stations."""

    companions: tuple[str, ...]
    """Names of files that are read too, for what they tell, where they lie beside one that was given."""
