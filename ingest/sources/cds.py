"""The data stores that ECMWF runs for Copernicus: climate (C3S), atmosphere (CAMS), emergencies (CEMS).

Facts and quirks: docs/reference/sources/cds.md. They describe data sets as STAC Collections and list
no items: what is loaded are collections alone.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict

from catalog.about import STAC_VERSION
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged, UpstreamError
from ingest.contract import Collection, Item, Kind, Page, Record, Selection
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.footprint import wrapped_boxes
from ingest.native import entries, members, text
from ingest.times import format_time, parse_time

_FILE = Path(__file__).with_suffix(".yaml")
_EXTENSIONS = {
    "attribution": "https://stac-extensions.github.io/attribution/v0.1.0/schema.json",
    "sci:doi": "https://stac-extensions.github.io/scientific/v1.0.0/schema.json",
    "published": "https://stac-extensions.github.io/timestamps/v1.1.0/schema.json",
}
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Service(BaseModel):
    """One of the stores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    title: str
    credit: str
    keywords: tuple[str, ...]


class CdsDefinition(Definition):
    """What `cds.yaml` says beyond the common."""

    services: dict[str, Service]
    members: tuple[str, ...]
    links: tuple[str, ...]
    licences: dict[str, str]
    media_types: dict[str, str]


class Cds:
    """Climate Data Store, Atmosphere Data Store and Early Warning Data Store."""

    name = "cds"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: not used: the stores describe their data sets themselves.
            http: needed by `pages` and `describe` alone.
            url: address of one store's catalogue (`.../api/catalogue/v1`), asked instead of all three.
        """
        self.definition = load_definition(CdsDefinition, _FILE)
        own = [service.address for service in self.definition.services.values()]
        self._addresses = [url.rstrip("/")] if url else own
        self._http = http

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Ask each store for its data sets; one that fails does not keep the others from being read."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        failures: list[UpstreamError] = []
        found: set[str] = set()
        for address in self._addresses:
            try:
                async for page in self._list(self._http, address):
                    found |= {str(record.native_id) for record in self.records(page)}
                    yield page
            except UpstreamError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        missing = set(selection.collections) - found
        if missing:
            raise ConfigurationError(f"the stores have no data set {', '.join(sorted(missing))}")

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a list of collections, or one collection."""
        document = page.document
        listed = document.get("collections") if isinstance(document, Mapping) else None
        if listed is None and isinstance(document, Mapping) and document.get("type") == "Collection":
            listed = [document]
        if not isinstance(listed, list):
            raise UpstreamChanged(f"{page.origin} is no answer of CDS, ADS or EWDS: it holds no collections")
        own = listed or [document]
        if not any(self._service(entry) for entry in own):
            raise UpstreamChanged(f"{page.origin} is no answer of CDS, ADS or EWDS: its links lead elsewhere")
        for entry in listed:
            native = entry if isinstance(entry, Mapping) else {"value": entry}
            yield Record(native, text(native.get("id")), Kind.COLLECTION)

    def to_item(self, record: Record) -> Item:
        """Refuse: the stores list no items."""
        raise RecordRefused("no-item", "CDS, ADS and EWDS list no items")

    def to_collection(self, record: Record) -> Collection:
        """Bring a description into STAC's form (docs/reference/sources/cds.md)."""
        native = record.native
        identifier = text(native.get("id"))
        if identifier is None:
            raise RecordRefused("bad-id", "the data set has no id")
        service = self._service(native)
        if service is None:
            raise RecordRefused("foreign", "no link of the data set leads to CDS, ADS or EWDS")
        licence = text(native.get("license")) or "other"
        collection: dict[str, Any] = {
            "type": "Collection",
            "stac_version": STAC_VERSION,
            "id": identifier,
            "title": text(native.get("title")) or identifier,
            "description": text(native.get("description")) or identifier,
            "keywords": [*_texts(native, "keywords"), *service.keywords],
            "license": licence,
            "attribution": service.credit,
            "providers": _providers(native),
            "extent": _extent(members(native, "extent")),
            "links": self._links(native, identifier, licence, service),
        }
        for name in ("published", "updated"):
            if moment := text(native.get(name)):
                collection[name] = format_time(parse_time(moment, name))
        for name in ("sci:doi", "sci:citation", *self.definition.members):
            if native.get(name) is not None:
                collection[name] = native[name]
        if assets := self._assets(native):
            collection["assets"] = assets
        collection["stac_extensions"] = [schema for name, schema in _EXTENSIONS.items() if name in collection]
        return collection

    async def describe(self, collection: str) -> Collection | None:
        """Ask the stores for a data set, until one has it."""
        if self._http is None:
            return None
        for address in self._addresses:
            try:
                native = await self._http.get_json(
                    f"{address}/collections/{quote(collection, safe='', errors='replace')}"
                )
            except UpstreamStatus as error:
                if error.status == 404:
                    continue
                raise
            if not isinstance(native, Mapping) or native.get("id") != collection:
                raise UpstreamChanged(f"{address}/collections/{collection}: the answer is not that data set")
            return self.to_collection(Record(native, collection, Kind.COLLECTION))
        return None

    # -- asking -------------------------------------------------------------------------------

    async def _list(self, http: Fetcher, address: str) -> AsyncIterator[Page]:
        """Read the list of a store; it comes in one page today, and `next` is followed if there is one."""
        url: str | None = f"{address}/collections"
        asked: set[str] = set()
        while url is not None:
            if url in asked:
                raise UpstreamChanged(f"{url}: the `next` link leads in a circle")
            asked.add(url)
            document = await http.get_json(url)
            if not isinstance(document, Mapping) or not isinstance(document.get("collections"), list):
                raise UpstreamChanged(
                    f"{url}: the answer is no list of collections (it has no `collections`)"
                )
            yield Page(document, url)
            url = _next(document, url)

    # -- reading ------------------------------------------------------------------------------

    def _service(self, entry: Any) -> Service | None:
        """Return the store that a document is of, by the addresses that it links to."""
        links = entry.get("links") if isinstance(entry, Mapping) else None
        for link in links if isinstance(links, list) else ():
            address = str(link.get("href")) if isinstance(link, Mapping) else ""
            for mark, service in self.definition.services.items():
                if f"//{mark}.copernicus.eu" in address:
                    return service
        return None

    def _links(
        self, native: Mapping[str, Any], identifier: str, licence: str, service: Service
    ) -> list[dict[str, Any]]:
        links = [
            {name: link[name] for name in ("rel", "href", "type", "title") if isinstance(link.get(name), str)}
            for link in entries(native, "links")
            if isinstance(link, Mapping)
            and link.get("rel") in self.definition.links
            and text(link.get("href"))
        ]
        parts = urlsplit(service.address)
        page = f"{parts.scheme}://{parts.netloc}/datasets/{quote(identifier, errors='replace')}"
        if not any(link["rel"] == "license" for link in links):
            # Terms that have no address of their own are shown on the page of the data set.
            links.append(
                {"rel": "license", "href": self.definition.licences.get(licence, page), "type": "text/html"}
            )
        via = f"{service.address}/collections/{quote(identifier, safe='', errors='replace')}"
        return [
            *links,
            {"rel": "about", "href": page, "type": "text/html"},
            {"rel": "via", "href": via, "type": "application/json", "title": service.title},
        ]

    def _assets(self, native: Mapping[str, Any]) -> dict[str, Any]:
        assets = {}
        for key, asset in members(native, "assets").items():
            if isinstance(asset, Mapping) and (href := text(asset.get("href"))):
                kept = {**asset, "href": _without_default_port(href)}
                media = text(asset.get("type")) or ""
                kept["type"] = (
                    "image/png"
                    if href.lower().endswith(".png")
                    else self.definition.media_types.get(media, media)
                )
                assets[key] = kept
        return assets


def _next(document: Mapping[str, Any], url: str) -> str | None:
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            try:
                return str(urljoin(url, link["href"]))
            except ValueError as error:
                raise UpstreamChanged(f"{url}: the `next` link has no valid address: {error}") from error
    return None


def _extent(native: Mapping[str, Any]) -> dict[str, Any]:
    boxes = entries(members(native, "spatial"), "bbox")
    if not boxes:
        raise RecordRefused("bad-extent", "the data set has no extent in space")
    intervals = [
        [None if edge is None else format_time(parse_time(edge, "extent.temporal")) for edge in span]
        for span in entries(members(native, "temporal"), "interval")
        if isinstance(span, list)
    ]
    return {
        "spatial": {"bbox": [list(part) for part in wrapped_boxes(boxes[0])]},
        "temporal": {"interval": intervals or [[None, None]]},
    }


def _providers(native: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the providers; ECMWF, which runs the stores, is named without saying so."""
    providers = [dict(provider) for provider in entries(native, "providers") if isinstance(provider, Mapping)]
    return [
        {"roles": ["host"], **provider} if provider.get("name") == "ECMWF" else provider
        for provider in providers
    ]


def _texts(native: Mapping[str, Any], name: str) -> list[str]:
    return [word for word in entries(native, name) if isinstance(word, str) and word.strip()]


def _without_default_port(href: str) -> str:
    """Return an address without the port that its scheme has anyway."""
    try:
        parts = urlsplit(href)
        port = _DEFAULT_PORTS.get(parts.scheme, "")
        return urlunsplit(parts._replace(netloc=parts.netloc.removesuffix(port))) if port else href
    except ValueError:
        return href
