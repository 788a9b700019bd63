"""Footprints that are made, not drawn: of boxes, and of collections whose records have no geometry."""

from collections.abc import Sequence
from math import ceil, isfinite
from reprlib import repr as shown
from typing import Any

from catalog.collection import CollectionDefinition
from catalog.errors import RecordRefused
from ingest.contract import BoundingBox

Geometry = dict[str, Any]

# An upstream that wraps -179.75 to 179.75 writes the globe as a box without width.
_POLE_TO_POLE = 170.0


def default_footprint(collection: CollectionDefinition) -> Geometry | None:
    """Return what a record of a collection covers that has no geometry; None where that is not known."""
    footprint = collection.footprint
    if footprint is None:
        return None
    if footprint == "global":
        return box(collection.extent.bbox)
    if len(footprint) == 4 and not any(isinstance(part, tuple) for part in footprint):
        return box(footprint)
    outline = [list(position) for position in footprint if isinstance(position, tuple)]
    return {"type": "Polygon", "coordinates": [[*outline, outline[0]]]}


def box(bounds: Sequence[Any]) -> Geometry:
    """Return a box as a polygon that `ingest.geometry.repair` reads as it is meant.

    A long edge along a parallel gets positions in between, so that the short way round is the one
    that is meant; the box of the whole globe needs none.

    Args:
        bounds: west, south, east, north; west > east crosses the antimeridian, and longitudes may go
            from 0 to 360.
    """
    west, south, east, north = bounds
    if west > east:
        east += 360
    if east - west >= 360:
        west, east = -180.0, 180.0
    whole = (west, east) == (-180, 180)
    steps = 1 if whole else max(1, ceil((east - west) / 120))
    longitudes = [west, *(west + (east - west) * step / steps for step in range(1, steps)), east]
    ring = [[x, south] for x in longitudes] + [[x, north] for x in reversed(longitudes)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def wrapped_boxes(bounds: Any) -> list[BoundingBox]:
    """Return the boxes of an extent within -180..180, as STAC lists them: the whole first, then its parts.

    One box, or three where the extent crosses the antimeridian: the overall one spans the globe, as
    west > east is misread by most readers.

    Args:
        bounds: west, south, east, north as an upstream wrote them, not yet trusted: longitudes from 0 to
            360, and the whole globe also as 360..0.

    Raises:
        RecordRefused: `bad-extent`; they are no box on Earth.
    """
    if not isinstance(bounds, list | tuple) or len(bounds) not in (4, 6):
        raise RecordRefused("bad-extent", f"the extent has no box: {shown(bounds)}")
    if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in bounds):
        raise RecordRefused("bad-extent", f"the extent is no box of numbers: {shown(bounds)}")
    half = len(bounds) // 2
    west, south, east, north = bounds[0], bounds[1], bounds[half], bounds[half + 1]
    if not (all(abs(x) <= 540 and isfinite(x) for x in (west, east)) and -90 <= south <= north <= 90):
        raise RecordRefused("bad-extent", f"the extent is no box on Earth: {shown(bounds)}")
    if abs(east - west) >= 360 or (east == west and north - south > _POLE_TO_POLE):
        return [(-180.0, float(south), 180.0, float(north))]
    west, east = _wrapped(west, -180.0), _wrapped(east, 180.0)
    if west <= east:
        return [(west, float(south), east, float(north))]
    return [
        (-180.0, float(south), 180.0, float(north)),
        (west, float(south), 180.0, float(north)),
        (-180.0, float(south), east, float(north)),
    ]


def _wrapped(longitude: float, edge: float) -> float:
    """Return a longitude within -180..180; the antimeridian itself is the edge that is asked for."""
    if -180 < longitude < 180:
        return float(longitude)
    return edge if longitude % 360 == 180 else (longitude + 180) % 360 - 180
