"""Spatial operators of CQL2: two geometries, in the order in which they are written."""

from typing import TYPE_CHECKING, Any

import orjson

from catalog.store.cql2.nodes import Node, arguments, is_property, list_of
from catalog.store.geojson import Geometry, Malformed, bbox_geometry, check_geometry
from catalog.store.queryables import Kind

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler
    from catalog.store.parameters import Parameters

_FUNCTIONS = {
    "s_intersects": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_disjoint": "ST_Disjoint",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_contains": "ST_Contains",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
}
OPERATORS = frozenset(_FUNCTIONS)
_MULTI = {
    "Point": "MultiPoint",
    "MultiPoint": "MultiPoint",
    "LineString": "MultiLineString",
    "MultiLineString": "MultiLineString",
    "Polygon": "MultiPolygon",
    "MultiPolygon": "MultiPolygon",
}


def compile_spatial(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    """Return a relation of an item's geometry and a literal, of two of either."""
    left, right = (_operand(compiler, op, part, depth + 1) for part in arguments(op, args, 2))
    return f"{_FUNCTIONS[op]}({left}, {right})"


def shape(geometry: Geometry, parameters: "Parameters") -> str:
    """Return a checked GeoJSON geometry as a bound value.

    It is made valid, so that a bow tie, which is legal JSON, cannot raise inside GEOS.
    """
    return f"ST_MakeValid(ST_GeomFromGeoJSON({parameters.add(orjson.dumps(geometry).decode(), '::text')}))"


def _operand(compiler: "Compiler", op: str, node: Node, depth: int) -> str:
    compiler.enter(depth)
    if is_property(node):
        found = compiler.find(node)
        if found.kind is not Kind.GEOMETRY:
            raise Malformed(f"{op!r}: the one spatial property is `geometry`")
        return "geometry"
    if isinstance(node, dict) and "bbox" in node:
        geometry = bbox_geometry(list_of(node, "bbox"))
    else:
        geometry = check_geometry(node)
    if geometry["type"] != "GeometryCollection" or op == "s_intersects":
        return shape(geometry, compiler.parameters)
    if op == "s_disjoint":
        # PostGIS takes a collection here, too: it is the opposite of s_intersects.
        return shape(geometry, compiler.parameters)
    return f"ST_UnaryUnion({shape(_joined(op, geometry), compiler.parameters)})"


def _joined(op: str, collection: Geometry) -> Geometry:
    """Return a collection of one kind of geometry as one geometry; GEOS takes no other.

    Raises:
        Malformed: it mixes points, lines and areas.
    """
    members = collection["geometries"]
    kinds = {_MULTI[member["type"]] for member in members}
    if len(kinds) > 1:
        raise Malformed(
            f"{op!r} takes a GeometryCollection of points, of lines or of areas, not of several kinds"
        )
    parts: list[Any] = []
    for member in members:
        many = member["type"].startswith("Multi")
        parts += member["coordinates"] if many else [member["coordinates"]]
    return {"type": kinds.pop(), "coordinates": parts}
