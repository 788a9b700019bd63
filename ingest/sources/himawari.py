"""Himawari-8/9 AHI in NOAA's open buckets, found by listing.

Facts and quirks: docs/reference/sources/himawari.md. One item is one 10-minute slot of one area: its files
come one by one, so an item says how many there are and how many there should be.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from catalog import jsontext
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Page, Record, Selection, Window
from ingest.definition import load_definition
from ingest.fetch import Fetcher
from ingest.himawari import SLOT, read_key
from ingest.native import text
from ingest.protocols import s3_listing
from ingest.protocols.s3_listing import Listing
from ingest.sources.himawari_slot import HimawariDefinition, Slots
from ingest.times import format_time

_FILE = Path(__file__).with_suffix(".yaml")


class Himawari:
    """Himawari-8 and -9 at NOAA."""

    name = "himawari"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections.
            http: needed by `pages` alone.
            url: one address that takes the place of all buckets.
        """
        self.definition = load_definition(HimawariDefinition, _FILE)
        self._buckets = (
            [url.rstrip("/")] if url else [one.bucket for one in self.definition.satellites.values()]
        )
        self._slots_read = Slots(self.definition)
        self._http = http
        self._native = catalog.by_native(self.name)

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """List the slots of the window, one page per slot and bucket."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        window = self._window(selection.window)
        for product in self._products(selection.collections):
            for day in _days(window):
                for bucket in self._buckets:
                    async for prefix in self._slots(bucket, f"{product}/{day:%Y/%m/%d}/", day, window):
                        found: list[s3_listing.Entry] = []
                        size = selection.page_size or self.definition.page_size
                        async for listing in s3_listing.list_objects(
                            self._http, bucket, prefix, page_size=size
                        ):
                            found += listing.entries
                        yield Page(Listing(tuple(found), prefix=prefix), f"{bucket} prefix={prefix}")

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a listing as XML, or keys as JSON: a list, or lists by name of the bucket.

        Files of one slot and area become one record; a key that names no product becomes one of its own.
        """
        document = page.document
        listed = _entries(
            document, page.origin, {_bucket_name(one.bucket) for one in self.definition.satellites.values()}
        )
        groups: dict[tuple[str, str, datetime], list[dict[str, Any]]] = {}
        strange = []
        for entry in listed:
            file = read_key(entry["key"])
            product = self._slots_read.product_of(file) if file else None
            if file is None or product is None:
                strange.append(entry)
                continue
            groups.setdefault((product, file.satellite, file.slot), []).append(entry)
        if listed and not groups:
            raise UpstreamChanged(
                f"{page.origin} is no listing of Himawari: no key names a product, the first is {text(listed[0]['key'])!r:.80}"
            )
        for (product, satellite, slot), files in groups.items():
            native = {"product": product, "satellite": satellite, "slot": format_time(slot), "files": files}
            yield Record(native, f"{product}/{slot:%Y/%m/%d/%H%M}")
        for entry in strange:
            yield Record(entry, text(entry["key"]))

    def to_item(self, record: Record) -> Item:
        """Turn the files of a slot into an item."""
        native = record.native
        product = text(native.get("product"))
        if product is None:
            raise RecordRefused("unknown-product", f"the key names no product: {native.get('key')!r:.200}")
        if product not in self._native:
            raise RecordRefused("unknown-collection", f"{product} belongs to no collection that is defined")
        return {**self._slots_read.item(product, native), "collection": self._native[product].id}

    def to_collection(self, record: Record) -> Collection:
        """A bucket describes no collections."""
        raise RecordRefused("no-collection", "a bucket describes no collections")

    async def describe(self, collection: str) -> Collection | None:
        """Return None: a bucket describes no collections."""
        return None

    def parse(self, content: bytes) -> Any:
        """Read a file: a listing as the buckets answer it, in XML, or keys in JSON.

        Raises:
            ValueError: it is neither.
        """
        if s3_listing.looks_like_xml(content):
            return s3_listing.parse(content, "the file")
        return jsontext.loads(content)

    # -- asking -------------------------------------------------------------------------------

    def _window(self, asked: Window) -> Window:
        now = datetime.now(UTC)
        end = min(asked.end or now, now)
        return Window(asked.start or end - timedelta(hours=self.definition.default_hours), end)

    def _products(self, collections: tuple[str, ...]) -> list[str]:
        wanted = set(collections)
        missing = wanted - {definition.id for definition in self._native.values()}
        if missing:
            raise ConfigurationError(
                f"himawari has no collection {', '.join(sorted(missing))}; it has: "
                f"{', '.join(sorted(definition.id for definition in self._native.values()))}"
            )
        return [
            native for native, definition in self._native.items() if not wanted or definition.id in wanted
        ]

    async def _slots(self, bucket: str, prefix: str, day: datetime, window: Window) -> AsyncIterator[str]:
        """Give the prefixes of a day's slots that lie in the window, as far as the bucket has them."""
        assert self._http is not None
        found: set[str] = set()
        async for listing in s3_listing.list_objects(self._http, bucket, prefix, delimiter="/"):
            found.update(listing.prefixes)
            # What does not know delimiters lists the objects themselves.
            found.update(entry.key[: len(prefix) + 5] for entry in listing.entries)
        for one in sorted(found):
            clock = one[len(prefix) :].rstrip("/")
            if not (len(clock) == 4 and clock.isascii() and clock.isdigit()):
                continue
            start = day + timedelta(hours=int(clock[:2]), minutes=int(clock[2:]))
            if (window.start is None or start + SLOT > window.start) and (
                window.end is None or start < window.end
            ):
                yield f"{prefix}{clock}/"


def _days(window: Window) -> Iterator[datetime]:
    """Give the days, in UTC, that slots of a window are filed under."""
    assert window.start is not None
    assert window.end is not None
    start = window.start.astimezone(UTC) - SLOT
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < window.end:
        yield day
        day += timedelta(days=1)


def _bucket_name(address: str) -> str:
    return address.split("://")[-1].split(".")[0]


def _entries(document: Any, origin: str, buckets: set[str]) -> list[dict[str, Any]]:
    """Return key, size and time of all objects in a document.

    Raises:
        UpstreamChanged: it is no listing of these buckets.
    """
    if isinstance(document, Listing):
        return [
            {
                name: value
                for name, value in (("key", one.key), ("size", one.size), ("modified", one.modified))
                if value is not None
            }
            for one in document.entries
        ]
    if isinstance(document, Mapping):
        named = [name for name in document if name in buckets and isinstance(document[name], list)]
        if not named:
            raise UpstreamChanged(
                f"{origin} is no listing of Himawari: it has no member {' or '.join(sorted(buckets))}"
            )
        return [{"key": key} for name in named for key in document[name]]
    if isinstance(document, list) and all(isinstance(key, str) for key in document):
        return [{"key": key} for key in document]
    raise UpstreamChanged(f"{origin} is no listing of Himawari: neither XML nor a list of keys")
