"""The reading of one product name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProductName:
    """What a product name says; what it does not say is None or empty.

    Attributes:
        name: the name without the suffix of its package or file (`.SAFE`, `.nc`, ...).
        family: id of the grammar that it follows.
        parts: the pieces that the grammar cuts it into, as they are written.
        platform: canonical, as are constellation and instruments: `sentinel-1a`.
        mode: of the instrument, as the mission writes it: `IW`, `WBD`.
        level: `L1`, `L2A`.
        product_type: as the mission writes it: `S2MSI2A`.
        timeliness: category of the mission: `NRT`, `NT`, `OFFL`.
        start: UTC; a name that has a date alone gives its first instant.
        end: UTC.
        created: when the product was made, UTC.
        absolute_orbit: orbits since launch.
        relative_orbit: place in the repeat cycle.
        grid: cell of a grid, as `grid:code`: `MGRS-54SUE`, `SGLI-T0528`.
        version: of the product or its processor, as `processing:version` has it elsewhere.
        baseline: of the processing, where the mission counts that apart from the processor's version.
        is_auxiliary: an orbit or calibration file, which shows no part of the Earth.
        version_key: the same for all versions of one product.
        version_order: a later version has a greater one; empty where names do not tell which is later.
    """

    name: str
    family: str
    parts: Mapping[str, str]
    version_key: str
    version_order: tuple[str, ...] = ()
    platform: str | None = None
    constellation: str | None = None
    instruments: tuple[str, ...] = ()
    mode: str | None = None
    polarizations: tuple[str, ...] = ()
    level: str | None = None
    product_type: str | None = None
    timeliness: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    created: datetime | None = None
    absolute_orbit: int | None = None
    relative_orbit: int | None = None
    cycle: int | None = None
    pass_number: int | None = None
    frame: int | None = None
    orbit_state: str | None = None
    grid: str | None = None
    tile: str | None = None
    version: str | None = None
    baseline: str | None = None
    is_auxiliary: bool = field(default=False)
