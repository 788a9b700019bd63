"""Footprints: whatever an upstream draws becomes valid RFC 7946, or is refused.

RFC 7946 asks for longitude before latitude, rings that are closed and counter-clockwise outside
(section 3.1.6), and a cut at the antimeridian (section 3.1.9). All coordinates here are degrees of
WGS 84, longitude first.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from catalog.errors import RecordRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

Position = tuple[float, float]
Geometry = dict[str, Any]

# Upstreams round: a latitude may overshoot the pole by this much and still mean the pole.
_POLE_SLACK = 1e-3
# A repair may change the area by this share; more, and what was meant is a guess.
_AREA_SLACK = 0.01
_MAX_POSITIONS = 100_000


def repair(geometry: Any) -> Geometry:
    """Return a valid RFC 7946 geometry that covers what the upstream's covers.

    Heights are dropped, rings closed and turned counter-clockwise, longitudes brought into
    -180..180, and what crosses the antimeridian or holds a pole is cut there. A valid geometry
    keeps its numbers.

    Args:
        geometry: a GeoJSON geometry as the upstream gave it, not yet trusted.

    Raises:
        RecordRefused: `no-geometry`, `bad-geometry` (no meaning can be made of it) or
            `ambiguous-geometry` (more than one meaning can).
    """
    if geometry is None or geometry == {}:
        raise RecordRefused("no-geometry", "the record has no geometry")
    if not isinstance(geometry, Mapping) or not isinstance(geometry.get("type"), str):
        raise RecordRefused("bad-geometry", f"geometry is not a GeoJSON object: {shown(geometry)}")
    try:
        return _repaired(geometry["type"], geometry.get("coordinates"))
    except shapely.errors.ShapelyError as error:
        raise RecordRefused("ambiguous-geometry", f"the footprint cannot be worked with: {error}") from error


def bounding_box(geometry: Geometry) -> list[float]:
    """Return west, south, east, north of a repaired geometry (RFC 7946 section 5).

    A geometry that was cut at the antimeridian gets -180..180, not west > east: PostGIS, pgstac and
    most clients take a bbox at its word.
    """
    if geometry["type"] == "Polygon":
        longitudes, latitudes = zip(*geometry["coordinates"][0], strict=True)
        sides = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
        return [float(side) for side in sides]
    return [float(value) for value in shape(geometry).bounds]


def intersects_box(geometry: Geometry, bbox: tuple[float, float, float, float]) -> bool:
    """Whether a repaired geometry meets a box (west, south, east, north; west > east crosses 180°)."""
    west, south, east, north = bbox
    boxes = (
        [shapely.box(west, south, east, north)]
        if west <= east
        else [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
    )
    footprint = shape(geometry)
    return any(footprint.intersects(box) for box in boxes)


def ring_from_text(text: str) -> Geometry:
    """Read `lon lat lon lat ...` (G-Portal's `multiExtentOf`) as a polygon, not yet repaired.

    Raises:
        RecordRefused: `bad-geometry`; it is no list of pairs of numbers.
    """
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError as error:
        raise RecordRefused("bad-geometry", f"a list of coordinates holds no number: {error}") from error
    if len(numbers) < 6 or len(numbers) % 2:
        raise RecordRefused("bad-geometry", f"{len(numbers)} numbers make no ring")
    return {"type": "Polygon", "coordinates": [list(zip(numbers[::2], numbers[1::2], strict=True))]}


def _repaired(kind: str, coordinates: Any) -> Geometry:
    if kind == "Polygon":
        return _as_drawn(coordinates) or _merged([_polygon(coordinates)])
    if kind == "MultiPolygon":
        return _merged([_polygon(rings) for rings in _sequence(coordinates)])
    if kind == "LineString":
        return _cut_lines([coordinates])
    if kind == "MultiLineString":
        return _cut_lines(_sequence(coordinates))
    if kind == "Point":
        return _result(shapely.Point(_wrap(_position(coordinates))))
    if kind == "MultiPoint":
        return _result(shapely.MultiPoint([_wrap(_position(point)) for point in _sequence(coordinates)]))
    raise RecordRefused("bad-geometry", f"geometry type {kind!r:.40} is no footprint")


# -- polygons -------------------------------------------------------------------------------------


def _as_drawn(coordinates: Any) -> Geometry | None:
    """Return a polygon that needs no mending as it is, None for any other: nearly all are plain, and soon told."""
    if type(coordinates) not in (list, tuple) or len(coordinates) != 1:
        return None
    try:
        ring = tuple([(float(position[0]), float(position[1])) for position in coordinates[0]])
        are_numbers = {type(number) for position in coordinates[0] for number in position[:2]} <= {int, float}
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return None
    if not are_numbers or not 4 <= len(ring) <= _MAX_POSITIONS or ring[0] != ring[-1]:
        return None
    longitudes, latitudes = zip(*ring, strict=True)
    west, east = min(longitudes), max(longitudes)
    is_in_place = west >= -180 and east <= 180 and east - west < 180 and min(latitudes) >= -90
    if not (is_in_place and max(latitudes) <= 90 and math.isfinite(sum(longitudes) + sum(latitudes))):
        return None
    x, y = ring[0]
    turning = sum((a[0] - x) * (b[1] - y) - (b[0] - x) * (a[1] - y) for a, b in pairwise(ring))
    if turning <= 0 or any(a == b for a, b in pairwise(ring)) or not shapely.Polygon(ring).is_valid:
        return None
    return {"type": "Polygon", "coordinates": (ring,)}


def _merged(footprints: list[BaseGeometry]) -> Geometry:
    """Return polygons as one geometry."""
    polygons = [polygon for footprint in footprints for polygon in shapely.get_parts(footprint)]
    if not polygons:
        raise RecordRefused("bad-geometry", "a footprint without a polygon")
    merged = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if not merged.is_valid:
        # Parts that touch along a line or overlap are one footprint.
        merged = shapely.union_all(polygons)
    merged = shapely.orient_polygons(shapely.remove_repeated_points(merged))
    for ring in shapely.get_rings(shapely.get_parts(merged)):
        if not _already_cut(ring.coords):
            raise RecordRefused(
                "ambiguous-geometry", "a side of the footprint spans more than half the globe"
            )
    return _result(merged)


def _polygon(rings: Any) -> BaseGeometry:
    """Return one polygon, valid, and cut at the antimeridian where it must be."""
    outlines = [_ring(ring) for ring in _sequence(rings)]
    if not outlines:
        raise RecordRefused("bad-geometry", "a polygon without a ring")
    if all(-180 <= x <= 180 for outline in outlines for x, _ in outline):
        return _valid(shapely.Polygon(outlines[0], outlines[1:]))
    exterior, *holes = (shapely.union_all(_cut(_valid(shapely.Polygon(outline)))) for outline in outlines)
    return _valid(shapely.difference(exterior, shapely.union_all(holes)) if holes else exterior)


def _ring(coordinates: Any) -> list[Position]:
    """Return a closed ring without jumps; one around the globe is closed over the pole that it holds.

    Raises:
        RecordRefused: `bad-geometry`; it is no ring. `ambiguous-geometry`; it goes around the globe
            more than once.
    """
    positions = [_position(coordinate) for coordinate in _sequence(coordinates)]
    if positions and positions[0] != positions[-1]:
        positions.append(positions[0])
    unrolled = _unroll(positions)
    if len(unrolled) < 4:
        raise RecordRefused("bad-geometry", "a ring needs three different positions")
    turns = round((unrolled[-1][0] - unrolled[0][0]) / 360)
    if abs(turns) > 1:
        raise RecordRefused("ambiguous-geometry", "the footprint goes around the globe more than once")
    if turns:
        # The pole that is meant is the nearer one.
        pole = 90 if sum(latitude for _, latitude in unrolled) > 0 else -90
        unrolled += [(unrolled[-1][0], pole), (unrolled[0][0], pole), unrolled[0]]
    return unrolled


def _cut(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Cut a geometry without jumps at ±180, and bring all its parts between them."""
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:
        return [geometry]
    first = math.floor((west + 180) / 360)
    last = max(first, math.ceil((east - 180) / 360))
    parts: list[BaseGeometry] = []
    for turn in range(first, last + 1):
        strip = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
        inside = shapely.transform(shapely.intersection(geometry, strip), partial(_turned_back, turn))
        # What touches the edge of a strip leaves a point or a line there; what is too short to be cut, nothing.
        parts += [
            part
            for part in shapely.get_parts(inside)
            if part.geom_type == geometry.geom_type and not part.is_empty
        ]
    return parts


def _turned_back(turn: int, positions: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Take whole turns off longitudes, and what floating point added to them with it."""
    positions[:, 0] = np.clip(np.round(positions[:, 0] - 360 * turn, 12), -180, 180)
    return positions


def _unroll(ring: list[Position]) -> list[Position]:
    """Follow a ring without jumps: each step goes the short way round, so longitudes may leave ±180.

    A step of exactly half the globe has no short way and is kept as drawn; so is a ring that is
    already cut. Repeats of a position are left out.
    """
    result: list[Position] = []
    turns = 0  # whole ones, so that most numbers stay as they were drawn
    keeps_jumps = _already_cut(ring)
    for longitude, latitude in ring:
        if result and not keeps_jumps:
            before = result[-1][0]
            nearest = round((before - longitude) / 360)
            if abs(longitude + 360 * nearest - before) != 180:
                turns = nearest
        position = longitude + 360 * turns, latitude
        if not result or result[-1] != position:
            result.append(position)
    return result


def _already_cut(ring: Sequence[Position]) -> bool:
    """Whether a ring is drawn on a map from -180 to 180, or from 0 to 360, and ends at its edges.

    Such a ring may go along an edge or a pole, or across the whole map, in one step.
    """
    longitudes = [longitude for longitude, _ in ring]
    west, east = min(longitudes, default=0), max(longitudes, default=0)
    if not (west >= -180 and east <= 180) and not (west >= 0 and east <= 360):
        return False
    wide = [(a, b) for a, b in pairwise(ring) if abs(a[0] - b[0]) > 180]
    along_pole = [(a, b) for a, b in wide if a[1] == b[1] and abs(a[1]) == 90]
    if not along_pole and len(wide) == 1 and wide[0][0][1] == wide[0][1][1]:
        return False  # that one step joins a ring around the globe, which is not cut
    return all(step in along_pole or abs(step[0][0] - step[1][0]) == 360 for step in wide)


def _valid(geometry: BaseGeometry) -> BaseGeometry:
    """Return a valid polygonal geometry of the same area."""
    if not geometry.is_valid:
        area = geometry.area
        fixed = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        polygons = [
            part for part in shapely.get_parts(fixed) if part.geom_type == "Polygon" and part.area > 0
        ]
        if not polygons:
            raise RecordRefused("bad-geometry", "the footprint has no area")
        if area == 0 or abs(fixed.area - area) > _AREA_SLACK * area:
            raise RecordRefused(
                "ambiguous-geometry", f"the footprint crosses itself: {shapely.is_valid_reason(geometry)}"
            )
        geometry = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if geometry.area == 0:
        raise RecordRefused("bad-geometry", "the footprint has no area")
    return geometry


# -- lines and points -----------------------------------------------------------------------------


def _cut_lines(lines: list[Any]) -> Geometry:
    cut = [part for line in lines for part in _cut(shapely.LineString(_line(line)))]
    parts = [part for part in cut if isinstance(part, shapely.LineString)]
    if not parts:
        raise RecordRefused("bad-geometry", "a footprint without a line")
    return _result(parts[0] if len(parts) == 1 else shapely.MultiLineString(parts))


def _line(coordinates: Any) -> list[Position]:
    line = _unroll([_position(coordinate) for coordinate in _sequence(coordinates)])
    if len(line) < 2:
        raise RecordRefused("bad-geometry", "a line needs two different positions")
    return line


def _position(value: Any) -> Position:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise RecordRefused("bad-geometry", f"not a position: {shown(value)}")
    longitude, latitude = value[0], value[1]
    if not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in (longitude, latitude)
    ):
        raise RecordRefused("bad-geometry", f"not a position: {shown(value)}")
    # Said so that NaN, infinity and integers beyond any float are outside too.
    if not (abs(latitude) <= 90 + _POLE_SLACK and abs(longitude) <= 540):
        raise RecordRefused("bad-geometry", f"position {shown(value)} is not on Earth")
    return longitude, max(-90, min(90, latitude))


def _wrap(position: Position) -> Position:
    longitude, latitude = position
    if -180 <= longitude <= 180:
        return position
    return (longitude + 180) % 360 - 180, latitude


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise RecordRefused("bad-geometry", f"coordinates are not a list: {shown(value)}")
    if len(value) > _MAX_POSITIONS:
        raise RecordRefused("bad-geometry", f"{len(value)} coordinates are too many for a footprint")
    return list(value)


def _result(geometry: BaseGeometry) -> Geometry:
    mapped: Geometry = mapping(geometry)
    return {"type": mapped["type"], "coordinates": mapped["coordinates"]}
