"""Spatial operators of CQL2: two geometries, in the order in which they are written."""

from itertools import pairwise
from typing import TYPE_CHECKING

import orjson

from catalog.store.cql2.nodes import Node, arguments, is_property, list_of
from catalog.store.geojson import Geometry, Malformed, bbox_geometry, check_geometry
from catalog.store.queryables import Kind

if TYPE_CHECKING:
    from catalog.store.cql2.compiler import Compiler
    from catalog.store.parameters import Parameters

_FUNCTIONS = {
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_contains": "ST_Contains",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
}
_MENDED = "CASE WHEN ST_IsValid(geometry) THEN geometry ELSE ST_MakeValid(geometry) END"
OPERATORS = frozenset({*_FUNCTIONS, "s_intersects", "s_disjoint"})


def compile_spatial(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    """Return a relation of an item's geometry and a literal, of two of either."""
    left, right = (_operand(compiler, op, part, depth + 1) for part in arguments(op, args, 2))
    if op in ("s_intersects", "s_disjoint"):
        meets = _intersects(left, right, compiler.parameters)
        return meets if op == "s_intersects" else f"(NOT {meets})"
    return _related(_FUNCTIONS[op], left, right, compiler.parameters)


def intersects(geometry: Geometry, parameters: "Parameters") -> str:
    """Return the condition that an item's geometry meets a checked GeoJSON geometry."""
    return _intersects(None, geometry, parameters)


def _intersects(left: Geometry | None, right: Geometry | None, parameters: "Parameters") -> str:
    """Of a collection each member by itself: GEOS raises where two of them overlap."""
    pairs = [
        _related("ST_Intersects", one, other, parameters)
        for one in _members(left)
        for other in _members(right)
    ]
    return f"({' OR '.join(pairs)})"


def _related(function: str, left: Geometry | None, right: Geometry | None, parameters: "Parameters") -> str:
    """Return a relation that no item can make fail.

    GEOS raises for a footprint that is invalid, which other tools store, so such a one is made valid. What
    PostGIS derives from the bare column, the look into its index, is then written out. Points and boxes
    meet anything without that, and are what is asked for most.
    """
    sides = [_sql(operand, parameters) for operand in (left, right)]
    others = [operand for operand in (left, right) if operand is not None]
    if len(others) == 2 or (function == "ST_Intersects" and all(map(_meets_anything, others)) and others):
        return f"{function}({', '.join(sides)})"
    mended = (
        _MENDED if operand is None else side for operand, side in zip((left, right), sides, strict=True)
    )
    return f"({' && '.join(sides)} AND {function}({', '.join(mended)}))"


def _meets_anything(geometry: Geometry) -> bool:
    """Return whether GEOS finds out without relating edges whether something meets a geometry."""
    if geometry["type"] in ("Point", "MultiPoint"):
        return True
    if geometry["type"] != "Polygon" or len(geometry["coordinates"]) != 1:
        return False
    ring = geometry["coordinates"][0]
    corners = {tuple(position[:2]) for position in ring}
    upright = all((a[0] == b[0]) != (a[1] == b[1]) for a, b in pairwise(ring))
    return len(ring) == 5 and len(corners) == 4 and upright


def _members(operand: Geometry | None) -> list[Geometry | None]:
    if operand is None or operand["type"] != "GeometryCollection":
        return [operand]
    return list(operand["geometries"])


def _sql(operand: Geometry | None, parameters: "Parameters") -> str:
    """Return a geometry as a bound value, or the item's own if there is none.

    It is made valid, so that a bow tie, which is legal JSON, cannot raise inside GEOS.
    """
    if operand is None:
        return "geometry"
    if operand["type"] == "GeometryCollection":
        members = ", ".join(_sql(member, parameters) for member in operand["geometries"])
        return f"ST_UnaryUnion(ST_Collect(ARRAY[{members}]))"
    return f"ST_MakeValid(ST_GeomFromGeoJSON({parameters.add(orjson.dumps(operand).decode(), '::text')}))"


def _operand(compiler: "Compiler", op: str, node: Node, depth: int) -> Geometry | None:
    """Return a literal that is checked; None: the item's geometry."""
    compiler.enter(depth)
    if is_property(node):
        found = compiler.find(node)
        if found.kind is not Kind.GEOMETRY:
            raise Malformed(f"{op!r}: the one spatial property is `geometry`")
        return None
    if isinstance(node, dict) and "bbox" in node:
        return bbox_geometry(list_of(node, "bbox"))
    geometry = check_geometry(node)
    if geometry["type"] == "GeometryCollection" and op not in ("s_intersects", "s_disjoint"):
        kinds = {member["type"].removeprefix("Multi") for member in geometry["geometries"]}
        if len(kinds) > 1:
            # Neither GEOS nor OGC 06-103r4 relates a mixture of points, lines and areas.
            raise Malformed(f"{op!r} takes a GeometryCollection of points, of lines or of areas alone")
    return geometry
