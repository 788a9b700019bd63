"""EUMETSAT Data Store, browse and search.

Facts and quirks: docs/reference/sources/eumetsat.md. Each processing baseline is a collection of its
own there; geometry is `{}` where the product is global or the disk that a geostationary satellite sees.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from catalog.collection import CollectionDefinition
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.footprint import default_footprint
from ingest.mapping import Field, map_fields
from ingest.native import entries, lookup, members, text
from ingest.protocols import opensearch
from ingest.sources.eumetsat_assets import assets_of, notified_assets
from ingest.times import format_time

_FILE = Path(__file__).with_suffix(".yaml")
_EXTENSIONS = {
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "product": "https://stac-extensions.github.io/product/v1.0.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
}
_NOTICE = "_eumetsat_product_information"


class EumetsatDefinition(Definition):
    """What `eumetsat.yaml` says beyond the common."""

    search: str
    browse: str
    name_endings: tuple[str, ...]
    from_collection: tuple[str, ...]
    timeliness: dict[str, str]
    media_types: dict[str, str]
    max_key_length: int
    properties: dict[str, Field]
    acquisition: dict[str, Field]


class Eumetsat:
    """The Data Store of EUMETSAT."""

    name = "eumetsat"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections; they say which of the store's belong to which.
            http: needed by `pages` alone.
            url: another base address than the upstream's own.
        """
        self.definition = load_definition(EumetsatDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._native = catalog.by_native(self.name)

    def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Search the store's collections in turn: it answers for one at a time."""
        return self._pages(selection, {})

    def changed_pages(self, selection: Selection, changed: Window) -> AsyncIterator[Page]:
        """Search for what was published in some time; what starts just at its end may come too."""
        if changed.start is None or changed.end is None:
            raise ValueError("a time of change has two sides")
        span = f"[{format_time(changed.start)},{format_time(changed.end)}]"
        return self._pages(selection, {"publication": span})

    async def _pages(self, selection: Selection, more: Mapping[str, str]) -> AsyncIterator[Page]:
        if self._http is None:
            raise ValueError("pages need a fetcher")
        size = selection.page_size or self.definition.page_size
        for native, collection in self._wanted(selection.collections):
            parameters = {"pi": native, **_conditions(selection, collection), **more}
            url = self._base + self.definition.search
            async for page in opensearch.search(self._http, url, parameters, size):
                yield page

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a page of search results, one product, or notifications (one, or a list)."""
        document = page.document
        if isinstance(document, list):
            features: Any = document
        elif isinstance(document, Mapping) and document.get("type") == "FeatureCollection":
            features = document.get("features")
            if features == [] and "totalResults" not in document:
                raise UpstreamChanged(f"{page.origin} is no answer of EUMETSAT: it has no `totalResults`")
        elif isinstance(document, Mapping) and document.get("type") == "Feature":
            features = [document]
        else:
            features = None
        if not isinstance(features, list):
            raise UpstreamChanged(f"{page.origin} is no answer of EUMETSAT: it holds no products")
        if features and not any(_recognises(feature) for feature in features):
            raise UpstreamChanged(
                f"{page.origin} is no answer of EUMETSAT: no product has `identifier` and `parentIdentifier`"
            )
        for feature in features:
            native = feature if isinstance(feature, Mapping) else {"value": feature}
            place = "properties.data_id" if _NOTICE in native else "properties.identifier"
            yield Record(native, text(lookup(native, place)))

    def to_item(self, record: Record) -> Item:
        """Turn a search result or a notification into an item (docs/reference/sources/eumetsat.md)."""
        native = members(record.native, "properties")
        if record.native_id is None:
            raise RecordRefused("bad-id", "the record has no identifier")
        notified = _NOTICE in record.native
        parent = text(
            lookup(record.native, f"{_NOTICE}.parentIdentifier")
            if notified
            else native.get("parentIdentifier")
        )
        collection = self._native.get(parent or "")
        if collection is None:
            raise RecordRefused("unknown-collection", f"{parent} belongs to no collection that is defined")
        properties = (
            self._notice(record.native, native) if notified else self._properties(record.native, native)
        )
        for name in self.definition.from_collection:
            values = collection.summaries.get(name)
            if name not in properties and isinstance(values, list) and values:
                properties[name] = values if name == "instruments" else values[0]
                if name != "instruments" and len(values) > 1:
                    del properties[name]
        assets = (notified_assets if notified else assets_of)(record.native, self.definition)
        identifier = self._identifier(record.native_id)
        if identifier != record.native_id:
            properties["eumetsat:identifier"] = record.native_id
        return {
            "id": identifier,
            "collection": collection.id,
            "geometry": record.native.get("geometry") or default_footprint(collection),
            "properties": properties,
            "assets": assets,
            "links": [self._via(str(parent), record.native_id)],
            "stac_extensions": _extensions(properties, assets),
        }

    def to_collection(self, record: Record) -> Collection:
        """Refuse: the store's own descriptions of its collections are not read."""
        raise RecordRefused("no-collection", "descriptions of collections are not read from EUMETSAT")

    async def describe(self, collection: str) -> Collection | None:
        """Return None: all collections that are harvested are defined."""
        return None

    # -- asking -------------------------------------------------------------------------------

    def _wanted(self, collections: tuple[str, ...]) -> list[tuple[str, CollectionDefinition]]:
        known = {definition.id for definition in self._native.values()}
        missing = set(collections) - known
        if missing:
            raise ConfigurationError(
                f"eumetsat has no collection {', '.join(sorted(missing))}: `kakehashi sources` lists what it has"
            )
        return [
            (native, definition)
            for native, definition in self._native.items()
            if not collections or definition.id in collections
        ]

    # -- reading ------------------------------------------------------------------------------

    def _identifier(self, native_id: str) -> str:
        for ending in self.definition.name_endings:
            native_id = native_id.removesuffix(ending)
        return native_id

    def _properties(self, feature: Mapping[str, Any], native: Mapping[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = map_fields(self.definition.properties, native)
        if (span := opensearch.span_of(feature)) is not None:
            properties["start_datetime"], properties["end_datetime"] = map(format_time, span)
            properties["datetime"] = properties["start_datetime"]
        acquisitions = [one for one in entries(native, "acquisitionInformation") if isinstance(one, Mapping)]
        platforms = _unique(text(lookup(one, "platform.platformShortName")) for one in acquisitions)
        if len(platforms) == 1:
            properties["platform"] = platforms[0]
        elif platforms:
            properties["eumetsat:platforms"] = platforms
        instruments = _unique(text(lookup(one, "instrument.instrumentShortName")) for one in acquisitions)
        if instruments:
            properties["instruments"] = instruments
        if len(acquisitions) == 1:
            properties.update(map_fields(self.definition.acquisition, acquisitions[0]))
        self._add_timeliness(properties)
        return properties

    def _notice(self, notice: Mapping[str, Any], native: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a notification says of a product; the search says more, later."""
        product = members(notice, _NOTICE)
        said = {
            "datetime": text(native.get("datetime")) or text(native.get("start_datetime")),
            "start_datetime": text(native.get("start_datetime")),
            "end_datetime": text(native.get("end_datetime")),
            "published": text(native.get("pubtime")),
            "platform": text(product.get("platform")),
            "product:type": text(product.get("productType")),
            "eumetsat:collection": text(product.get("parentIdentifier")),
        }
        return {name: value for name, value in said.items() if value is not None}

    def _add_timeliness(self, properties: dict[str, Any]) -> None:
        """Add the duration of a timeliness category; without it, STAC has no place for the category."""
        category = properties.get("product:timeliness_category")
        duration = self.definition.timeliness.get(str(category))
        if duration is not None:
            properties["product:timeliness"] = duration
        elif category is not None:
            properties["eumetsat:timeliness"] = properties.pop("product:timeliness_category")

    def _via(self, parent: str, product: str) -> dict[str, Any]:
        base = self.definition.endpoint + self.definition.browse
        return {
            "rel": "via",
            "href": f"{base}/{quote(parent, safe='', errors='replace')}/products/{quote(product, safe='', errors='replace')}?format=json",
            "type": "application/json",
            "title": self.definition.title,
        }


def _recognises(feature: Any) -> bool:
    if not isinstance(feature, Mapping):
        return False
    if _NOTICE in feature:
        return lookup(feature, "properties.data_id") is not None
    return (
        lookup(feature, "properties.identifier") is not None
        and lookup(feature, "properties.parentIdentifier") is not None
    )


def _conditions(selection: Selection, collection: CollectionDefinition) -> dict[str, str]:
    """Return time and place for the service; the pipeline sifts what it gives beyond them.

    Products without geometry are in no box, and the service has no box across the antimeridian: then
    the place is left to the pipeline.
    """
    conditions = {}
    if selection.window.start:
        conditions["dtstart"] = format_time(selection.window.start)
    if selection.window.end:
        conditions["dtend"] = format_time(selection.window.end)
    bbox = selection.bbox
    if bbox and bbox[0] <= bbox[2] and collection.footprint is None:
        conditions["bbox"] = ",".join(f"{edge:g}" for edge in bbox)
    return conditions


def _unique(values: Iterator[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _extensions(properties: Mapping[str, Any], assets: Mapping[str, Any]) -> list[str]:
    prefixes = {name.split(":")[0] for name in properties if ":" in name}
    if any(name.startswith("file:") for asset in assets.values() for name in asset):
        prefixes.add("file")
    return [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes]
