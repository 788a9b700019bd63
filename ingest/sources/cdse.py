"""Copernicus Data Space Ecosystem, STAC API v1.

Facts and quirks: docs/reference/sources/cdse.md. Its items are STAC 1.1 already; what is done here
is to mend what its server leaks or leaves out.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from catalog.absent import ABSENT
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Tombstone, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.native import entries, members
from ingest.protocols import stac_api
from ingest.sources.cdse_odata import ODataCatalogue, is_message, is_product

_FILE = Path(__file__).with_suffix(".yaml")
_ITEM_MEMBERS = ("id", "collection", "geometry", "bbox", "stac_extensions")


class CdseDefinition(Definition):
    """What `cdse.yaml` says beyond the common."""

    restricted_prefixes: tuple[str, ...]
    marks: tuple[str, ...]


class Cdse:
    """The STAC API of the Copernicus Data Space Ecosystem."""

    name = "cdse"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections.
            http: needed by `pages` alone.
            url: another base address than the upstream's own.
        """
        self.definition = load_definition(CdseDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._native = catalog.by_native(self.name)
        self._odata = ODataCatalogue(self._native, url)

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Search by collection, in turn; without any, across all at once."""
        http = self._fetcher()
        size = selection.page_size or self.definition.page_size
        for collection in selection.collections or (None,):
            if collection is not None and self._restricted(collection):
                raise ConfigurationError(f"collection {collection} of cdse is restricted and left out")
            body = stac_api.search_body(selection, self._names(collection), size)
            async for page in stac_api.search(http, self._base, body):
                yield page

    async def changed_pages(self, selection: Selection, changed: Window) -> AsyncIterator[Page]:
        """Give the items that changed in some time.

        Which ones the OData catalogue tells, by date of modification; the items themselves are the STAC
        API's, which describes them more fully.
        """
        if changed.start is None:
            raise ValueError("a time of change has two sides")
        http = self._fetcher()
        size = selection.page_size or self.definition.page_size
        asked: set[str] = set()
        for collection in selection.collections:
            async for ids in self._odata.changed_ids(http, collection, changed.start, changed.end):
                new = [identifier for identifier in dict.fromkeys(ids) if identifier not in asked]
                asked.update(new)
                for start in range(0, len(new), size):
                    some = new[start : start + size]
                    body = {"ids": some, "collections": self._names(collection), "limit": len(some)}
                    async for page in stac_api.search(http, self._base, body):
                        yield page

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a search page, an item, a list of collections, one collection, or OData products."""
        products = self._odata.records(page)
        if products is not None:
            yield from products
            return
        document = page.document
        if not isinstance(document, Mapping):
            raise UpstreamChanged(f"{page.origin} is no STAC document of CDSE: it is no JSON object")
        if document.get("type") == "FeatureCollection":
            entries, kind = document.get("features"), Kind.ITEM
        elif document.get("type") == "Feature":
            entries, kind = [document], Kind.ITEM
        elif isinstance(document.get("collections"), list):
            entries, kind = document["collections"], Kind.COLLECTION
        elif document.get("type") == "Collection":
            entries, kind = [document], Kind.COLLECTION
        else:
            raise UpstreamChanged(
                f"{page.origin} is no STAC document of CDSE: neither items nor collections are in it"
            )
        if not isinstance(entries, list):
            raise UpstreamChanged(f"{page.origin} is no STAC document of CDSE: `features` is no list")
        if entries and not any(self._recognises(entry) for entry in entries):
            raise UpstreamChanged(f"{page.origin} is a document of another catalogue, not of CDSE")
        for entry in entries:
            native = entry if isinstance(entry, Mapping) else {"value": entry}
            identifier = native.get("id")
            yield Record(native, identifier if isinstance(identifier, str) else None, kind)

    def to_item(self, record: Record) -> Item:
        """Mend an item: pgstac's marker, addresses that lead nowhere, and `self` becomes `via`."""
        native = record.native
        if is_product(native) or is_message(native):
            return self._odata.to_item(record)
        collection = native.get("collection")
        if isinstance(collection, str) and self._restricted(collection):
            raise RecordRefused("restricted", f"collection {collection} is open to eligible users only")
        if not isinstance(native.get("properties"), Mapping):
            raise RecordRefused("no-properties", "the item has no properties")
        if not self._recognises(native):
            raise RecordRefused(
                "foreign", "the item is of another catalogue: neither its links nor its files are CDSE's"
            )
        item = {name: native[name] for name in _ITEM_MEMBERS if name in native}
        if isinstance(collection, str) and collection in self._native:
            item["collection"] = self._native[collection].id
        item["properties"] = dict(native["properties"])
        item["assets"] = _assets(members(native, "assets"))
        item["links"] = self._links(native, collection)
        return item

    def to_tombstone(self, record: Record) -> Tombstone:
        """Read a product that the OData catalogue deleted."""
        return self._odata.to_tombstone(record)

    def deletions(self, since: datetime, until: datetime | None = None) -> AsyncIterator[Page]:
        """Give what the OData catalogue deleted in `[since, until)`, as pages for `records`."""
        return self._odata.deletions(self._fetcher(), since, until)

    def to_collection(self, record: Record) -> Collection:
        """Keep what CDSE says of a collection that we have no definition of."""
        native = record.native
        identifier = native.get("id")
        if not isinstance(identifier, str) or not identifier:
            raise RecordRefused("bad-id", f"the collection has no id: {identifier!r:.60}")
        if self._restricted(identifier):
            raise RecordRefused("restricted", f"collection {identifier} is open to eligible users only")
        links = [
            dict(link)
            for link in entries(native, "links")
            if isinstance(link, Mapping) and link.get("rel") in ("license", "about", "cite-as", "describedby")
        ]
        links.append(self._via(f"{self.definition.endpoint}/collections/{identifier}"))
        known = self._native.get(identifier)
        return {**native, "id": known.id if known else identifier, "links": links}

    async def describe(self, collection: str) -> Collection | None:
        """Ask CDSE for a collection; its later ones (CLMS) are not all defined here."""
        if self._http is None or self._restricted(collection):
            return None
        try:
            native = await self._http.get_json(f"{self._base}/collections/{quote(collection, safe='')}")
        except UpstreamStatus as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(native, Mapping) or native.get("id") != collection:
            raise UpstreamChanged(f"{self._base}/collections/{collection}: the answer is not that collection")
        return self.to_collection(Record(native, collection, Kind.COLLECTION))

    def _names(self, collection: str | None) -> list[str]:
        """Return what CDSE calls a collection: Sentinel-6's go by more than one name."""
        if collection is None:
            return []
        return [name for name, known in self._native.items() if known.id == collection] or [collection]

    def _fetcher(self) -> Fetcher:
        if self._http is None:
            raise ValueError("pages need a fetcher")
        return self._http

    def _recognises(self, entry: Any) -> bool:
        if not isinstance(entry, Mapping) or not entry.get("stac_version"):
            return False
        # Copies of CDSE's descriptions say in their text where they are from.
        said = [*_addresses(entry), str(entry.get("description"))]
        if any(mark in one for one in said for mark in self.definition.marks):
            return True
        known = entry.get("id") if entry.get("type") == "Collection" else entry.get("collection")
        if not isinstance(known, str) or not (known in self._native or self._restricted(known)):
            return False
        # Other catalogues have collections of the same names; they or their files lie elsewhere.
        elsewhere = _homes(entry) if entry.get("type") == "Collection" else _files(entry)
        return not any("://" in address for address in elsewhere)

    def _restricted(self, collection: str) -> bool:
        return collection.startswith(self.definition.restricted_prefixes)

    def _links(self, native: Mapping[str, Any], collection: Any) -> list[dict[str, Any]]:
        links = [dict(link) for link in entries(native, "links") if isinstance(link, Mapping)]
        own = next((_address(link) for link in links if link.get("rel") == "self"), "")
        # A mirror or a file gives other addresses than CDSE's; the record itself is at CDSE.
        if not own.startswith(self.definition.endpoint):
            own = f"{self.definition.endpoint}/collections/{collection}/items/{native.get('id')}"
        return [*links, {**self._via(own), "type": "application/geo+json"}]

    def _via(self, href: str) -> dict[str, Any]:
        return {"rel": "via", "href": href, "type": "application/json", "title": self.definition.title}


def _address(holder: Any) -> str:
    """Return the address of a link, an asset or an alternate, `""` if it has none."""
    href = holder.get("href") if isinstance(holder, Mapping) else None
    return href if isinstance(href, str) else ""


def _addresses(entry: Mapping[str, Any]) -> Iterator[str]:
    """Give the addresses of the links and assets of an item or a collection."""
    links = entry.get("links")
    yield from map(_address, links if isinstance(links, list) else ())
    yield from _files(entry)


def _homes(entry: Mapping[str, Any]) -> Iterator[str]:
    """Give where a collection says that it and its catalogue are."""
    links = entry.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") in ("self", "root", "parent", "items"):
            yield _address(link)


def _files(entry: Mapping[str, Any]) -> Iterator[str]:
    assets = entry.get("assets")
    yield from map(_address, assets.values() if isinstance(assets, Mapping) else ())


def _assets(native: Mapping[str, Any]) -> dict[str, Any]:
    """Drop assets without an address, and pgstac's marker."""
    assets = {}
    for key, asset in native.items():
        if not _address(asset):
            continue
        kept = {name: value for name, value in asset.items() if value != ABSENT}
        alternate = kept.get("alternate")
        if isinstance(alternate, Mapping):
            # An empty `Nodes()` in the path of `granule_metadata` leads nowhere.
            working = {name: way for name, way in alternate.items() if "/Nodes()/" not in _address(way)}
            kept["alternate"] = working
            if not working:
                del kept["alternate"]
        assets[key] = kept
    return assets
