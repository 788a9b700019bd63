"""Spatial operators of CQL2: two geometries, in the order in which they are written."""

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
OPERATORS = frozenset({*_FUNCTIONS, "s_intersects", "s_disjoint"})


def compile_spatial(compiler: "Compiler", op: str, args: list[Node], depth: int) -> str:
    """Return a relation of an item's geometry and a literal, of two of either."""
    left, right = (_operand(compiler, op, part, depth + 1) for part in arguments(op, args, 2))
    if op in ("s_intersects", "s_disjoint"):
        meets = _intersects(left, right, compiler.parameters)
        return meets if op == "s_intersects" else f"(NOT {meets})"
    sides = (_sql(operand, compiler.parameters) for operand in (left, right))
    return f"{_FUNCTIONS[op]}({', '.join(sides)})"


def intersects(geometry: Geometry, parameters: "Parameters") -> str:
    """Return the condition that an item's geometry meets a checked GeoJSON geometry."""
    return _intersects(None, geometry, parameters)


def _intersects(left: Geometry | None, right: Geometry | None, parameters: "Parameters") -> str:
    """Of a collection each member by itself: GEOS raises where two of them overlap."""
    pairs = [
        f"ST_Intersects({_sql(one, parameters)}, {_sql(other, parameters)})"
        for one in _members(left)
        for other in _members(right)
    ]
    return f"({' OR '.join(pairs)})"


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
