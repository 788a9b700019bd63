"""NASA's Common Metadata Repository: Japanese missions that NASA's archives hold (ASF, LP DAAC).

Facts and quirks: docs/reference/sources/cmr.md. Granules are UMM-G; those of ASF carry most of what
matters in additional attributes.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog.collection import CollectionDefinition
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest import ummg
from ingest.contract import Collection, Item, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.mapping import Field, map_fields
from ingest.native import lookup, members, number, text
from ingest.protocols import cmr
from ingest.sources import cmr_assets
from ingest.times import format_time

_FILE = Path(__file__).with_suffix(".yaml")
_EXTENSIONS = {
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "sar": "https://stac-extensions.github.io/sar/v1.3.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "view": "https://stac-extensions.github.io/view/v1.1.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "alternate": "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json",
}
_CONCEPT = re.compile(r"C\d+-\w+")
_OLD_UR = re.compile(r"SC:([^.:]+)\.\d+:\d+")
_LEVEL = re.compile(r"L?\d(\.\d|[A-Z])?")


class CmrDefinition(Definition):
    """What `cmr.yaml` says beyond the common."""

    no_values: frozenset[str]
    files: cmr_assets.Files
    properties: dict[str, Field]


class Cmr:
    """NASA's catalogue of Earth-observation granules."""

    name = "cmr"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections; they name those of CMR by concept id, short name and
                entry title.
            http: needed by `pages` alone.
            url: another base address of the search than NASA's own.
        """
        self.definition = load_definition(CmrDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._native = catalog.by_native(self.name)
        self._vocabulary = catalog.vocabulary

    def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Ask for the granules of one collection after the other."""
        return self._pages(selection, {})

    def changed_pages(self, selection: Selection, changed: Window) -> AsyncIterator[Page]:
        """Ask for the granules that were added or revised in some time."""
        if changed.start is None or changed.end is None:
            raise ValueError("a time of change has two sides")
        span = f"{format_time(changed.start)},{format_time(changed.end)}"
        return self._pages(selection, {"revision_date[]": span})

    async def _pages(self, selection: Selection, more: Mapping[str, str]) -> AsyncIterator[Page]:
        if self._http is None:
            raise ValueError("pages need a fetcher")
        size = min(selection.page_size or self.definition.page_size, self.definition.page_size)
        conditions = cmr.conditions(selection)
        for asked in self._queries(selection.collections):
            async for page in cmr.granules(self._http, self._base, {**asked, **conditions, **more}, size):
                yield page

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a page of `granules.umm_json`, a list of results of `asf_search`, or one of either."""
        document = page.document
        found = document.get("items") if isinstance(document, Mapping) and "items" in document else document
        granules = [found] if isinstance(found, Mapping) else found
        if not isinstance(granules, list) or not (isinstance(document, Mapping) or granules):
            raise UpstreamChanged(f"{page.origin} is no answer of CMR: it holds no granules in UMM-G")
        if granules and not any(_recognises(granule) for granule in granules):
            raise UpstreamChanged(f"{page.origin} is no answer of CMR: nothing in it has `umm.GranuleUR`")
        for granule in granules:
            native = granule if isinstance(granule, Mapping) else {"value": granule}
            yield Record(native, text(lookup(native, "umm.GranuleUR")))

    def to_item(self, record: Record) -> Item:
        """Turn a granule into an item, field by field (docs/reference/sources/cmr.md)."""
        umm, meta = members(record.native, "umm"), members(record.native, "meta")
        name = text(umm.get("GranuleUR"))
        identifiers = {
            text(one.get("IdentifierType")) or "": text(one.get("Identifier"))
            for one in ummg.objects(members(umm, "DataGranule"), "Identifiers")
        }
        if name is None:
            raise RecordRefused("bad-id", "the granule has no GranuleUR")
        if _OLD_UR.fullmatch(name):
            # The former archive of LP DAAC named granules by a row of its database.
            local = identifiers.get("ProducerGranuleId") or identifiers.get("LocalVersionId")
            if local is None:
                raise RecordRefused("bad-id", f"granule {name} has no name of its own")
            name = local.removesuffix(".hdf")
        collection = self._collection(umm, meta)
        attributes = ummg.attributes(umm, self.definition.no_values)
        dates = {text(one.get("Type")) or "": one.get("Date") for one in ummg.objects(umm, "ProviderDates")}
        view = {
            "umm": umm,
            "meta": meta,
            "attributes": attributes,
            "dates": dates,
            "identifiers": identifiers,
            "orbit": _orbit(umm),
        }
        assets = cmr_assets.assets(umm, attributes, name, self.definition.files)
        properties = {
            **ummg.times(umm),
            **map_fields(self.definition.properties, view),
            **self._instrument(umm, collection),
            **_levels(attributes, collection),
            **_looks(attributes),
        }
        return {
            "id": name,
            "collection": collection.id,
            "geometry": ummg.geometry(umm),
            "properties": {name: value for name, value in properties.items() if not self._is_none(value)},
            "assets": assets,
            "links": [self._via(meta), *cmr_assets.links(umm)],
            "stac_extensions": _extensions(properties, assets),
        }

    def to_collection(self, record: Record) -> Collection:
        """Refuse: the collections that are taken from CMR are all defined here."""
        raise RecordRefused("no-collection", "collections of CMR are defined here and not read from it")

    async def describe(self, collection: str) -> Collection | None:
        """Return None: see `to_collection`."""
        return None

    # -- asking -------------------------------------------------------------------------------

    def _queries(self, collections: tuple[str, ...]) -> Iterator[dict[str, str]]:
        """Give the parameter that names each collection: its concept id, or its short name."""
        names: dict[str, list[str]] = {}
        for native, definition in self._native.items():
            names.setdefault(definition.id, []).append(native)
        missing = set(collections) - set(names)
        if missing:
            raise ConfigurationError(
                f"cmr has no collection {', '.join(sorted(missing))}: `kakehashi sources` lists what it has"
            )
        for collection in collections or names:
            concept = next((name for name in names[collection] if _CONCEPT.fullmatch(name)), None)
            yield {"collection_concept_id": concept} if concept else {"short_name": names[collection][0]}

    # -- reading ------------------------------------------------------------------------------

    def _collection(self, umm: Mapping[str, Any], meta: Mapping[str, Any]) -> CollectionDefinition:
        reference = members(umm, "CollectionReference")
        old = _OLD_UR.fullmatch(text(umm.get("GranuleUR")) or "")
        names = [
            text(meta.get("collection-concept-id")),
            text(reference.get("ShortName")),
            text(reference.get("EntryTitle")),
            old.group(1) if old else None,
        ]
        for name in names:
            if name is not None and name in self._native:
                return self._native[name]
        known = next((name for name in names[1:] if name), names[0])
        raise RecordRefused("unknown-collection", f"collection {known} of CMR is not taken here")

    def _instrument(self, umm: Mapping[str, Any], collection: CollectionDefinition) -> dict[str, Any]:
        platforms = ummg.objects(umm, "Platforms")
        platform = text(platforms[0].get("ShortName")) if platforms else None
        instruments = ummg.objects(platforms[0], "Instruments") if platforms else []
        named = [name for name in (text(one.get("ShortName")) for one in instruments) if name]
        said: dict[str, Any] = {"platform": platform, "instruments": named or None}
        band = self._vocabulary.frequency_band(named[0], platform) if named else None
        if band:
            said["sar:frequency_band"] = band.name
            said["sar:center_frequency"] = band.center_frequency
        return said

    def _is_none(self, value: Any) -> bool:
        return value is None or value == [] or (isinstance(value, str) and value in self.definition.no_values)

    def _via(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        concept = text(meta.get("concept-id"))
        address = f"/concepts/{concept}.umm_json" if concept else ""
        return {
            "rel": "via",
            "href": self.definition.endpoint + address,
            "type": "application/vnd.nasa.cmr.umm+json",
            "title": self.definition.title,
        }


def _recognises(granule: Any) -> bool:
    return isinstance(granule, Mapping) and isinstance(lookup(granule, "umm.GranuleUR"), str)


def _orbit(umm: Mapping[str, Any]) -> Any:
    orbits = ummg.objects(umm, "OrbitCalculatedSpatialDomains")
    return next((one["OrbitNumber"] for one in orbits if one.get("OrbitNumber") is not None), None)


def _levels(attributes: Mapping[str, Any], collection: CollectionDefinition) -> dict[str, Any]:
    """Return level and polarisations; the level is the collection's where the granule has none that is one.

    ASF's own `PROCESSING_LEVEL` calls a level 1.0 product of JAXA `L0` and terrain-corrected ones `L2`.
    """
    said: dict[str, Any] = {}
    defined = collection.summaries.get("processing:level")
    places = [text(attributes.get(name)) for name in ("PROCESSING_TYPE", "PROCESSING_LEVEL")]
    named = next((level for level in places if level and _LEVEL.fullmatch(level)), None)
    said["processing:level"] = defined[0] if isinstance(defined, list) and len(defined) == 1 else named
    native = attributes.get("POLARIZATION")
    said["sar:polarizations"] = ummg.polarizations(native)
    if isinstance(native, str) and "+".join(said["sar:polarizations"]) != native:
        said["cmr:polarization"] = native
    return said


def _looks(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the angle to the nadir: of radars as it is, -1 is none; of ASTER that of its VNIR telescope."""
    radar, telescope = (
        number(attributes.get("OFF_NADIR_ANGLE")),
        number(attributes.get("ASTERVNIRPointingAngle")),
    )
    angle = radar if radar is not None else telescope
    if angle is None or (angle < 0 and angle is radar):
        return {}
    return {"view:off_nadir": abs(angle)} if abs(angle) <= 90 else {}


def _extensions(properties: Mapping[str, Any], assets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    prefixes = {
        name.partition(":")[0]
        for name, value in properties.items()
        if ":" in name and value not in (None, [])
    }
    members_of_assets = {name.partition(":")[0] for asset in assets.values() for name in asset}
    prefixes |= members_of_assets & {"file", "alternate"}
    return [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes]
