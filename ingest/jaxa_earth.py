"""How JAXA Earth names things: collections, dates, COG levels and tiles.

A tile lies at `<collection>/<date>/<level>/<longitudes>/<latitudes>.json`, such as
`.../2026-09/29/2/E130.00-E140.00/N30.00-N40.00.json`. Tiles of the polar grids are labelled in units of
32768 m of the projection.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.geometry import Geometry
from ingest.projections import polar_box

PLATE_CARREE = 4326
PROJECTIONS = (PLATE_CARREE, 3995, 3031)
_POLAR_UNIT = 32768
_LEVELS = {180.0: 0, 90.0: 1, 10.0: 2, 1.0: 3, 0.1: 4}
_POLAR_LEVELS = {512.0: 0, 64.0: 1, 8.0: 2}
_DEGREES = r"\d{1,3}(?:\.\d+)?"
_EAST = rf"[EW]{_DEGREES}"
_NORTH = rf"[NS]{_DEGREES}"
_DATE = r"\d{4}-\d\d/\d\d-\d\d|\d{4}-\d\d/\d\d|\d{4}-\d\d|\d{4}|\d\d-\d\d|\d{3}|\d\d"
_ADDRESS = re.compile(
    rf"/(?P<collection>[^/]+)/(?P<date>{_DATE})/(?P<level>\d)/"
    rf"(?P<west>{_EAST})-(?P<east>{_EAST})/(?P<south>{_NORTH})-(?P<north>{_NORTH})\.json$",
    re.ASCII,
)
_FILE = re.compile(
    rf"(?P<west>{_EAST})-(?P<south>{_NORTH})-(?P<east>{_EAST})-(?P<north>{_NORTH})-(?P<band>.+)\.tiff?$",
    re.ASCII,
)
_BAND_OF_LABELS = re.compile(rf"({_EAST})-({_EAST})|({_NORTH})-({_NORTH})", re.ASCII)
_BASE_PERIOD = re.compile(r"_(\d{4})_(\d{4})$", re.ASCII)
_VERSION = re.compile(r"\.v(\d+(?:\.\d+)*)(?=_|$)", re.ASCII)
_PROCESSING_LEVEL = re.compile(r"\.(L\d)-", re.ASCII)
_ORIGIN = "JAXA."
# Cadences as the ids end, longest first, with the days that a period has at least and at most.
_CADENCES = {
    "half-monthly": (12.5, 17.5),
    "monthly": (26.5, 32.5),
    "hourly": (0.0, 0.2),
    "daily": (0.2, 2.5),
    "8-day": (4.5, 9.9),
    "yearly": (300.0, 367.5),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of the grid: edges in degrees, or in units of 32768 m."""

    west: float
    south: float
    east: float
    north: float

    @property
    def label(self) -> str:
        """Return its lower left corner: `e130n30`."""
        return f"{'w' if self.west < 0 else 'e'}{abs(self.west):g}{'s' if self.south < 0 else 'n'}{abs(self.south):g}"

    @property
    def path(self) -> tuple[str, str]:
        """Return the labels of its column and row in addresses: `E130.00-E140.00`, `N30.00-N40.00`."""
        column = "-".join(f"{'W' if edge < 0 else 'E'}{abs(edge):06.2f}" for edge in (self.west, self.east))
        row = "-".join(f"{'S' if edge < 0 else 'N'}{abs(edge):05.2f}" for edge in (self.south, self.north))
        return column, row

    def level(self, epsg: int) -> int | None:
        """Return the COG level that has tiles of this size, None if none has."""
        levels = _LEVELS if epsg == PLATE_CARREE else _POLAR_LEVELS
        return levels.get(round(self.east - self.west, 4))

    def bounds(self, epsg: int) -> list[float]:
        """Return west, south, east, north in the units of the projection."""
        unit = 1 if epsg == PLATE_CARREE else _POLAR_UNIT
        return [self.west * unit, self.south * unit, self.east * unit, self.north * unit]

    def outline(self, epsg: int) -> Geometry:
        """Return the tile as a polygon in degrees, not yet cut at the antimeridian."""
        if epsg != PLATE_CARREE:
            return polar_box(epsg, *self.bounds(epsg))
        ring = [
            (self.west, self.south),
            (self.east, self.south),
            (self.east, self.north),
            (self.west, self.north),
            (self.west, self.south),
        ]
        return {"type": "Polygon", "coordinates": [ring]}


@dataclass(frozen=True, slots=True)
class Place:
    """What the address of a tile says."""

    collection: str
    date: str
    level: int
    tile: Tile


def read_address(url: Any) -> Place | None:
    """Read the address of a tile's document, None if it is none."""
    match = _ADDRESS.search(url) if isinstance(url, str) else None
    tile = _tile(match) if match else None
    if match is None or tile is None:
        return None
    return Place(match["collection"], match["date"], int(match["level"]), tile)


def read_file(href: Any) -> tuple[Tile, str] | None:
    """Read the name of a COG: its tile and its band; None if it is none."""
    match = _FILE.search(href.rsplit("/", 1)[-1]) if isinstance(href, str) else None
    tile = _tile(match) if match else None
    return (tile, match["band"]) if match and tile else None


def read_range(label: str) -> tuple[float, float] | None:
    """Read the label of a row or column of tiles (`E130.00-E140.00`), None if it is none."""
    match = _BAND_OF_LABELS.fullmatch(label)
    if match is None:
        return None
    low, high = (_coordinate(part) for part in match.groups() if part)
    return low, high


def collection_id(native: str) -> str:
    """Return our id: `jaxa-earth-` and the native id without `JAXA.`, in lower case, `-` for all else."""
    return "jaxa-earth-" + re.sub(r"[^a-z0-9]+", "-", native.removeprefix(_ORIGIN).lower()).strip("-")


def is_of_jaxa(native: str) -> bool:
    """Whether a collection is JAXA's own: others are re-hosted (`NASA.`, `Copernicus.`, `JMA_`)."""
    return native.startswith(_ORIGIN)


def cadence_of(native: str) -> str | None:
    """Return the cadence that an id ends in, without `-normal`; None if it has none."""
    name = native.removesuffix("-normal")
    return next((cadence for cadence in _CADENCES if name.endswith(f"_{cadence}")), None)


def is_climatology(native: str) -> bool:
    """Whether a collection holds means of many years, whose dates have no year."""
    return native.endswith("-normal")


def epsg_of(native: str) -> int:
    """Return the projection that an id stands for: only the sea ice has polar grids."""
    return 3995 if "_north_" in native else 3031 if "_south_" in native else PLATE_CARREE


def version_of(native: str) -> str | None:
    """Return the version in an id: `3` of `...daytime.v3_global_daily`."""
    match = _VERSION.search(native)
    return match[1] if match else None


def level_of(native: str) -> str | None:
    """Return the processing level in an id: `L3` of `..._standard.L3-SST...`."""
    match = _PROCESSING_LEVEL.search(native)
    return match[1] if match else None


def base_period(band: str) -> tuple[datetime, datetime] | None:
    """Return first and last instant of the years in the name of a climatology's band (`SMC_2012_2021`)."""
    match = _BASE_PERIOD.search(band)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    if not 1900 <= first <= last <= 2200:
        return None
    return datetime(first, 1, 1, tzinfo=UTC), datetime(last, 12, 31, 23, 59, 59, tzinfo=UTC)


def span(label: str, cadence: str | None) -> tuple[datetime, datetime] | None:
    """Return start and end `[start, end)` of what a date label stands for.

    Args:
        label: as in addresses, such as `2026-09/29`, also the beginning of one (`2026-09`).
        cadence: of the collection.

    Returns:
        None for the labels of climatologies (`DDD`, `MM-DD`, `MM`), and for what is no date.
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:/(\d\d)(?:-(\d\d))?)?)?", label, re.ASCII)
    if match is None:
        return None
    year, month, day, hour = (int(part) if part else None for part in match.groups())
    try:
        start = datetime(year or 0, month or 1, day or 1, hour or 0, tzinfo=UTC)
        next_year = start.replace(year=start.year + 1, month=1, day=1, hour=0)
    except ValueError:
        return None
    if hour is not None:
        return start, start + timedelta(hours=1)
    if day is not None:
        if cadence == "8-day":
            return start, min(start + timedelta(days=8), next_year)
        if cadence == "half-monthly":
            return start, start.replace(day=16) if start.day < 16 else _next_month(start)
        return start, start + timedelta(days=1)
    return start, _next_month(start) if month else next_year


def date_label(start: datetime, end: datetime, cadence: str | None) -> str:
    """Return the date under which a period is filed; periods overlap their neighbours by minutes."""
    middle = start + (end - start) / 2
    if cadence == "hourly":
        return f"{middle:%Y-%m/%d-%H}"
    if cadence == "yearly":
        return f"{middle:%Y}"
    if cadence == "8-day":
        return f"{start + timedelta(hours=12):%Y-%m/%d}"
    if cadence == "half-monthly":
        return f"{middle:%Y-%m}/{'01' if middle.day < 16 else '16'}"
    return f"{middle:%Y-%m/%d}" if cadence == "daily" else f"{middle:%Y-%m}"


def cadence_between(start: datetime, end: datetime) -> str | None:
    """Return the cadence whose periods are about as long, None if none is."""
    days = (end - start) / timedelta(days=1)
    return next((name for name, (least, most) in _CADENCES.items() if least <= days < most), None)


def compact(label: str) -> str:
    """Return a date label for an id: `20260929`; of a climatology, which has no year, `n0716`."""
    digits = re.sub(r"\D", "", label)
    return digits if re.match(r"\d{4}(?!\d)", label, re.ASCII) else f"n{digits}"


def _next_month(start: datetime) -> datetime:
    first = start.replace(day=1)
    return first + timedelta(days=monthrange(first.year, first.month)[1])


def _tile(match: re.Match[str]) -> Tile | None:
    west, south, east, north = (_coordinate(match[name]) for name in ("west", "south", "east", "north"))
    return Tile(west, south, east, north) if west < east and south < north else None


def _coordinate(label: str) -> float:
    value = float(label[1:])
    return -value if label[0] in "WS" else value
