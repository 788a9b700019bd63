"""Reading UMM-G, the granule format of NASA's Common Metadata Repository (UMM-G 1.6)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.errors import RecordRefused
from ingest.footprint import box
from ingest.native import entries, members, number, text

_POLARIZATION = re.compile(r"\b(HH|HV|VH|VV)\b")


def objects(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list that is a member, without whatever else is in it.

    Raises:
        RecordRefused: `bad-structure`; the member is no list.
    """
    return [entry for entry in entries(holder, name) if isinstance(entry, Mapping)]


def attributes(umm: Mapping[str, Any], no_values: frozenset[str]) -> dict[str, Any]:
    """Return the additional attributes by name: one value as it is, several as a list."""
    found: dict[str, Any] = {}
    for attribute in objects(umm, "AdditionalAttributes"):
        name = text(attribute.get("Name"))
        values = [
            value for value in map(text, entries(attribute, "Values")) if value and value not in no_values
        ]
        if name and values:
            found.setdefault(name, values[0] if len(values) == 1 else values)
    return found


def times(umm: Mapping[str, Any]) -> dict[str, Any]:
    """Return `datetime`, or `start_datetime` and `end_datetime`, as the granule has them."""
    extent = members(umm, "TemporalExtent")
    period = members(extent, "RangeDateTime")
    if period:
        ends = {
            "start_datetime": period.get("BeginningDateTime"),
            "end_datetime": period.get("EndingDateTime"),
        }
        return {name: value for name, value in ends.items() if value is not None}
    return {"datetime": extent["SingleDateTime"]} if extent.get("SingleDateTime") is not None else {}


def geometry(umm: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the footprint as GeoJSON, not yet repaired: of all polygons, else boxes, lines or points.

    UMM-G has outer rings counter-clockwise and closed; older records, made from ECHO 10, neither. None
    where only the orbit is described.

    Raises:
        RecordRefused: `bad-structure`; the extent has another form.
    """
    domain = members(members(umm, "SpatialExtent"), "HorizontalSpatialDomain")
    drawn = members(domain, "Geometry")
    polygons = [_rings(polygon) for polygon in objects(drawn, "GPolygons")]
    if not polygons:
        polygons = [_rectangle(bounds)["coordinates"] for bounds in objects(drawn, "BoundingRectangles")]
    if polygons:
        return _one_or_many("Polygon", polygons)
    lines = [_points(line, "Points") for line in objects(drawn, "Lines")]
    if lines:
        return _one_or_many("LineString", lines)
    points = _points(drawn, "Points")
    return _one_or_many("Point", points) if points else None


def polarizations(value: Any) -> list[str]:
    """Return what `HH`, `HH+HV`, `HH 5scan` or a list of such names, each once, in their order."""
    texts = value if isinstance(value, list) else [value]
    found = [name for part in texts for name in _POLARIZATION.findall((text(part) or "").upper())]
    return list(dict.fromkeys(found))


def related(umm: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Give type, address and the rest of every related URL that has an address."""
    for entry in objects(umm, "RelatedUrls"):
        href = text(entry.get("URL"))
        if href:
            yield (text(entry.get("Type")) or "").upper(), href, entry


def _rings(polygon: Mapping[str, Any]) -> list[list[list[Any]]]:
    holes = objects(members(polygon, "ExclusiveZone"), "Boundaries")
    return [_points(ring, "Points") for ring in (members(polygon, "Boundary"), *holes)]


def _points(holder: Mapping[str, Any], name: str) -> list[list[Any]]:
    """Return positions; a coordinate that is no number stays as it is, for the repair to refuse."""
    return [
        [_coordinate(point.get("Longitude")), _coordinate(point.get("Latitude"))]
        for point in objects(holder, name)
    ]


def _coordinate(value: Any) -> Any:
    parsed = number(value)
    return value if parsed is None else parsed


def _rectangle(bounds: Mapping[str, Any]) -> dict[str, Any]:
    edges = [number(bounds.get(f"{side}BoundingCoordinate")) for side in ("West", "South", "East", "North")]
    if any(edge is None or abs(edge) > 180 for edge in edges):
        raise RecordRefused("bad-geometry", f"a bounding rectangle lacks an edge: {dict(bounds)!r:.200}")
    return box(edges)


def _one_or_many(kind: str, parts: list[Any]) -> dict[str, Any]:
    if len(parts) == 1:
        return {"type": kind, "coordinates": parts[0]}
    return {"type": f"Multi{kind}", "coordinates": parts}
