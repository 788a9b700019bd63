"""JAXA G-Portal, OGC CSW 3.0 with GeoJSON output.

Facts and quirks: docs/reference/sources/gportal.md. Every value of the service is a text, absent is
`""`; both generations of the service (before and since October 2026) are read.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Page, Record, Selection
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.footprint import default_footprint
from ingest.geometry import ring_from_text
from ingest.mapping import Field, map_fields
from ingest.native import integer, lookup, text
from ingest.protocols import csw
from ingest.sgli import tile_footprint
from ingest.times import format_time

_FILE = Path(__file__).with_suffix(".yaml")
_EXTENSIONS = {
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "sar": "https://stac-extensions.github.io/sar/v1.3.0/schema.json",
    "view": "https://stac-extensions.github.io/view/v1.1.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "grid": "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
    "version": "https://stac-extensions.github.io/version/v1.2.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
}


class Browse(BaseModel):
    """How a kind of browse image becomes an asset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    roles: tuple[str, ...]


class GPortalDefinition(Definition):
    """What `gportal.yaml` says beyond the common."""

    foreign_prefixes: tuple[str, ...]
    file_mark: str
    files: str
    media_types: dict[str, str]
    browse: dict[str, Browse]
    bbox_margin: float
    bbox_max_latitude: float
    tile_missions: tuple[str, ...]
    radars: tuple[str, ...]
    no_mode: str
    properties: dict[str, Field]


class GPortal:
    """JAXA's catalogue of almost all its missions."""

    name = "gportal"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections; they say which data sets belong to which.
            http: needed by `pages` alone.
            url: another address of the service than its own.
        """
        self.definition = load_definition(GPortalDefinition, _FILE)
        self._endpoint = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._native = catalog.by_native(self.name)

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Ask for the data sets of a mission together: the service answers nothing without data sets."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        size = selection.page_size or self.definition.page_size
        for datasets in self._queries(selection.collections):
            parameters = {"datasetId": ",".join(datasets), **self._conditions(selection)}
            async for page in csw.get_records(self._http, self._endpoint, parameters, size):
                yield page

    def records(self, page: Page) -> Iterator[Record]:
        """Accept an answer of the service, or one feature of it."""
        document = page.document
        kind = document.get("type") if isinstance(document, Mapping) else None
        entries = document.get("features") if kind == "FeatureCollection" else [document]
        if kind not in ("FeatureCollection", "Feature") or not isinstance(entries, list):
            raise UpstreamChanged(f"{page.origin} is no answer of G-Portal: it holds no GeoJSON features")
        if entries and not any(_recognises(entry) for entry in entries):
            raise UpstreamChanged(
                f"{page.origin} is no answer of G-Portal: no feature has `identifier` and `gpp.datasetId`"
            )
        for entry in entries:
            native = entry if isinstance(entry, Mapping) else {"value": entry}
            yield Record(native, text(lookup(native, "properties.identifier")))

    def to_item(self, record: Record) -> Item:
        """Turn a record into an item, field by field (docs/reference/sources/gportal.md)."""
        native = record.native.get("properties")
        if not isinstance(native, Mapping):
            raise RecordRefused("no-properties", "the record has no properties")
        identifier = text(native.get("identifier"))
        if identifier is None:
            raise RecordRefused("bad-id", "the record has no identifier")
        collection = self._collection(native)
        properties = self._properties(native)
        assets = self._assets(native)
        item = {
            "id": identifier,
            "collection": collection,
            "geometry": self._geometry(record.native, native),
            "properties": properties,
            "assets": assets,
            "links": [self._via(text(lookup(native, "gpp.datasetId")) or "", properties)],
        }
        return {**item, "stac_extensions": _extensions(properties, assets)}

    def to_collection(self, record: Record) -> Collection:
        """G-Portal describes no collections."""
        raise RecordRefused("no-collection", "G-Portal describes no collections")

    async def describe(self, collection: str) -> Collection | None:
        """Return None: G-Portal describes no collections."""
        return None

    # -- asking -------------------------------------------------------------------------------

    def _queries(self, collections: tuple[str, ...]) -> Iterator[list[str]]:
        """Give the data sets to ask for, one list per mission: their first two digits."""
        wanted = set(collections)
        datasets = sorted(
            dataset for dataset, definition in self._native.items() if not wanted or definition.id in wanted
        )
        missing = wanted - {self._native[dataset].id for dataset in datasets}
        if missing:
            raise ConfigurationError(
                f"gportal has no collection {', '.join(sorted(missing))}: `kakehashi sources` lists what it has"
            )
        for _, mission in groupby(datasets, key=lambda dataset: dataset[:2]):
            yield list(mission)

    def _conditions(self, selection: Selection) -> dict[str, str]:
        conditions = {}
        if selection.window.start:
            conditions["startTime"] = format_time(selection.window.start)
        if selection.window.end:
            conditions["endTime"] = format_time(selection.window.end)
        bbox = selection.bbox
        if (
            bbox
            and bbox[0] <= bbox[2]
            and max(abs(bbox[1]), abs(bbox[3])) <= self.definition.bbox_max_latitude
        ):
            margin = self.definition.bbox_margin
            west, south, east, north = bbox
            wider = (
                max(-180.0, west - margin),
                max(-90.0, south - margin),
                min(180.0, east + margin),
                min(90.0, north + margin),
            )
            conditions["bbox"] = ",".join(f"{edge:g}" for edge in wider)
        return conditions

    # -- reading ------------------------------------------------------------------------------

    def _collection(self, native: Mapping[str, Any]) -> str:
        dataset = text(lookup(native, "gpp.datasetId"))
        if dataset is None:
            raise RecordRefused("no-collection", "the record has no gpp.datasetId")
        if dataset.startswith(self.definition.foreign_prefixes):
            raise RecordRefused(
                "foreign", f"data set {dataset} is another agency's, listed from NASA's catalogue"
            )
        definition = self._native.get(dataset)
        if definition is None:
            raise RecordRefused(
                "unknown-collection", f"data set {dataset} belongs to no collection that is defined"
            )
        return definition.id

    def _geometry(self, feature: Mapping[str, Any], native: Mapping[str, Any]) -> Any:
        """Return the footprint: of SGLI tiles from their grid, else the drawn one, else `multiExtentOf`."""
        if text(native.get("platformShortName")) in self.definition.tile_missions:
            vertical, horizontal = (
                integer(lookup(native, "gpp.tileVNo")),
                integer(lookup(native, "gpp.tileHNo")),
            )
            if vertical is not None and horizontal is not None:
                outline = tile_footprint(vertical, horizontal)
                if outline is not None:
                    return outline
        drawn = feature.get("geometry")
        extent = text(native.get("multiExtentOf"))
        if not drawn and extent:
            return ring_from_text(extent)
        if not drawn:
            collection = self._native[text(lookup(native, "gpp.datasetId")) or ""]
            return default_footprint(collection)
        return drawn

    def _properties(self, native: Mapping[str, Any]) -> dict[str, Any]:
        properties = {"datetime": None, **map_fields(self.definition.properties, native)}
        version = _processing_version(native)
        if version:
            properties["processing:version"] = version
        instrument, mode = text(native.get("instrumentShortName")), text(native.get("operationalMode"))
        if instrument in self.definition.radars and mode and mode != self.definition.no_mode:
            properties["sar:instrument_mode"] = mode
        orbit = integer(native.get("orbitNumber"))
        if instrument == "SGLI":
            # SGLI writes the path of the repeat cycle where others write the orbit since launch.
            if orbit is not None:
                properties.setdefault("sat:relative_orbit", orbit)
            tile = text(lookup(native, "gpp.tileNo"))
            if tile:
                properties["grid:code"] = f"SGLI-T{tile}"
        elif orbit is not None:
            properties["gportal:orbit_number"] = orbit
        return properties

    def _assets(self, native: Mapping[str, Any]) -> dict[str, Any]:
        assets: dict[str, Any] = {}
        product = native.get("product")
        file = text(lookup(native, "product.fileName"))
        if file and text(lookup(native, "gpp.hasProduct")) != "false" and isinstance(product, Mapping):
            data = {
                "href": self._address(file),
                "type": self._media_type(text(product.get("DataFormatType")), file),
                "title": "Product file (needs a G-Portal account)",
                "roles": ["data"],
                "auth:refs": ["gportal"],
                "file:size": integer(product.get("size")),
            }
            assets["data"] = {name: value for name, value in data.items() if value is not None}
        browse = native.get("browse")
        for image in browse if isinstance(browse, list) else [browse]:
            known = (
                self.definition.browse.get(text(lookup(image, "type")) or "")
                if isinstance(image, Mapping)
                else None
            )
            href = text(lookup(image, "fileName")) if isinstance(image, Mapping) else None
            if known and href:
                assets.setdefault(known.key, {"href": self._address(href), "roles": list(known.roles)})
        return assets

    def _address(self, file: str) -> str:
        """Return where a file is: the new system writes a name that is neither URL nor path."""
        if file.startswith(self.definition.file_mark):
            return self.definition.files + file[len(self.definition.file_mark) :]
        return file

    def _media_type(self, form: str | None, file: str) -> str | None:
        types = self.definition.media_types
        return types.get(form or "") or types.get(file.rsplit(".", 1)[-1])

    def _via(self, dataset: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return a link to the record upstream: the query that lists it, since records have no address."""
        query = "service=CSW&version=3.0.0&request=GetRecords&outputFormat=application/json"
        span = (
            f"&startTime={properties.get('start_datetime', '')}&endTime={properties.get('end_datetime', '')}"
        )
        return {
            "rel": "via",
            "href": f"{self.definition.endpoint}?{query}&datasetId={dataset}{span}",
            "type": "application/json",
            "title": self.definition.title,
        }


def _recognises(entry: Any) -> bool:
    return (
        isinstance(entry, Mapping)
        and lookup(entry, "properties.identifier") is not None
        and lookup(entry, "properties.gpp.datasetId") is not None
    )


def _extensions(properties: Mapping[str, Any], assets: Mapping[str, Any]) -> list[str]:
    prefixes = {name.split(":")[0] for name in properties if ":" in name}
    if "version" in properties:
        prefixes.add("version")
    if any("file:size" in asset for asset in assets.values()):
        prefixes.add("file")
    return [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes]


def _processing_version(native: Mapping[str, Any]) -> str | None:
    algorithm = text(lookup(native, "gpp.algorithmVersion"))
    parameter = text(lookup(native, "gpp.parameterVersion"))
    return f"{algorithm}.{parameter}" if algorithm and parameter else algorithm
