"""ALOS-2 PALSAR-2 ScanSAR level 2.2 in JAXA's open bucket: STAC items, found by listing.

Facts and quirks: docs/reference/sources/palsar2.md. No catalogue leads to the items; each lies as a JSON
file beside its images, in STAC 1.0 and with slips that are mended here.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.native import integer, members, number, text
from ingest.protocols import s3_listing, static_stac

_FILE = Path(__file__).with_suffix(".yaml")
_SCENE = re.compile(r"ALOS2\d{9}-(\d{6})[-_]", re.ASCII)
_EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "sar": "https://stac-extensions.github.io/sar/v1.3.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "product": "https://stac-extensions.github.io/product/v1.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
}
# Where an item was found; kept with the record, since its hrefs are relative.
_ADDRESS = "kakehashi:address"
_ITEM_MEMBERS = ("id", "geometry", "bbox")
_KEPT_LINKS = ("license", "about", "describedby", "derived_from", "documentation")


class Palsar2Definition(Definition):
    """What `palsar2.yaml` says beyond the common."""

    prefixes: tuple[str, ...]
    home: str
    native_collection: str
    platform: str
    instrument: str
    level: str


class Palsar2:
    """JAXA's bucket of ScanSAR scenes."""

    name = "palsar2"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections.
            http: needed by `pages` alone.
            url: another address of the bucket than its own.
        """
        self.definition = load_definition(Palsar2Definition, _FILE)
        self._bucket = (url or self.definition.endpoint).rstrip("/")
        self._moved = static_stac.Moved((self.definition.endpoint,), self._bucket)
        self._http = http
        self._catalog = catalog
        self._collection = catalog.by_native(self.name)[self.definition.native_collection].id

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """List the folders and fetch each item whose name lies in the window."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        if set(selection.collections) - {self._collection}:
            raise ConfigurationError(f"palsar2 has one collection only: {self._collection}")
        size = selection.page_size or self.definition.page_size
        for prefix in self.definition.prefixes:
            async for listing in s3_listing.list_objects(self._http, self._bucket, prefix, page_size=size):
                for entry in listing.entries:
                    if not entry.key.endswith(".json") or not _may_lie_in(entry.key, selection.window):
                        continue
                    address = f"{self.definition.endpoint}/{entry.key}"
                    node = await static_stac.get(self._http, address, self._moved)
                    if node is not None and node.document.get("type") == "Feature":
                        yield Page(node.document, address)

    def records(self, page: Page) -> Iterator[Record]:
        """Accept an item, several as a FeatureCollection, or the collection."""
        document = page.document
        kind = document.get("type") if isinstance(document, Mapping) else None
        found = document.get("features") if kind == "FeatureCollection" else [document]
        if kind not in ("Feature", "FeatureCollection", "Collection") or not isinstance(found, list):
            raise UpstreamChanged(
                f"{page.origin} is no document of palsar2: neither an item nor a collection"
            )
        address = page.origin if page.origin.startswith(("https://", "http://")) else None
        if not address and not any(self._recognises(entry) for entry in found):
            raise UpstreamChanged(f"{page.origin} is a document of another catalogue, not of palsar2")
        for entry in found:
            native = entry if isinstance(entry, Mapping) else {"value": entry}
            if address:
                native = {**native, _ADDRESS: address}
            record_kind = Kind.COLLECTION if kind == "Collection" else Kind.ITEM
            yield Record(native, text(native.get("id")), record_kind)

    def to_item(self, record: Record) -> Item:
        """Mend an item: STAC 1.1, roles, absolute hrefs, what is left out or not declared."""
        native = record.native
        if not self._recognises(native):
            raise RecordRefused("unknown-collection", "the document is no ScanSAR scene of ALOS-2")
        given = members(native, "properties")
        if not given:
            raise RecordRefused("no-properties", "the item has no properties")
        item = {name: native[name] for name in _ITEM_MEMBERS if name in native}
        properties = {
            "platform": self.definition.platform,
            "instruments": [self.definition.instrument],
            "processing:level": self.definition.level,
            **{name: value for name, value in given.items() if name != "proj:epsg"},
        }
        if "sar:product_type" in properties:
            # The sar extension moved it to the product extension in version 1.1.
            properties["product:type"] = properties.pop("sar:product_type")
        if _is_turned(given):
            properties["proj:shape"] = given["proj:shape"][::-1]
        code = integer(given.get("proj:epsg"))
        if code is not None:
            properties["proj:code"] = f"EPSG:{code}"
        assets = self._assets(native)
        prefixes = {name.split(":")[0] for name in properties}
        bands = [band for asset in assets.values() for band in asset.get("bands", ())]
        if any(name.startswith("raster:") for band in bands for name in band):
            prefixes.add("raster")
        return {
            **item,
            "collection": self._collection,
            "properties": properties,
            "assets": assets,
            "links": self._links(native),
            "stac_extensions": [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes],
        }

    def to_collection(self, record: Record) -> Collection:
        """Return our own description: the upstream's has slips, and no Japanese."""
        return self._catalog.render(self._collection)

    async def describe(self, collection: str) -> Collection | None:
        """Return None: the one collection is defined here."""
        return None

    # -- reading ------------------------------------------------------------------------------

    def _recognises(self, entry: Any) -> bool:
        if not isinstance(entry, Mapping) or not entry.get("stac_version"):
            return False
        identifier = text(entry.get("id")) or ""
        return _SCENE.match(identifier) is not None or self.definition.native_collection in (
            entry.get("collection"),
            identifier,
        )

    def _assets(self, native: Mapping[str, Any]) -> dict[str, Any]:
        assets = {}
        for key, asset in members(native, "assets").items():
            href = text(asset.get("href")) if isinstance(asset, Mapping) else None
            address = self._address(native, href) if href else None
            if address is None:
                continue
            kept = {name: asset[name] for name in ("title", "description", "type") if text(asset.get(name))}
            roles = asset.get("roles", asset.get("role"))
            roles = [roles] if isinstance(roles, str) else roles
            if isinstance(roles, list):
                kept["roles"] = [role for role in roles if isinstance(role, str)]
            bands = _bands(asset)
            if bands:
                kept["bands"] = bands
            assets[str(key)] = {"href": address, **kept}
        return assets

    def _address(self, native: Mapping[str, Any], href: str) -> str | None:
        """Return where a file is: beside the item; the footprint's name has `-` where others have `_`."""
        own = _own_address(native)
        if own:
            address = static_stac.absolute(href, own)
        elif "://" in href:
            address = href
        else:
            address = self.definition.home + PurePosixPath(href).name
        if address and address.endswith(".kml"):
            folder, _, name = address.rpartition("/")
            address = f"{folder}/{name.replace('_', '-')}"
        return address

    def _links(self, native: Mapping[str, Any]) -> list[dict[str, Any]]:
        links = []
        for link in native.get("links") or () if isinstance(native.get("links"), list) else ():
            href = text(link.get("href")) if isinstance(link, Mapping) else None
            if href and "://" in href and link.get("rel") in _KEPT_LINKS:
                links.append(dict(link))
        own = _own_address(native)
        via = {
            "rel": "via",
            "href": own or self.definition.home + f"{text(native.get('id'))}.json",
            "type": "application/geo+json",
            "title": self.definition.title,
        }
        return [*links, via]


def _own_address(native: Mapping[str, Any]) -> str | None:
    """Return where an item was found, else where it says that it is; None if neither is known."""
    found = text(native.get(_ADDRESS))
    if found:
        return found
    links = native.get("links")
    for link in links if isinstance(links, list) else ():
        href = text(link.get("href")) if isinstance(link, Mapping) and link.get("rel") == "self" else None
        if href and href.startswith(("https://", "http://")):
            return href
    return None


def _is_turned(properties: Mapping[str, Any]) -> bool:
    """Whether `proj:shape` has columns before rows, by the extent and the pixels that stand beside it."""
    shape: Any = properties.get("proj:shape")
    extent: Any = properties.get("proj:bbox")
    transform: Any = properties.get("proj:transform")
    try:
        width, height = (extent[2] - extent[0]) / transform[0], (extent[3] - extent[1]) / -transform[4]
        return bool(shape != [height, width] and shape == [width, height])
    except (TypeError, IndexError, KeyError, ArithmeticError):
        return False


def _bands(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `eo:bands` and `raster:bands` as the bands of STAC 1.1.

    `unit` is left out: the upstream writes that of the resolution.
    """
    lists = [asset.get(name) for name in ("eo:bands", "raster:bands")]
    named, stored = (
        [band for band in one if isinstance(band, Mapping)] if isinstance(one, list) else [] for one in lists
    )
    bands = []
    for index in range(max(len(named), len(stored))):
        band: dict[str, Any] = {}
        if index < len(named):
            band |= {
                name: named[index][name] for name in ("name", "description") if text(named[index].get(name))
            }
        if index < len(stored):
            found = {
                "data_type": text(stored[index].get("data_type")),
                "raster:sampling": text(stored[index].get("sampling")),
                "raster:spatial_resolution": number(stored[index].get("spatial_resolution")),
            }
            band |= {name: value for name, value in found.items() if value is not None}
        bands.append(band)
    return [band for band in bands if band]


def _may_lie_in(key: str, window: Window) -> bool:
    """Whether a scene of this name may lie in the window: the name has the day, YYMMDD, of its beginning."""
    match = _SCENE.search(key.rsplit("/", 1)[-1])
    if match is None:
        return True
    try:
        day = datetime.strptime(match.group(1), "%y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return True
    slack = timedelta(days=1)
    after = window.start is None or day + 2 * slack > window.start
    before = window.end is None or day - slack < window.end
    return after and before
