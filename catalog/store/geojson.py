"""Geometries as clients give them: checked, and bounding boxes turned into them.

Axis order is longitude, latitude in degrees (CRS84, RFC 7946 section 4) everywhere.
"""

import math
from collections.abc import Sequence
from typing import Any

Geometry = dict[str, Any]
Box = tuple[float, float, float, float]
"""West, south, east, north."""


class Malformed(ValueError):
    """Something a client wrote is not what it should be; the text says why."""


_LIMIT_POSITIONS = 100_000
_MAX_COLLECTIONS = 20
# How many lists deep the positions of a type lie.
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def bbox_boxes(bbox: Sequence[Any]) -> list[Box]:
    """Return what a bounding box covers as boxes of west, south, east, north, none of which crosses ±180.

    Args:
        bbox: west, south, east, north; or with heights in metres: west, south, lowest, east,
            north, highest. Heights select nothing, since footprints have none. A west greater
            than east crosses the antimeridian (RFC 7946 section 5.2) and becomes two boxes.
            Longitudes beyond ±180, as web maps send them when panned around the globe, are
            wrapped.

    Raises:
        Malformed: says what is wrong.
    """
    if len(bbox) not in (4, 6):
        raise Malformed(f"has {len(bbox)} numbers instead of 4 or 6")
    numbers = [_number(value) for value in bbox]
    if len(numbers) == 6:
        if numbers[2] > numbers[5]:
            raise Malformed("the lowest height is above the highest")
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    west, south, east, north = numbers
    if south > north:
        raise Malformed("south is greater than north")
    if south < -90 or north > 90:
        raise Malformed("latitudes lie between -90 and 90")
    if max(abs(west), abs(east)) > 540:
        raise Malformed("longitudes lie between -180 and 180")
    return [(w, south, e, north) for w, e in _spans(west, east)]


def bbox_geometry(bbox: Sequence[Any]) -> Geometry:
    """Return what a bounding box covers, as a GeoJSON geometry.

    Args:
        bbox: see `bbox_boxes`.

    Returns:
        A Polygon, a MultiPolygon, or for a box without area a LineString or a Point.

    Raises:
        Malformed: says what is wrong.
    """
    boxes = [_rectangle(*box) for box in bbox_boxes(bbox)]
    if len(boxes) == 1:
        return boxes[0]
    kind = boxes[0]["type"]
    if any(box["type"] != kind for box in boxes):
        return {"type": "GeometryCollection", "geometries": boxes}
    return {"type": f"Multi{kind}", "coordinates": [box["coordinates"] for box in boxes]}


def check_geometry(value: Any) -> Geometry:
    """Return a GeoJSON geometry of any type if it is one.

    A GeometryCollection within another (RFC 7946, section 3.1.8, would rather see none) is the same as its members.

    Raises:
        Malformed: says what is wrong and where.
    """
    parts: list[Geometry] = []
    _check(value, [_LIMIT_POSITIONS], parts, depth=0)
    return parts[0] if value["type"] in _DEPTH else {**value, "geometries": parts}


def _check(value: Any, budget: list[int], parts: list[Geometry], *, depth: int) -> None:
    """Add what a geometry consists of to a list, if it is one."""
    if not isinstance(value, dict):
        raise Malformed("is not a GeoJSON geometry object")
    kind = value.get("type")
    if kind == "GeometryCollection":
        if depth > _MAX_COLLECTIONS:
            raise Malformed(f"has more than {_MAX_COLLECTIONS} GeometryCollections within one another")
        members = value.get("geometries")
        if not isinstance(members, list) or not members:
            raise Malformed("a GeometryCollection needs a list `geometries` that is not empty")
        for member in members:
            _check(member, budget, parts, depth=depth + 1)
        return
    if kind is None:
        raise Malformed("is not a GeoJSON geometry: it has no `type`")
    if not isinstance(kind, str) or kind not in _DEPTH:
        raise Malformed(f"{str(kind)[:40]!r} is not a type of GeoJSON geometry that can be searched with")
    _check_coordinates(value.get("coordinates"), kind, _DEPTH[kind], budget)
    parts.append(value)


def _check_coordinates(value: Any, kind: str, depth: int, budget: list[int]) -> None:
    if depth == 0:
        _check_position(value, budget)
        return
    if not isinstance(value, list) or not value:
        raise Malformed(f"the coordinates of a {kind} are not nested as RFC 7946 asks, or are empty")
    for part in value:
        _check_coordinates(part, kind, depth - 1, budget)
    if depth == 1 and kind in ("Polygon", "MultiPolygon"):
        if len(value) < 4:
            raise Malformed("a ring has at least four positions")
        if value[0] != value[-1]:
            raise Malformed("a ring is not closed: its last position differs from its first")
    if depth == 1 and kind in ("LineString", "MultiLineString") and len(value) < 2:
        raise Malformed("a line has at least two positions")


def _check_position(value: Any, budget: list[int]) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise Malformed(f"has more than {_LIMIT_POSITIONS} positions")
    if not isinstance(value, list) or not 2 <= len(value) <= 4:
        raise Malformed("a position is a list of longitude and latitude")
    longitude, latitude, *_ = (_number(part) for part in value)
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise Malformed(f"position {longitude:g}, {latitude:g} is not longitude, latitude in degrees")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"{str(value)[:40]!r} is not a number")
    number = float(value) if abs(value) < 1e300 else math.inf
    if not math.isfinite(number):
        raise Malformed(f"{str(value)[:40]!r} is not a finite number")
    return number


def _spans(west: float, east: float) -> list[tuple[float, float]]:
    """Return the spans of longitude within ±180 that go from west eastwards to east."""
    if abs(west) > 180 or abs(east) > 180:
        if east - west >= 360:
            return [(-180.0, 180.0)]
        if east == west:
            west = east = _wrap(west)
        else:
            # 180 as an eastern end must not become -180, nor the reverse.
            west = _wrap(west)
            east = -_wrap(-east)
    if west <= east:
        return [(west, east)]
    return [(west, 180.0), (-180.0, east)]


def _wrap(longitude: float) -> float:
    return longitude if -180 <= longitude < 180 else (longitude + 180) % 360 - 180


def _rectangle(west: float, south: float, east: float, north: float) -> Geometry:
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
