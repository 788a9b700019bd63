"""From map projections to footprints in degrees of WGS 84, longitude first, for sources that cut in metres.

Longitudes run on beyond ±180 where a footprint crosses the antimeridian; `geometry.repair` cuts it there.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache

from pyproj import Transformer

from ingest.geometry import Geometry, Position

# WGS 84, as the Himawari Standard Format has it (HSD User's Guide, block 3).
_EQUATORIAL_RADIUS = 6378137.0
_POLAR_RADIUS = 6356752.3
_DIGITS = 4
_POLE = 89.9999


@cache
def disk(longitude: float, height: float, positions: int = 180) -> Geometry:
    """Return what a geostationary satellite sees of the Earth, to the horizon.

    The horizon of an ellipsoid seen from a point is a plane ellipse: of all points whose tangent plane
    goes through the satellite, x = a² / distance.

    Args:
        longitude: of the point below the satellite.
        height: of the satellite above the equator, in metres.
        positions: how finely the horizon is drawn.
    """
    distance = _EQUATORIAL_RADIUS + height
    x = _EQUATORIAL_RADIUS**2 / distance
    reach = math.sqrt(1 - (_EQUATORIAL_RADIUS / distance) ** 2)
    ring = []
    for step in range(positions):
        angle = 2 * math.pi * step / positions
        y = _EQUATORIAL_RADIUS * reach * math.cos(angle)
        z = _POLAR_RADIUS * reach * math.sin(angle)
        # Geodetic latitude: of the normal of the ellipsoid there.
        normal = z * (_EQUATORIAL_RADIUS / _POLAR_RADIUS) ** 2
        latitude = math.degrees(math.atan2(normal, math.hypot(x, y)))
        east = longitude + math.degrees(math.atan2(y, x))
        ring.append((round(east, _DIGITS), round(latitude, _DIGITS)))
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


@cache
def geostationary_box(
    longitude: float, height: float, west: float, south: float, east: float, north: float
) -> Geometry:
    """Return the outline of a rectangle in the scan of a geostationary satellite.

    Args:
        longitude: of the point below the satellite.
        height: of the satellite above the equator, in metres.
        west: edge of the rectangle in metres of the projection (angle in radians times height), and so
            on; it must lie on the Earth.
        south: edge.
        east: edge.
        north: edge.
    """
    projection = (
        f"+proj=geos +h={height} +lon_0={longitude} +a={_EQUATORIAL_RADIUS} +b={_POLAR_RADIUS} +sweep=y"
    )
    ring = _transformed(projection, _edges(west, south, east, north))
    return {"type": "Polygon", "coordinates": [ring]}


@cache
def polar_box(code: int, west: float, south: float, east: float, north: float) -> Geometry:
    """Return the outline of a rectangle in a polar projection, which may hold the pole.

    Args:
        code: EPSG code of the projection, such as 3995 (Arctic) or 3031 (Antarctic).
        west: edge of the rectangle in metres, and so on.
        south: edge.
        east: edge.
        north: edge.
    """
    ring = _transformed(f"EPSG:{code}", _edges(west, south, east, north))
    return {"type": "Polygon", "coordinates": [list(_at_the_pole(ring))]}


def _edges(west: float, south: float, east: float, north: float, steps: int = 16) -> Iterator[Position]:
    """Go around a rectangle, counter-clockwise, in steps; the last position is the first."""
    corners = [(west, south), (east, south), (east, north), (west, north)]
    for (x, y), (next_x, next_y) in zip(corners, [*corners[1:], corners[0]], strict=True):
        for step in range(steps):
            yield x + (next_x - x) * step / steps, y + (next_y - y) * step / steps
    yield corners[0]


def _at_the_pole(ring: Sequence[Position]) -> Iterator[Position]:
    """Give a closed ring whose corner at a pole, which has every longitude, has those of its neighbours."""
    last = len(ring) - 1
    for index, (longitude, latitude) in enumerate(ring):
        if abs(latitude) < _POLE:
            yield longitude, latitude
        else:
            yield ring[index - 1 if index else last - 1][0], latitude
            yield ring[index + 1 if index < last else 1][0], latitude


@cache
def _to_degrees(projection: str) -> Transformer:
    return Transformer.from_crs(projection, "EPSG:4326", always_xy=True)


def _transformed(projection: str, positions: Iterator[Position]) -> Sequence[Position]:
    transform = _to_degrees(projection).transform
    ring = []
    for x, y in positions:
        longitude, latitude = transform(x, y)
        ring.append((round(longitude, _DIGITS), round(latitude, _DIGITS)))
    return ring
