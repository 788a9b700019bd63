"""GeoJSON geometries as EWKB, the form in which PostGIS takes them, made without a detour.

Coordinates go over bit by bit: no text, no geometry library in between, so a coordinate that comes
back is the one that went in. What PostGIS would refuse is refused here, with a reason that names it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

Box = tuple[float, float, float, float]

# Numbers of the types in (E)WKB: OGC 06-103r4, 8.2.3; PostGIS, "EWKB".
_POINT, _LINE, _POLYGON, _MULTI_POINT, _MULTI_LINE, _MULTI_POLYGON, _COLLECTION = range(1, 8)
_HAS_Z, _HAS_SRID = 0x80000000, 0x20000000
_HEAD = struct.Struct("<BI")
_COUNT = struct.Struct("<I")
_WGS84 = struct.pack("<I", 4326)
_MAX_DEPTH = 16
_NUMBERS = {int, float}
# RFC 7946 has 180; other tools write footprints across the antimeridian as going on to 190, and 0 to 360.
_MOST_LONGITUDE = 360


class BadGeometry(ValueError):
    """The geometry is none; the text says why."""


def encode(geometry: Mapping[str, Any]) -> tuple[bytes, Box]:
    """Return a GeoJSON geometry as EWKB in WGS 84, and its bounding box.

    Args:
        geometry: degrees, longitude first; a third number is a height, further ones are dropped.

    Returns:
        The bytes, and west, south, east, north in degrees (the least and greatest coordinates: a
        geometry that is cut at the antimeridian spans all longitudes).

    Raises:
        BadGeometry: it is no geometry.
    """
    encoder = _Encoder()
    body = encoder.geometry(geometry, 0)
    # The number of the type is in bytes 1 to 4; the identifier of the reference system follows it.
    kind = int.from_bytes(body[1:5], "little") | _HAS_SRID
    return b"\x01" + _COUNT.pack(kind) + _WGS84 + body[5:], encoder.box()


class _Encoder:
    """Encodes one geometry and keeps the range of its coordinates."""

    def __init__(self) -> None:
        self._west = self._south = math.inf
        self._east = self._north = -math.inf

    def box(self) -> Box:
        return self._west, self._south, self._east, self._north

    def geometry(self, geometry: Any, depth: int) -> bytes:
        if not isinstance(geometry, Mapping):
            raise BadGeometry("it is no GeoJSON object")
        kind = geometry.get("type")
        if kind == "GeometryCollection":
            return self._collection(geometry.get("geometries"), depth)
        coordinates = geometry.get("coordinates")
        if not isinstance(coordinates, list | tuple) or not coordinates:
            raise BadGeometry(f"{kind} has no coordinates")
        height = self._has_height(coordinates)
        try:
            return self._simple(kind, coordinates, height)
        except (TypeError, struct.error, IndexError, OverflowError) as error:
            raise BadGeometry(f"the coordinates are not those of a {kind}") from error

    def _simple(self, kind: object, coordinates: Sequence[Any], height: int) -> bytes:
        if kind == "Polygon":
            return self._polygon(coordinates, height)
        if kind == "MultiPolygon":
            return self._many(_MULTI_POLYGON, [self._polygon(part, height) for part in coordinates], height)
        if kind == "Point":
            return self._point(coordinates, height)
        if kind == "MultiPoint":
            return self._many(_MULTI_POINT, [self._point(part, height) for part in coordinates], height)
        if kind == "LineString":
            return self._line(coordinates, height)
        if kind == "MultiLineString":
            return self._many(_MULTI_LINE, [self._line(part, height) for part in coordinates], height)
        raise BadGeometry(f"{str(kind)[:40]!r} is no type of a geometry")

    def _collection(self, geometries: Any, depth: int) -> bytes:
        if not isinstance(geometries, list | tuple) or not geometries:
            raise BadGeometry("GeometryCollection has no geometries")
        if depth >= _MAX_DEPTH:
            raise BadGeometry(f"collections are nested more than {_MAX_DEPTH} deep")
        parts = [self.geometry(part, depth + 1) for part in geometries]
        heights = {int.from_bytes(part[1:5], "little") & _HAS_Z for part in parts}
        if len(heights) > 1:
            raise BadGeometry("some of its geometries have heights and some have none")
        return self._many(_COLLECTION, parts, 3 if heights.pop() else 2)

    def _has_height(self, coordinates: Any) -> int:
        """Return how many numbers a position has that are kept, 2 or 3, as the first one has them."""
        first = coordinates
        while isinstance(first, list | tuple) and first and isinstance(first[0], list | tuple):
            first = first[0]
        return 3 if isinstance(first, list | tuple) and len(first) > 2 else 2

    def _head(self, kind: int, height: int) -> bytes:
        return _HEAD.pack(1, kind | _HAS_Z if height == 3 else kind)

    def _many(self, kind: int, parts: Sequence[bytes], height: int) -> bytes:
        return b"".join((self._head(kind, height), _COUNT.pack(len(parts)), *parts))

    def _point(self, position: Sequence[float], height: int) -> bytes:
        return self._head(_POINT, height) + self._positions([position], height)

    def _line(self, positions: Sequence[Sequence[float]], height: int) -> bytes:
        if len(positions) < 2:
            raise BadGeometry("a line has fewer than two positions")
        return self._head(_LINE, height) + _COUNT.pack(len(positions)) + self._positions(positions, height)

    def _polygon(self, rings: Sequence[Sequence[Sequence[float]]], height: int) -> bytes:
        if not rings:
            raise BadGeometry("a polygon has no ring")
        pieces = [self._head(_POLYGON, height), _COUNT.pack(len(rings))]
        for ring in rings:
            if len(ring) < 4:
                raise BadGeometry("a ring has fewer than four positions")
            if list(ring[0][:2]) != list(ring[-1][:2]):
                raise BadGeometry("a ring does not end where it starts")
            pieces.append(_COUNT.pack(len(ring)))
            pieces.append(self._positions(ring, height))
        return b"".join(pieces)

    def _positions(self, positions: Sequence[Sequence[float]], height: int) -> bytes:
        numbers = list(chain.from_iterable(positions))
        if set(map(len, positions)) != {height}:
            kept = [position[:height] for position in positions]
            if any(len(position) != height for position in kept):
                raise BadGeometry("some of its positions have a height and some have none")
            numbers = [number for position in kept for number in position]
        if not set(map(type, numbers)) <= _NUMBERS:
            raise BadGeometry("a coordinate is no number")
        # A sum is finite only if all its parts are, unless it is too large itself.
        if not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
            raise BadGeometry("a coordinate is not finite")
        longitudes, latitudes = numbers[::height], numbers[1::height]
        west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
        if south < -90 or north > 90:
            raise BadGeometry("a latitude is not between -90 and 90 degrees")
        if west < -_MOST_LONGITUDE or east > _MOST_LONGITUDE:
            raise BadGeometry(f"a longitude is not between -{_MOST_LONGITUDE} and {_MOST_LONGITUDE} degrees")
        self._west, self._east = min(self._west, west), max(self._east, east)
        self._south, self._north = min(self._south, south), max(self._north, north)
        return struct.pack(f"<{len(numbers)}d", *numbers)
