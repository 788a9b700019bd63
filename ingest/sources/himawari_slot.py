"""One slot of Himawari: from its files to an item, without I/O; and what the definition file says of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from catalog.errors import RecordRefused
from ingest.contract import Item
from ingest.definition import Definition
from ingest.geometry import Geometry
from ingest.himawari import SLOT, File, read_key
from ingest.native import entries
from ingest.projections import disk, geostationary_box
from ingest.times import format_time, parse_time

_EXTENSIONS = [
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "https://stac-extensions.github.io/product/v1.0.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
]
_EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"
_FILE_INFO = "https://stac-extensions.github.io/file/v2.1.0/schema.json"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Satellite(_Strict):
    """One satellite and the bucket of its files."""

    platform: str
    bucket: str


class Area(_Strict):
    """An area of level 1b: how its files are cut.

    Attributes:
        area: beginning of the area in a file's name.
        scans: observations of the area in a slot.
        segments: files of one band and scan.
        footprint: what its items cover.
    """

    area: str
    scans: int
    segments: int
    footprint: Literal["disk", "japan"]


class Product(_Strict):
    """A product of level 2: the marks of the files that a complete slot has."""

    files: tuple[str, ...]
    footprint: Literal["disk"]


class Band(_Strict):
    """A band: wavelength in micrometres, resolution in metres below the satellite."""

    wavelength: float
    resolution: int
    common_name: str | None = None


class Grid(_Strict):
    """A part of the scan: its size, and the column and line of the point below the satellite in it."""

    columns: int
    lines: int
    coff: float
    loff: float


class HimawariDefinition(Definition):
    """What `himawari.yaml` says beyond the common."""

    default_hours: float
    satellites: dict[str, Satellite]
    areas: dict[str, Area]
    products: dict[str, Product]
    housekeeping: tuple[str, ...]
    bands: dict[str, Band]
    longitude: float
    height: float
    pixel: int
    disk_size: int
    japan: Grid
    projjson: dict[str, Any]


class Slots:
    """Reads the files of a slot."""

    def __init__(self, definition: HimawariDefinition) -> None:
        """Use what the definition file says of satellites, areas and bands."""
        self.definition = definition

    def item(self, product: str, native: Mapping[str, Any]) -> Item:
        """Return the item of a slot, without its collection.

        Args:
            product: native id of its collection.
            native: `files`, each with `key` and where known `size` and `modified`.

        Raises:
            RecordRefused: `bad-structure`, `no-assets`, `unknown-product` or `bad-datetime`.
        """
        files = self._files(native)
        satellite = self.definition.satellites[files[0][0].satellite]
        slot = files[0][0].slot
        starts = [file.start for file, _ in files if file.start]
        ends = [file.end for file, _ in files if file.end]
        properties: dict[str, Any] = {
            "datetime": format_time(slot),
            "start_datetime": format_time(min(starts, default=slot)),
            "end_datetime": format_time(max(ends, default=slot + SLOT)),
            "platform": satellite.platform,
            "instruments": ["ahi"],
            "sat:orbit_state": "geostationary",
            "product:type": product,
            **self._created(files),
        }
        area = self.definition.areas.get(product)
        versions = sorted({file.version for file, _ in files if file.version})
        if area:
            properties |= {"processing:level": "L1B", "gsd": self._gsd(files), **self._projection()}
            kept = [_EO]
        else:
            properties |= {"processing:level": "L2", **self._projection()}
            kept = []
        if len(versions) == 1:
            properties["processing:version"] = versions[0]
        assets = self._assets(files, area, satellite.bucket)
        properties |= self._completeness(product, files, slot)
        if any("file:size" in asset for asset in assets.values()):
            kept.append(_FILE_INFO)
        return {
            "id": identifier(product, area, files[0][0]),
            "geometry": self._footprint(product),
            "properties": properties,
            "assets": assets,
            "links": [self._via(satellite.bucket, f"{product}/{slot:%Y/%m/%d/%H%M}/")],
            "stac_extensions": [*_EXTENSIONS, *kept],
        }

    def product_of(self, file: File) -> str | None:
        """Return the native id of the collection that a file belongs to, None if to none."""
        if file.area is not None:
            areas = self.definition.areas.items()
            return next((name for name, area in areas if file.area.startswith(area.area)), None)
        products = self.definition.products.items()
        return next((name for name, product in products if file.kind in product.files), None)

    def _files(self, native: Mapping[str, Any]) -> list[tuple[File, Mapping[str, Any]]]:
        files: dict[str, tuple[File, Mapping[str, Any]]] = {}
        for entry in entries(native, "files"):
            file = read_key(entry.get("key")) if isinstance(entry, Mapping) else None
            if file is None:
                raise RecordRefused("bad-structure", f"not a file of a slot: {entry!r:.100}")
            files[file.key] = (file, entry)
        if not files:
            raise RecordRefused("no-assets", "the slot has no files")
        first = next(iter(files.values()))[0]
        if first.satellite not in self.definition.satellites:
            raise RecordRefused("unknown-product", f"satellite {first.satellite} is not Himawari-8 or -9")
        return [files[key] for key in sorted(files)]

    def _gsd(self, files: list[tuple[File, Mapping[str, Any]]]) -> int:
        return min(file.resolution for file, _ in files if file.resolution)

    def _projection(self) -> dict[str, Any]:
        return {"proj:code": None, "proj:projjson": self.definition.projjson}

    def _footprint(self, product: str) -> Geometry:
        definition = self.definition
        area = definition.areas.get(product)
        if area and area.footprint == "japan":
            grid, pixel = definition.japan, definition.pixel
            return geostationary_box(
                definition.longitude,
                definition.height,
                west=(0.5 - grid.coff) * pixel,
                south=(grid.loff - grid.lines - 0.5) * pixel,
                east=(grid.columns + 0.5 - grid.coff) * pixel,
                north=(grid.loff - 0.5) * pixel,
            )
        return disk(definition.longitude, definition.height)

    def _created(self, files: list[tuple[File, Mapping[str, Any]]]) -> dict[str, str]:
        """Return when the last file of the slot was made, else when it was put into the bucket."""
        made = [file.created for file, _ in files if file.created]
        stored = [
            parse_time(entry["modified"], "LastModified") for _, entry in files if entry.get("modified")
        ]
        result = {}
        if made or stored:
            result["created"] = format_time(max(made or stored))
        if stored:
            result["updated"] = format_time(max(stored))
        return result

    def _completeness(
        self, product: str, files: list[tuple[File, Mapping[str, Any]]], slot: datetime
    ) -> dict[str, Any]:
        """Return how many of a slot's files are there. What is due while the satellite keeps house is not known."""
        area = self.definition.areas.get(product)
        result: dict[str, Any] = {"himawari:file_count": len(files)}
        # An object without a byte is one whose writing began: its file is not there yet.
        written = [file for file, entry in files if entry.get("size") != 0]
        if area:
            result["himawari:area"] = area.area
            expected = len(self.definition.bands) * area.scans * area.segments
            # A band that comes in a second resolution as well makes up for no other.
            there = sum(1 for file in written if file.resolution == self._resolution(file))
        else:
            expected = len(self.definition.products[product].files)
            there = len({file.kind for file in written})
        if f"{slot:%H%M}" in self.definition.housekeeping:
            return {**result, "himawari:housekeeping": True}
        return {**result, "himawari:expected_file_count": expected, "himawari:complete": there >= expected}

    def _resolution(self, file: File) -> int | None:
        band = self.definition.bands.get(file.band or "")
        return band.resolution if band else None

    def _assets(
        self, files: list[tuple[File, Mapping[str, Any]]], area: Area | None, bucket: str
    ) -> dict[str, Any]:
        assets = {}
        for file, entry in files:
            asset: dict[str, Any] = {
                "href": f"{bucket}/{quote(file.key)}",
                "type": file.media_type,
                "roles": ["data"],
            }
            if area and file.band:
                asset |= self._band(file, area)
            size = entry.get("size")
            if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
                asset["file:size"] = size
            nominal = file.resolution == self._resolution(file)
            assets[file.asset_key(several_scans=bool(area and area.scans > 1), nominal=nominal)] = asset
        return assets

    def _band(self, file: File, area: Area) -> dict[str, Any]:
        known = self.definition.bands.get(file.band or "")
        band: dict[str, Any] = {"name": file.band}
        if known:
            band["eo:center_wavelength"] = known.wavelength
            if known.common_name:
                band["eo:common_name"] = known.common_name
        fields: dict[str, Any] = {"gsd": file.resolution, "bands": [band]}
        if area.footprint == "disk" and area.scans == 1 and file.resolution and file.segments:
            columns = self.definition.disk_size * self.definition.pixel // file.resolution
            fields["proj:shape"] = [columns // file.segments, columns]
        return fields

    def _via(self, bucket: str, prefix: str) -> dict[str, Any]:
        return {
            "rel": "via",
            "href": f"{bucket}/?list-type=2&prefix={quote(prefix)}",
            "type": "application/xml",
            "title": self.definition.title,
        }


def identifier(product: str, area: Area | None, file: File) -> str:
    """Return a name in the style of the files: `HS_H09_20260622_1100_FLDK`."""
    if area:
        return f"HS_{file.satellite}_{file.slot:%Y%m%d_%H%M}_{area.area}"
    return f"{product}_{file.satellite}_{file.slot:%Y%m%d_%H%M}"
