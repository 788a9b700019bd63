"""Copernicus Marine Data Store, static STAC.

Facts and quirks: docs/reference/sources/cmems.md. A product is a collection, a dataset of it an item:
one item for a whole series in time, not one per file.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Kind, Page, Record, Selection
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.footprint import box
from ingest.mapping import Field, map_fields
from ingest.native import members, number, text
from ingest.protocols import static_stac
from ingest.sources.cmems_cube import dimensions, variables
from ingest.sources.cmems_product import assets_of, product_collection, via

_FILE = Path(__file__).with_suffix(".yaml")
_CATALOG = "catalog.stac.json"
_EXTENSIONS = "https://stac-extensions.github.io/"
_CUBE = _EXTENSIONS + "datacube/v2.3.0/schema.json"
_VERSION = _EXTENSIONS + "version/v1.2.0/schema.json"
_TIMESTAMPS = _EXTENSIONS + "timestamps/v1.1.0/schema.json"
_DATASET = re.compile(r"(?P<name>.+)_(?P<version>\d{6})")
# What a page holds whose document could not be had.
_UNREADABLE = "kakehashi:unreadable"


class CmemsDefinition(Definition):
    """What `cmems.yaml` says beyond the common."""

    marks: tuple[str, ...]
    product_page: str
    licence: str
    credit: str
    max_axis_values: int
    properties: dict[str, Field]
    variable: dict[str, Field]
    roles: dict[str, list[str]]
    asset_members: tuple[str, ...]
    summaries: dict[str, str]


class Cmems:
    """The catalogue of the Copernicus Marine Service."""

    name = "cmems"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: not used: the catalogue describes its products itself.
            http: needed by `pages` and `describe` alone.
            url: another base address than the upstream's own; `catalog.stac.json` is below it.
        """
        self.definition = load_definition(CmemsDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._moved = static_stac.Moved((self.definition.endpoint,), self._base)
        self._http = http

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Read the catalogue, then each product and its datasets."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        root = await static_stac.get_root(self._http, f"{self._base}/{_CATALOG}")
        products = {_folder(link.url): link.url for link in static_stac.links(root, "child")}
        missing = set(selection.collections) - products.keys()
        if missing:
            raise ConfigurationError(f"cmems lists no product {', '.join(sorted(missing))}")
        seen: set[str] = set()
        for identifier, url in products.items():
            if not selection.collections or identifier in selection.collections:
                async for page in self._product(self._http, url, seen):
                    yield page

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a product, a dataset, or a list of products (which holds no record itself)."""
        document = page.document
        if not isinstance(document, Mapping):
            raise UpstreamChanged(f"{page.origin} is no document of Copernicus Marine: it is no JSON object")
        if _UNREADABLE in document:
            url = str(document[_UNREADABLE])
            yield Record(document, _folder(url))
            return
        kind = document.get("type")
        if kind == "Catalog" and self._is_own(document):
            return
        if isinstance(document.get("catalogues"), list) and self._is_own(document):
            return
        if kind not in ("Collection", "Feature") or not self._is_own(document):
            raise UpstreamChanged(
                f"{page.origin} is no document of Copernicus Marine: neither product, dataset nor list of products"
            )
        yield Record(
            document, text(document.get("id")), Kind.COLLECTION if kind == "Collection" else Kind.ITEM
        )

    def to_item(self, record: Record) -> Item:
        """Turn a dataset into an item (docs/reference/sources/cmems.md)."""
        native = record.native
        if _UNREADABLE in native:
            raise RecordRefused(str(native.get("code")), str(native.get("reason")))
        said = members(native, "properties")
        if said.get("admp_in_preparation") is True:
            raise RecordRefused("in-preparation", "the dataset is in preparation (admp_in_preparation)")
        identifier, product = text(native.get("id")), text(native.get("collection")) or _product_of(native)
        if identifier is None or product is None:
            raise RecordRefused("bad-id", "the dataset names no id or no collection")
        properties: dict[str, Any] = {"datetime": text(said.get("datetime"))}
        properties |= {
            name: text(said.get(name)) for name in ("start_datetime", "end_datetime") if said.get(name)
        }
        properties |= map_fields(self.definition.properties, said)
        if match := _DATASET.fullmatch(identifier):
            properties["cmems:dataset"] = match["name"]
            properties["version"] = match["version"]
        properties |= self._cube(said)
        home = f"{self.definition.endpoint}/{product}/{identifier}/dataset.stac.json"
        return {
            "id": identifier,
            "collection": product,
            "geometry": _geometry(native),
            "properties": properties,
            "assets": assets_of(native, home, self.definition),
            "links": [via(home, "application/geo+json", self.definition)],
            "stac_extensions": _extensions(properties),
        }

    def to_collection(self, record: Record) -> Collection:
        """Turn a product into a collection: without contacts, which are people, and without its datasets."""
        return product_collection(record.native, self.definition)

    async def describe(self, collection: str) -> Collection | None:
        """Ask for a product, whose datasets may be all that a file holds."""
        if self._http is None:
            return None
        node = await static_stac.get(self._http, f"{self._base}/{collection}/product.stac.json")
        if node is None:
            return None
        if node.document.get("id") != collection:
            raise UpstreamChanged(f"{node.url}: the answer is not product {collection}")
        return self.to_collection(Record(node.document, collection, Kind.COLLECTION))

    # -- asking -------------------------------------------------------------------------------

    async def _product(self, http: Fetcher, url: str, seen: set[str]) -> AsyncIterator[Page]:
        page = await self._read(http, url, "Collection")
        identifier = page.document.get("id")
        if _UNREADABLE not in page.document and isinstance(identifier, str) and identifier in seen:
            page = _unreadable(url, "repeated", f"product {identifier} was listed before, at another address")
        yield page
        if _UNREADABLE in page.document:
            return
        seen.add(str(identifier))
        for link in static_stac.links(static_stac.Node(url, page.document), "item"):
            yield await self._read(http, link.url, "Feature")

    async def _read(self, http: Fetcher, url: str, kind: str) -> Page:
        """Fetch a document that is linked to; one that is absent or broken costs itself alone."""
        try:
            node = await static_stac.get(http, url, self._moved)
        except UpstreamStatus:
            raise
        except UpstreamChanged as error:
            return _unreadable(url, "bad-document", str(error))
        if node is None:
            return _unreadable(url, "not-found", f"{url} is linked to and is not there")
        if node.document.get("type") != kind or not self._is_own(node.document):
            return _unreadable(url, "bad-document", f"{url} is no STAC {kind} of Copernicus Marine")
        return Page(node.document, url)

    # -- reading ------------------------------------------------------------------------------

    def _is_own(self, document: Mapping[str, Any]) -> bool:
        """Whether an address in a document, or its product's credit, is Copernicus Marine's."""
        holders = [
            *_values(document.get("links")),
            *_values(document.get("assets")),
            *_values(document.get("catalogues")),
        ]
        addresses = [
            value
            for holder in holders
            if isinstance(holder, Mapping)
            for value in (holder.get("href"), holder.get("stacRoot"))
        ]
        titles = [holder.get("title") for holder in holders if isinstance(holder, Mapping)]
        return self.definition.title in titles or any(
            mark in str(address) for address in addresses for mark in self.definition.marks
        )

    def _cube(self, said: Mapping[str, Any]) -> dict[str, Any]:
        found = {
            "cube:dimensions": dimensions(members(said, "cube:dimensions"), self.definition.max_axis_values),
            "cube:variables": variables(members(said, "cube:variables"), self.definition.variable),
        }
        return {name: value for name, value in found.items() if value} if found["cube:dimensions"] else {}


def _unreadable(url: str, code: str, reason: str) -> Page:
    return Page({_UNREADABLE: url, "code": code, "reason": reason}, url)


def _folder(url: str) -> str:
    """Return the folder that a document is in: the id of its product or dataset."""
    return url.rstrip("/").rpartition("/")[0].rpartition("/")[2]


def _values(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _product_of(native: Mapping[str, Any]) -> str | None:
    """Return the product that a dataset links to: the title of that link is its id."""
    for link in _values(native.get("links")):
        if isinstance(link, Mapping) and link.get("rel") == "collection":
            return text(link.get("title"))
    return None


def _geometry(native: Mapping[str, Any]) -> Any:
    """Return the footprint. Rectangles are drawn anew: an edge of 359 degrees looks like one of 1 the other way."""
    drawn = native.get("geometry")
    rings = (
        drawn.get("coordinates") if isinstance(drawn, Mapping) and drawn.get("type") == "Polygon" else None
    )
    if not isinstance(rings, list) or len(rings) != 1 or not isinstance(rings[0], list) or len(rings[0]) != 5:
        return drawn
    if not all(isinstance(corner, list) and len(corner) == 2 for corner in rings[0]):
        return drawn
    if not all(
        number(edge) is not None and not isinstance(edge, str) for corner in rings[0] for edge in corner
    ):
        return drawn
    west, south = (min(corner[axis] for corner in rings[0]) for axis in (0, 1))
    east, north = (max(corner[axis] for corner in rings[0]) for axis in (0, 1))
    corners = {(x, y) for x in (west, east) for y in (south, north)}
    if len(corners) != 4 or {(x, y) for x, y in rings[0]} != corners:
        return drawn
    return box((west, south, east, north))


def _extensions(properties: Mapping[str, Any]) -> list[str]:
    extensions = []
    if "cube:dimensions" in properties:
        extensions.append(_CUBE)
    if "version" in properties:
        extensions.append(_VERSION)
    if properties.keys() & {"published", "expires"}:
        extensions.append(_TIMESTAMPS)
    return extensions
