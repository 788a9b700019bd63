"""Items of JAXA Earth: from the documents of a date's tiles to one item, without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
from shapely.geometry import mapping

from catalog.errors import RecordRefused
from ingest import jaxa_earth as names
from ingest.contract import Item
from ingest.geometry import Geometry
from ingest.native import entries, members, number, text
from ingest.protocols import static_stac
from ingest.times import format_time, parse_time

_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_DATA_TYPES = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"}
_EXTENSIONS = {
    "proj:": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "processing:": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "version": "https://stac-extensions.github.io/version/v1.2.0/schema.json",
}
_RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
_CLASSIFICATION = "https://stac-extensions.github.io/classification/v1.1.0/schema.json"


@dataclass(frozen=True, slots=True)
class TileDocument:
    """An item as JAXA Earth has it.

    Attributes:
        address: where it was, None if that is not known.
        tile: its place in the grid.
        document: its members.
    """

    address: str | None
    tile: names.Tile
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Granule:
    """What becomes one item.

    Attributes:
        collection: native id.
        date: label of the date, as in addresses.
        epsg: code of the projection.
        level: COG level of the tiles.
        whole: whether these are all tiles of the date.
        start: first instant.
        end: last instant.
        tiles: one, or all of the date.
    """

    collection: str
    date: str
    epsg: int
    level: int | None
    whole: bool
    start: datetime
    end: datetime
    tiles: Sequence[TileDocument]

    @property
    def name(self) -> str:
        """Return the second half of the item's id: the date, and level and tile of a single one."""
        date = names.compact(self.date)
        return date if self.whole else f"{date}_l{self.level}_{self.tiles[0].tile.label}"


def read_granule(native: Mapping[str, Any], known: Sequence[str]) -> Granule:
    """Read a record: what a walk knows of it, else what its address says, else its own members.

    Args:
        native: `tiles`, each with `address` and `document`, and in a walk `collection`, `date`, `epsg`
            and `whole`.
        known: native ids of all collections, among which one that is not named is looked for.

    Raises:
        RecordRefused: `no-collection`, `no-assets`, `no-geometry`, `unknown-projection`,
            `bad-structure`, `bad-datetime` or `no-datetime`.
    """
    tiles = [_tile_document(entry) for entry in entries(native, "tiles")]
    if not tiles:
        raise RecordRefused("no-assets", "the date has no tiles")
    place = names.read_address(tiles[0].address)
    times = _times(tiles)
    collection = (
        text(native.get("collection"))
        or (place.collection if place else None)
        or text(tiles[0].document.get("collection"))
        or _only_one(tiles[0], times, known)
    )
    epsg = native.get("epsg") or names.epsg_of(collection)
    if not isinstance(epsg, int) or epsg not in names.PROJECTIONS:
        raise RecordRefused(
            "unknown-projection", f"the grid is in EPSG {epsg!r:.40}, not one of {names.PROJECTIONS}"
        )
    date = text(native.get("date")) or (place.date if place else None)
    start, end = _period(collection, date, tiles, times)
    return Granule(
        collection=collection,
        date=date or names.date_label(start, end, names.cadence_of(collection)),
        epsg=epsg,
        level=place.level if place else tiles[0].tile.level(epsg),
        whole=native.get("whole") is True,
        start=start,
        end=end,
        tiles=tiles,
    )


def build_item(granule: Granule, extent: Sequence[float] | None, store: str) -> Item:
    """Return geometry, properties, assets and extensions of an item.

    Args:
        granule: its tiles.
        extent: box of the collection in degrees, beyond which a tile holds nothing.
        store: where files are taken to lie whose document does not say where it was.
    """
    properties = _properties(granule)
    assets = _assets(granule, store)
    extensions = [
        schema
        for prefix, schema in _EXTENSIONS.items()
        if any(name.startswith(prefix) for name in properties)
    ]
    bands = [band for asset in assets.values() for band in asset.get("bands", ())]
    if any(name.startswith("raster:") for band in bands for name in band):
        extensions.append(_RASTER)
    if any("classification:classes" in asset for asset in assets.values()):
        extensions.append(_CLASSIFICATION)
    return {
        "geometry": _footprint(granule, extent),
        "properties": properties,
        "assets": assets,
        "stac_extensions": extensions,
    }


# -- what, when, where ------------------------------------------------------------------------


def _tile_document(entry: Any) -> TileDocument:
    document = entry.get("document") if isinstance(entry, Mapping) else None
    if not isinstance(document, Mapping):
        raise RecordRefused("bad-structure", "a tile is no JSON object")
    address = text(entry.get("address"))
    place = names.read_address(address)
    tile = place.tile if place else None
    for asset in members(document, "assets").values():
        read = names.read_file(asset.get("href")) if isinstance(asset, Mapping) else None
        tile = tile or (read[0] if read else None)
    if tile is None:
        raise RecordRefused(
            "no-geometry", "neither the address nor a file of the item names a tile of the grid"
        )
    return TileDocument(address, tile, document)


def _times(tiles: Sequence[TileDocument]) -> tuple[datetime, datetime] | None:
    """Return first and last instant of the tiles, None where one says neither."""
    spans = []
    for tile in tiles:
        properties = members(tile.document, "properties")
        start = properties.get("start_datetime") or properties.get("datetime")
        end = properties.get("end_datetime") or properties.get("datetime")
        if start is None or end is None:
            return None
        spans.append((parse_time(start, "start_datetime"), parse_time(end, "end_datetime")))
    return min(start for start, _ in spans), max(end for _, end in spans)


def _period(
    collection: str, date: str | None, tiles: Sequence[TileDocument], times: tuple[datetime, datetime] | None
) -> tuple[datetime, datetime]:
    """Return first and last instant: of a climatology its base period, which the bands are named after."""
    if names.is_climatology(collection):
        for band in members(tiles[0].document, "assets"):
            period = names.base_period(str(band))
            if period:
                return period
    if times:
        return times
    lasting = names.span(date, names.cadence_of(collection)) if date else None
    if lasting is None:
        raise RecordRefused("no-datetime", f"neither the item nor its date {date!r:.40} says a time")
    return lasting[0], lasting[1] - timedelta(seconds=1)


def _only_one(tile: TileDocument, times: tuple[datetime, datetime] | None, known: Sequence[str]) -> str:
    """Return the one collection that an item without an address fits: by satellite, sensor, band and period.

    Raises:
        RecordRefused: `no-collection`; none fits, or several do.
    """
    properties = members(tile.document, "properties")
    platform, instrument = text(properties.get("platform")), text(properties.get("instrument"))
    bands = [str(band).split("_")[0] for band in members(tile.document, "assets")]
    cadence = names.cadence_between(*times) if times else None
    fitting = []
    if platform and instrument and bands and cadence:
        carrier = f"_{platform}.{instrument}_".lower()
        fitting = [
            native
            for native in known
            if carrier in native.lower()
            and names.cadence_of(native) == cadence
            and not names.is_climatology(native)
            and any(band.lower() in _words(native) for band in bands)
        ]
    if len(fitting) != 1:
        found = (
            f"{len(fitting)} fit its satellite, sensor, band and period"
            if fitting
            else "none fits what it says"
        )
        raise RecordRefused("no-collection", f"the item does not say its collection, and {found}")
    return fitting[0]


def _words(native: str) -> set[str]:
    """Return the parts of an id; `v3` and the like do no harm."""
    return {
        part for half in native.lower().split("_") for name in half.split(".") for part in name.split("-")
    }


def _footprint(granule: Granule, extent: Sequence[float] | None) -> Geometry:
    """Return what the tiles cover, within the collection's box."""
    outlines = [tile.tile.outline(granule.epsg) for tile in granule.tiles]
    if granule.epsg != names.PLATE_CARREE:
        return outlines[0] if len(outlines) == 1 else _together(outlines)
    covered = shapely.union_all([_box(tile.tile.bounds(granule.epsg)) for tile in granule.tiles])
    within = covered.intersection(_box(extent)) if extent else covered
    if within.is_empty or within.area == 0:
        within = covered
    return dict(mapping(within))


def _box(bounds: Sequence[float]) -> shapely.Polygon:
    west, south, east, north = bounds
    return shapely.box(west, south, east, north)


def _together(outlines: Sequence[Geometry]) -> Geometry:
    return {"type": "MultiPolygon", "coordinates": [outline["coordinates"] for outline in outlines]}


def _properties(granule: Granule) -> dict[str, Any]:
    native = members(granule.tiles[0].document, "properties")
    instrument = native.get("instruments", native.get("instrument"))
    named = instrument if isinstance(instrument, list) else [instrument]
    found: dict[str, Any] = {
        "platform": text(native.get("platform")),
        "instruments": [name for name in map(text, named) if name] or None,
        "version": names.version_of(granule.collection),
        "processing:level": names.level_of(granule.collection),
        "proj:code": f"EPSG:{granule.epsg}",
        "jaxa_earth:collection": granule.collection,
        "jaxa_earth:date": granule.date.replace("/", "-"),
        "jaxa_earth:cadence": names.cadence_of(granule.collection),
        "jaxa_earth:level": granule.level,
    }
    if names.is_climatology(granule.collection):
        found["jaxa_earth:climatology"] = True
    if len(granule.tiles) == 1:
        found["proj:bbox"] = granule.tiles[0].tile.bounds(granule.epsg)
        found["jaxa_earth:tile"] = granule.tiles[0].tile.label
    return {
        "datetime": None,
        "start_datetime": format_time(granule.start),
        "end_datetime": format_time(granule.end),
        **{name: value for name, value in found.items() if value is not None},
    }


# -- assets -----------------------------------------------------------------------------------


def _assets(granule: Granule, store: str) -> dict[str, Any]:
    assets = {}
    for tile in granule.tiles:
        for band, native in members(tile.document, "assets").items():
            href = text(native.get("href")) if isinstance(native, Mapping) else None
            if href is None or href == "N/A":
                continue
            address = static_stac.absolute(href, tile.address or _address(granule, tile, store))
            if address is None:
                continue
            key = str(band).lower() if len(granule.tiles) == 1 else f"{str(band).lower()}-{tile.tile.label}"
            assets[key] = {"href": address, **_asset(str(band), native)}
    if not assets:
        raise RecordRefused("no-assets", "no asset of the item has an address")
    return assets


def _address(granule: Granule, tile: TileDocument, store: str) -> str:
    """Return where a document lies that does not say so: the grid and the date tell."""
    column, row = tile.tile.path
    return f"{store}/{granule.collection}/{granule.date}/{granule.level}/{column}/{row}.json"


def _asset(name: str, native: Mapping[str, Any]) -> dict[str, Any]:
    roles = native.get("roles")
    asset: dict[str, Any] = {
        "type": text(native.get("type")) or _COG,
        "roles": [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else ["data"],
        "bands": [_band(name, native)],
    }
    title = text(native.get("title"))
    if title:
        asset["title"] = title
    classes = _classes(native.get("classification:classes"))
    if classes:
        asset["classification:classes"] = classes
    return asset


def _band(name: str, native: Mapping[str, Any]) -> dict[str, Any]:
    """Return `je:rasters` as a band of STAC 1.1: values are stored as `dn`, value = dn * slope + offset."""
    rasters = members(native, "je:rasters")
    stored, conversion = members(rasters, "dn"), members(rasters, "dn2value")
    data_type = text(stored.get("data_type"))
    limits = {"minimum": _plain(stored.get("min")), "maximum": _plain(stored.get("max"))}
    limits = {limit: value for limit, value in limits.items() if value is not None}
    errors = stored.get("error")
    found: dict[str, Any] = {
        "name": name,
        "data_type": data_type if data_type in _DATA_TYPES else None,
        "nodata": _plain(stored.get("nodata")),
        "statistics": limits or None,
        "unit": text(members(rasters, "value").get("unit")),
        "raster:scale": number(conversion.get("slope")),
        "raster:offset": number(conversion.get("offset")),
        "jaxa_earth:error_values": [value for value in map(_plain, errors) if value is not None]
        if isinstance(errors, list)
        else None,
    }
    return {field: value for field, value in found.items() if value is not None}


def _plain(value: Any) -> float | int | None:
    """Return a number, whole where it has no fraction; stored values are mostly integers."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else found


def _classes(value: Any) -> list[dict[str, Any]]:
    """Return the classes in the form of version 1.1 of the extension, those that have value and description."""
    classes = []
    for entry in value if isinstance(value, list) else ():
        if not isinstance(entry, Mapping):
            continue
        code = _plain(entry.get("value"))
        description = text(entry.get("description")) or text(entry.get("name"))
        if not isinstance(code, int) or description is None:
            continue
        found = {"value": code, "description": description}
        name = text(entry.get("name"))
        if name:
            found["name"] = name
        colour = (text(entry.get("color-hint")) or text(entry.get("color_hint")) or "").removeprefix("#")
        if len(colour) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in colour):
            found["color_hint"] = colour
        if found not in classes:
            classes.append(found)
    return classes
