"""Items of JAXA Earth: from the tiles of a date to one item, without I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import mapping

from catalog.errors import RecordRefused
from ingest import jaxa_earth as names
from ingest.assets import NATIVE_KEY
from ingest.contract import Item
from ingest.geometry import Geometry
from ingest.native import members, number, text
from ingest.protocols import static_stac
from ingest.sources.jaxa_earth_granule import Granule, TileDocument
from ingest.times import format_time

_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_DATA_TYPES = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"}
_EXTENSIONS = {
    "proj:": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "processing:": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "version": "https://stac-extensions.github.io/version/v1.2.0/schema.json",
}
_RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
_CLASSIFICATION = "https://stac-extensions.github.io/classification/v1.1.0/schema.json"


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
            key = str(band) if len(granule.tiles) == 1 else f"{band}-{tile.tile.label}"
            assets[key] = {"href": address, **_asset(str(band), native), NATIVE_KEY: str(band)}
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
