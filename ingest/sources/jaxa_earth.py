"""JAXA Earth: a static STAC catalogue of cloud-optimised GeoTIFFs.

Facts and quirks: docs/reference/sources/jaxa-earth.md. The same picture is there at every COG level: the
highest is taken. Ids repeat in it, so that items get ids of their own.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from catalog import jsontext
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest import jaxa_earth as names
from ingest.contract import BoundingBox, Collection, Item, Kind, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.native import lookup, text
from ingest.protocols import static_stac
from ingest.protocols.static_stac import Link, Node
from ingest.sources.jaxa_earth_collection import described, folder, listed, self_address
from ingest.sources.jaxa_earth_granule import Granule, read_granule
from ingest.sources.jaxa_earth_item import build_item

_FILE = Path(__file__).with_suffix(".yaml")
# A comma before a closing bracket, outside of texts: the upstream's list for QGIS has them.
_TRAILING_COMMA = re.compile(rb'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])')
_SLACK = timedelta(days=1)


class JaxaEarthDefinition(Definition):
    """What `jaxa_earth.yaml` says beyond the common."""

    stores: tuple[str, ...]
    newest_dates: int
    whole_to_level: int
    page: str


class JaxaEarth:
    """JAXA's catalogue of gridded products."""

    name = "jaxa-earth"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections.
            http: needed by `pages` alone.
            url: another base address than the upstream's own; its stores are asked for there, too.
        """
        self.definition = load_definition(JaxaEarthDefinition, _FILE)
        self._root = (url or self.definition.endpoint).rstrip("/")
        self._moved = static_stac.Moved(
            (self.definition.endpoint, *self.definition.stores) if url else (), self._root
        )
        self._http = http
        self._catalog = catalog
        self._native = catalog.by_native(self.name)
        self._described: dict[str, Node] = {}

    # -- asking -------------------------------------------------------------------------------

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Walk to the tiles of each collection's dates: one page per date, or per column of tiles."""
        root = await static_stac.get_root(self._fetcher, f"{self._root}/catalog.json", self._moved)
        children = {folder(link.url): link for link in static_stac.links(root, "child")}
        wanted = set(selection.collections)
        missing = wanted - {names.collection_id(native) for native in children if names.is_of_jaxa(native)}
        if missing:
            raise ConfigurationError(f"jaxa-earth lists no collection {', '.join(sorted(missing))}")
        for native, link in children.items():
            if not names.is_of_jaxa(native) or (wanted and names.collection_id(native) not in wanted):
                continue
            collection = await self._get(link.url)
            if collection is None:
                continue
            self._described[names.collection_id(native)] = collection
            async for date, node in self._dates(native, collection, selection.window):
                async for page in self._tiles(native, collection, date, node, selection.bbox):
                    yield page

    async def describe(self, collection: str) -> Collection | None:
        """Return what the walk found of a collection that our definitions lack."""
        node = self._described.get(collection)
        if node is None:
            return None
        return self.to_collection(Record(static_stac.resolved(node), collection, Kind.COLLECTION))

    @property
    def _fetcher(self) -> Fetcher:
        if self._http is None:
            raise ValueError("pages need a fetcher")
        return self._http

    async def _dates(self, native: str, collection: Node, window: Window) -> AsyncIterator[tuple[str, Node]]:
        """Give the dates of a collection that lie in the window; without one, the newest."""
        newest_first = window.start is None and window.end is None and not names.is_climatology(native)
        left = self.definition.newest_dates if newest_first else None
        waiting: list[tuple[str, Node | str]] = [("", collection)]
        while waiting and left != 0:
            label, place = waiting.pop()
            node = place if isinstance(place, Node) else await self._get(place)
            if node is None:  # such as a month that is not published yet
                continue
            children = [(folder(link.url), link.url) for link in static_stac.links(node, "child")]
            if any(_is_level(name) for name, _ in children):
                left = left - 1 if left else None
                yield label, node
                continue
            dates = sorted((f"{label}/{name}".lstrip("/"), url) for name, url in children)
            # What is added last is read first.
            waiting += [
                date
                for date in (dates if newest_first else reversed(dates))
                if _may_lie_in(date[0], names.cadence_of(native), window)
            ]

    async def _get(self, url: str) -> Node | None:
        return await static_stac.get(self._fetcher, url, self._moved)

    async def _tiles(
        self, native: str, collection: Node, date: str, node: Node, bbox: BoundingBox | None
    ) -> AsyncIterator[Page]:
        """Give the tiles of the highest level that is there: of a date at once, or column by column."""
        levels = sorted(
            (link for link in static_stac.links(node, "child") if _is_level(folder(link.url))),
            key=lambda link: folder(link.url),
            reverse=True,
        )
        epsg = _projection(collection.document) or names.epsg_of(native)
        for link in levels:
            level = await self._get(link.url)
            if level is None:
                continue
            whole = int(folder(link.url)) <= self.definition.whole_to_level
            # An item of a whole date would lose the tiles outside of the box.
            box = None if whole or epsg != names.PLATE_CARREE else bbox
            frame = {"collection": native, "date": date, "epsg": epsg, "whole": whole}
            gathered: list[dict[str, Any]] = []
            async for column in static_stac.follow(
                self._fetcher, level, "child", wanted=partial(_meets, bbox=box, axis=0), moved=self._moved
            ):
                tiles = [
                    {"address": tile.url, "document": tile.document}
                    async for tile in static_stac.follow(
                        self._fetcher,
                        column,
                        "item",
                        wanted=partial(_meets, bbox=box, axis=1),
                        moved=self._moved,
                    )
                ]
                if tiles and not whole:
                    yield Page({"jaxa_earth": frame, "tiles": tiles}, column.url)
                gathered += tiles
            if whole and gathered:
                yield Page({"jaxa_earth": frame, "tiles": gathered}, level.url)
            return

    # -- reading ------------------------------------------------------------------------------

    def parse(self, content: bytes) -> Any:
        """Read a file, which may be JSON with commas too many.

        Raises:
            ValueError: it is no JSON even so.
        """
        try:
            return jsontext.loads(content)
        except ValueError:
            return jsontext.loads(_TRAILING_COMMA.sub(rb"\1", content))

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a walk's page, an item, a collection, the root catalogue, or a list of collections."""
        document = page.document
        if not isinstance(document, Mapping):
            raise UpstreamChanged(f"{page.origin} is no document of JAXA Earth: it is no JSON object")
        frame, tiles = document.get("jaxa_earth"), document.get("tiles")
        if isinstance(frame, Mapping) and isinstance(tiles, list) and tiles:
            for part in [tiles] if frame.get("whole") else [[tile] for tile in tiles]:
                yield Record({**frame, "tiles": part}, _described_id(frame, part))
            return
        if document.get("type") == "Feature":
            if not _is_item(document):
                raise UpstreamChanged(f"{page.origin} is an item of another catalogue, not of JAXA Earth")
            address = self_address(document) or (page.origin if "://" in page.origin else None)
            yield Record({"tiles": [{"address": address, "document": document}]}, text(document.get("id")))
            return
        for entry in listed(document, page.origin, f"{self.definition.endpoint}/catalog.json"):
            yield Record(entry, text(entry.get("id")), Kind.COLLECTION)

    def to_item(self, record: Record) -> Item:
        """Turn the tiles of a date, or one of them, into an item."""
        granule = read_granule(record.native, list(self._native))
        if not names.is_of_jaxa(granule.collection):
            raise RecordRefused(
                "foreign", f"{granule.collection!r:.120} is another agency's, re-hosted by JAXA Earth"
            )
        defined = self._native.get(granule.collection)
        item = build_item(granule, defined.extent.bbox if defined else None, self.definition.stores[0])
        item["collection"] = defined.id if defined else names.collection_id(granule.collection)
        item["id"] = f"{item['collection']}_{granule.name}"
        item["links"] = [self._via(granule.tiles[0].address or self._folder_of(granule))]
        return item

    def to_collection(self, record: Record) -> Collection:
        """Return our own description, or what JAXA Earth says of a collection that we do not know."""
        native = record.native
        identifier = text(native.get("id"))
        if identifier is None:
            raise RecordRefused("bad-id", "the collection has no id")
        if not names.is_of_jaxa(identifier):
            raise RecordRefused(
                "foreign", f"{identifier!r:.120} is another agency's, re-hosted by JAXA Earth"
            )
        defined = self._native.get(identifier)
        if defined:
            collection = self._catalog.render(defined.id)
            address = self_address(native) or f"{self.definition.stores[0]}/{identifier}/collection.json"
            return {**collection, "links": [*collection["links"], self._via(address)]}
        if not isinstance(native.get("extent"), Mapping):
            raise RecordRefused(
                "undescribed", f"{identifier!r:.120} is only named here, and not defined by us"
            )
        via = self._via(self_address(native) or f"{self.definition.page}{identifier}")
        return described(identifier, native, self._catalog.render(next(iter(self._native.values())).id), via)

    def _folder_of(self, granule: Granule) -> str:
        return f"{self.definition.stores[0]}/{granule.collection}/{granule.date}/catalog.json"

    def _via(self, href: str) -> dict[str, Any]:
        return {"rel": "via", "href": href, "type": "application/json", "title": self.definition.title}


def _is_level(label: str) -> bool:
    return len(label) == 1 and label.isascii() and label.isdigit()


def _may_lie_in(label: str, cadence: str | None, window: Window) -> bool:
    """Whether a date may lie in a window; a climatology's always may, and periods overlap by minutes."""
    lasting = names.span(label, cadence)
    if lasting is None:
        return True
    # Below a month or a year, an 8-day period may begin there and end later.
    margin = timedelta(days=8) if cadence == "8-day" else _SLACK
    return (window.start is None or lasting[1] + margin > window.start) and (
        window.end is None or lasting[0] - _SLACK < window.end
    )


def _meets(link: Link, bbox: BoundingBox | None, axis: int) -> bool:
    """Whether a column (axis 0) or row (axis 1) of tiles meets a box."""
    label = folder(link.url) if axis == 0 else link.url.rsplit("/", 1)[-1].removesuffix(".json")
    edges = names.read_range(label)
    if bbox is None or edges is None:
        return True
    low, high = bbox[axis], bbox[axis + 2]
    if axis == 0 and low > high:
        return edges[1] >= low or edges[0] <= high
    return edges[0] <= high and edges[1] >= low


def _projection(collection: Mapping[str, Any]) -> int | None:
    value = lookup(collection, "summaries.je:epsg")
    value = value[0] if isinstance(value, list) and value else value
    code = text(value)
    return int(code) if code and code.isascii() and code.isdigit() else None


def _is_item(document: Mapping[str, Any]) -> bool:
    """Whether an item is of JAXA Earth: by its collection, or by its rasters."""
    if names.is_of_jaxa(text(document.get("collection")) or ""):
        return True
    assets = document.get("assets")
    found = assets.values() if isinstance(assets, Mapping) else ()
    return any(isinstance(asset, Mapping) and "je:rasters" in asset for asset in found)


def _described_id(frame: Mapping[str, Any], tiles: list[Any]) -> str:
    first = tiles[0].get("address") if tiles and isinstance(tiles[0], Mapping) else None
    return f"{frame.get('collection')} {frame.get('date')}" if frame.get("whole") else str(first)
