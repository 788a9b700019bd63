"""Names of Himawari's files: Himawari Standard Data of level 1b, and NOAA's NetCDF of level 2.

Grammar of the first: P-Tree's README of the Himawari Standard Data. Of the second: NOAA enterprise products
(`AHI-CMSK_v1r1_h09_s…_e…_c….nc`), whose times have tenths of seconds.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SLOT = timedelta(minutes=10)

_HSD = re.compile(
    r"HS_(H\d\d)_(\d{8})_(\d{4})_(B\d\d)_(FLDK|JP\d\d|R\d{3})_R(05|10|20|40)_S(\d\d)(\d\d)\.DAT(\.bz2)?",
    re.ASCII,
)
_NETCDF = re.compile(r"AHI-([A-Z]{4})_(v\d+r\d+)_(h\d\d)_s(\d{15})_e(\d{15})_c(\d{15})\.nc", re.ASCII)


@dataclass(frozen=True, slots=True)
class File:
    """What a key says.

    Attributes:
        key: the whole key.
        satellite: `H08` or `H09`.
        slot: start of the 10-minute slot, in UTC.
        media_type: of the file.
        area: level 1b: `FLDK`, `JP01` to `JP04`, `R301` ...
        band: level 1b: `B01` to `B16`.
        resolution: level 1b: metres below the satellite.
        segment: level 1b: number of the segment, from 1.
        segments: level 1b: how many segments the band has.
        kind: level 2: mark of the product, such as `CMSK`.
        version: level 2: of the product.
        start: level 2: when the observation began.
        end: level 2: when it ended.
        created: level 2: when the file was made.
    """

    key: str
    satellite: str
    slot: datetime
    media_type: str
    area: str | None = None
    band: str | None = None
    resolution: int | None = None
    segment: int | None = None
    segments: int | None = None
    kind: str | None = None
    version: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    created: datetime | None = None

    def asset_key(self, *, several_scans: bool, nominal: bool) -> str:
        """Return `b13-s05` of the full disk, `jp01-b13` of an area that is scanned several times.

        Args:
            several_scans: whether the area is scanned more than once in a slot.
            nominal: whether the band has its own resolution; else that is named: `b07-r10-s01`.
        """
        if self.band is None or self.area is None:
            return (self.kind or "data").lower()
        name = self.band.lower() if nominal else f"{self.band.lower()}-r{(self.resolution or 0) // 100:02d}"
        if several_scans:
            name = f"{self.area.lower()}-{name}"
        return name if self.segments == 1 else f"{name}-s{self.segment or 0:02d}"


def read_key(key: Any) -> File | None:
    """Read the name of a file, None where it is none of these."""
    if not isinstance(key, str):
        return None
    name = key.rsplit("/", 1)[-1]
    try:
        return _level_1(key, name) or _level_2(key, name)
    except ValueError:  # a date that does not exist
        return None


def _level_1(key: str, name: str) -> File | None:
    match = _HSD.fullmatch(name)
    if match is None:
        return None
    satellite, date, clock, band, area, resolution, segment, segments, packed = match.groups()
    if not 1 <= int(segment) <= int(segments):
        return None
    return File(
        key=key,
        satellite=satellite,
        slot=datetime.strptime(f"{date}{clock}", "%Y%m%d%H%M").replace(tzinfo=UTC),
        media_type="application/x-bzip2" if packed else "application/octet-stream",
        area=area,
        band=band,
        resolution=int(resolution) * 100,
        segment=int(segment),
        segments=int(segments),
    )


def _level_2(key: str, name: str) -> File | None:
    match = _NETCDF.fullmatch(name)
    if match is None:
        return None
    kind, version, satellite, start, end, created = match.groups()
    began = _moment(start)
    return File(
        key=key,
        satellite=satellite.upper(),
        slot=began.replace(minute=began.minute // 10 * 10, second=0, microsecond=0),
        media_type="application/netcdf",
        kind=kind,
        version=version,
        start=began,
        end=_moment(end),
        created=_moment(created),
    )


def _moment(digits: str) -> datetime:
    """Read YYYYMMDDhhmmss and a tenth of a second."""
    moment = datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return moment + timedelta(milliseconds=100 * int(digits[14]))
