"""Reading one product of the Copernicus Data Space's OData catalogue: its properties, footprint and assets.

What is a table stands in `cdse_odata.yaml`. A product comes here with `attributes`: those of
`$expand=Attributes`, by name.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import mapping

from catalog.errors import RecordRefused
from catalog.names import ProductName
from ingest.checksums import multihash
from ingest.mapping import map_fields
from ingest.native import integer, lookup, text
from ingest.times import format_time, parse_time

if TYPE_CHECKING:
    from ingest.sources.cdse_odata import ODataDefinition

_EWKT = re.compile(r"(?:geography')?(?:SRID=\d+;)?(.*?)'?", re.DOTALL)
_SEPARATORS = re.compile(r"[&,+/\s]+")


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, none where there is no list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def attributes_of(native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a product by name; of several with one name, the first."""
    found: dict[str, Any] = {}
    for attribute in objects(native.get("Attributes")):
        name = lookup(attribute, "Name")
        if isinstance(name, str):
            found.setdefault(name, lookup(attribute, "Value"))
    return found


def timeliness_of(native: Mapping[str, Any], name: ProductName | None) -> str | None:
    """Return the timeliness category: of its attribute, else of its name."""
    return text(lookup(native, "attributes.timeliness")) or (name.timeliness if name else None)


def properties_of(
    native: Mapping[str, Any], name: ProductName | None, definition: "ODataDefinition"
) -> dict[str, Any]:
    """Return the properties of a product.

    Args:
        native: the product.
        name: what its name says.
        definition: the tables.
    """
    properties = map_fields(definition.properties, native)
    mission = str(properties.get("constellation") or (name and name.constellation) or "").lower()
    properties |= map_fields(definition.properties_of.get(mission, {}), native)
    for field, value in map_fields(definition.lists_of.get(mission, {}), native).items():
        values = [part for part in _SEPARATORS.split(value) if part]
        properties[field] = [part.lower() for part in values] if field == "sar:beam_ids" else values
    serial = text(lookup(native, "attributes.platformSerialIdentifier"))
    if mission and serial and re.fullmatch("[A-Z]", serial):
        properties["platform"] = mission + serial.lower()
    kind = properties.get("product:type")
    if kind and mission == "sentinel-1":
        properties["product:type"] = kind.removesuffix("-COG")
    tile = text(lookup(native, "attributes.tileId"))
    if tile and mission == "sentinel-2":
        properties["grid:code"] = f"MGRS-{tile}"
    properties |= _timeliness(native, name, definition, mission, kind)
    _in_utc(properties, "processing:datetime")
    statistics = map_fields(definition.statistics, native) if mission == "sentinel-3" else {}
    return {**properties, "statistics": statistics} if statistics else properties


def geometry_of(native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the footprint: `GeoFootprint`, else what the text `Footprint` says.

    Raises:
        RecordRefused: `no-geometry` or `bad-geometry`.
    """
    drawn = native.get("GeoFootprint")
    if isinstance(drawn, Mapping) and drawn:
        return dict(drawn)
    written = text(native.get("Footprint"))
    if written is None:
        raise RecordRefused("no-geometry", "the product has no footprint")
    match = _EWKT.fullmatch(written)
    try:
        shape = shapely.from_wkt(match.group(1) if match else written)
    except shapely.errors.GEOSException as error:
        raise RecordRefused("bad-geometry", f"Footprint is no well-known text: {written:.60}") from error
    return dict(mapping(shape))


def assets_of(native: Mapping[str, Any], download: str) -> dict[str, Any]:
    """Return the assets of a product: its whole, and its picture.

    Args:
        native: the product.
        download: address of a product, with `{id}` for its number.

    Raises:
        RecordRefused: `bad-id`; the product has no number.
    """
    number = text(native.get("Id"))
    if number is None:
        raise RecordRefused("bad-id", "the product has no Id")
    product: dict[str, Any] = {
        "href": download.format(id=number),
        "title": "Zipped product (needs an account)",
        "roles": ["data", "metadata", "archive"],
        "auth:refs": ["oidc"],
    }
    if not str(native.get("Name")).endswith(".nc"):
        product["type"] = "application/zip"
    size = integer(native.get("ContentLength"))
    if size and size > 0:
        product["file:size"] = size
    checksum = _md5(native.get("Checksum"))
    if checksum:
        product["file:checksum"] = checksum
    path = text(native.get("S3Path"))
    if path and path.startswith("/"):
        way = {"auth:refs": ["s3"], "storage:refs": ["cdse-s3", "creodias-s3"]}
        product["alternate:name"] = "HTTPS"
        product["alternate"] = {"s3": {"href": f"s3:/{path}", "alternate:name": "S3", **way}}
    assets = {"product": product}
    for asset in objects(native.get("Assets")):
        address = text(lookup(asset, "DownloadLink"))
        if lookup(asset, "Type") == "QUICKLOOK" and address and address.startswith("https://"):
            assets["thumbnail"] = {
                "href": address,
                "title": "Quicklook",
                "roles": ["thumbnail", "overview"],
            }
    return assets


def _timeliness(
    native: Mapping[str, Any],
    name: ProductName | None,
    definition: "ODataDefinition",
    mission: str,
    kind: str | None,
) -> dict[str, str]:
    """Return the category with how long it takes; STAC allows none without the other."""
    category = timeliness_of(native, name)
    known = {
        **definition.durations.get(mission, {}),
        **definition.durations_by_type.get(kind or "", {}),
    }
    if category not in known and name is not None:
        category = name.timeliness
    if category is None or category not in known:
        return {}
    return {"product:timeliness_category": category, "product:timeliness": known[category]}


def _md5(checksums: Any) -> str | None:
    """Return the MD5 sum as a multihash; BLAKE3, which is given too, has no length that fits all readers."""
    for checksum in objects(checksums):
        found = multihash("MD5", text(checksum.get("Value"))) if checksum.get("Algorithm") == "MD5" else None
        if found:
            return found
    return None


def _in_utc(properties: dict[str, Any], field: str) -> None:
    if field in properties:
        try:
            properties[field] = format_time(parse_time(properties[field], field))
        except RecordRefused:
            del properties[field]
