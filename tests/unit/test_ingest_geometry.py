"""Footprints: valid, cut at the antimeridian, counter-clockwise, of the area that was drawn; or refused."""

import itertools
import json
import math
from typing import Any

import antimeridian
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import mapping, shape

from catalog.errors import RecordRefused
from ingest.geometry import bounding_box, intersects_box, repair, ring_from_text

_PLENTY = settings(max_examples=80, deadline=None)


def _json(geometry: Any) -> Any:
    """The geometry as JSON has it: lists, not tuples."""
    return json.loads(json.dumps(geometry))


def _wrapped(longitude: float) -> float:
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def _check(result: dict[str, Any]) -> Any:
    """What holds of every footprint, whatever it came from; return it as a shape."""
    footprint = shape(result)
    assert footprint.is_valid, shapely.is_valid_reason(footprint)
    assert not footprint.is_empty
    west, south, east, north = footprint.bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    for polygon in getattr(footprint, "geoms", [footprint]):
        if polygon.geom_type == "Polygon":
            assert polygon.exterior.is_ccw, "RFC 7946, 3.1.6"
            assert not any(hole.is_ccw for hole in polygon.interiors)
            assert polygon.exterior.coords[0] == polygon.exterior.coords[-1]
    assert repair(_json(result)) == result, "a repaired footprint needs no repair"
    assert bounding_box(result) == [west, south, east, north]
    return footprint


def _star(
    draw: st.DrawFn, centre: tuple[float, float], size: float, corners: int
) -> list[tuple[float, float]]:
    """A ring that does not cross itself: seen from its centre its angles grow."""
    start = draw(st.floats(0, 1))
    ring = []
    for corner in range(corners):
        angle = 2 * math.pi * (corner + start) / corners
        radius = size * draw(st.floats(0.4, 1))
        ring.append(
            (
                round(centre[0] + radius * math.cos(angle), 6),
                round(centre[1] + radius / 2 * math.sin(angle), 6),
            )
        )
    return ring


@st.composite
def _drawn_polygons(draw: st.DrawFn) -> tuple[Any, shapely.Polygon]:
    """A polygon as some upstream draws it, and the same without jumps, which it means."""
    centre = (draw(st.floats(-200, 200)), draw(st.floats(-70, 70)))
    size = draw(st.floats(0.5, 38))
    rings = [_star(draw, centre, size, draw(st.integers(3, 9)))]
    if draw(st.booleans()) and len(rings[0]) >= 5:
        rings.append(_star(draw, centre, size / 10, 4))
    meant = shapely.Polygon(*[rings[0], rings[1:]])
    assume(meant.is_valid and meant.area > 0.01)
    drawn = []
    for ring in rings:
        style = draw(st.sampled_from(["wrapped", "0..360", "as it is"]))
        points = [
            [x % 360 if style == "0..360" else x if style == "as it is" else _wrapped(x), y] for x, y in ring
        ]
        if draw(st.booleans()):
            points.reverse()
        if draw(st.booleans()):
            points.append(points[0])
        if draw(st.booleans()):
            at = draw(st.integers(0, len(points) - 1))
            points.insert(at, points[at])
        if draw(st.booleans()):
            points = [[x, y, 123.4] for x, y in points]
        drawn.append(points)
    return {"type": "Polygon", "coordinates": drawn}, meant


@_PLENTY
@given(_drawn_polygons())
def test_a_polygon_covers_what_was_drawn_wherever_it_lies(case: tuple[Any, shapely.Polygon]) -> None:
    drawn, meant = case
    footprint = _check(repair(drawn))
    assert footprint.area == pytest.approx(meant.area, rel=1e-6)
    # The same place, not only the same size: put side by side in one frame of 720°.
    shifted = shapely.union_all([affinity.translate(footprint, turn) for turn in (-360, 0, 360)])
    assert shifted.buffer(1e-6).covers(meant)


@_PLENTY
@given(_drawn_polygons())
def test_the_cut_is_where_the_antimeridian_package_cuts(case: tuple[Any, shapely.Polygon]) -> None:
    drawn, meant = case
    assume(not meant.interiors)
    longitudes = [x for x, _ in meant.exterior.coords]
    assume(all(abs(a - b) < 179 for a, b in itertools.pairwise(longitudes)))
    reference = antimeridian.fix_polygon(
        shapely.Polygon([(_wrapped(x), y) for x, y in meant.exterior.coords]), great_circle=False
    )
    assert (
        shapely.symmetric_difference(shape(repair(drawn)), reference.buffer(0)).area
        < 1e-6 * meant.area + 1e-9
    )


@_PLENTY
@given(_drawn_polygons(), _drawn_polygons())
def test_several_polygons_are_one_footprint(
    one: tuple[Any, shapely.Polygon], other: tuple[Any, shapely.Polygon]
) -> None:
    drawn = {"type": "MultiPolygon", "coordinates": [one[0]["coordinates"], other[0]["coordinates"]]}
    footprint = _check(repair(drawn))
    whole = shapely.union_all([shape(repair(one[0])), shape(repair(other[0]))])
    assert footprint.area == pytest.approx(whole.area, rel=1e-6)


@_PLENTY
@given(
    st.lists(st.tuples(st.floats(-540, 540), st.floats(-90, 90)), min_size=1, max_size=6),
    st.sampled_from(["Point", "MultiPoint", "LineString", "MultiLineString"]),
)
@example([(181.0, 0.0), (181.0, 3.8e-169)], "LineString")  # nothing is left of it when it is cut
def test_points_and_lines_end_on_the_globe(points: list[tuple[float, float]], kind: str) -> None:
    coordinates: Any = {
        "Point": points[0],
        "MultiPoint": points,
        "LineString": points,
        "MultiLineString": [points, points[::-1]],
    }[kind]
    try:
        result = repair({"type": kind, "coordinates": coordinates})
    except RecordRefused as error:
        assert error.code in {"bad-geometry", "ambiguous-geometry"}
        return
    west, south, east, north = shape(result).bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    assert repair(_json(result)) == result


_NUMBERS = st.one_of(
    st.floats(), st.integers(), st.sampled_from([180.0, -180.0, 90, -90, 360, 540, 0, 10**400, 2**70])
)
_ANYTHING = st.recursive(
    _NUMBERS | st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=15,
)
_KINDS = [
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
    "x",
]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        _ANYTHING,
        st.builds(
            lambda kind, inner: {"type": kind, "coordinates": inner}, st.sampled_from(_KINDS), _ANYTHING
        ),
        st.builds(
            lambda kind, ring: {
                "type": kind,
                "coordinates": [ring] if kind == "Polygon" else [[ring], [ring]],
            },
            st.sampled_from(["Polygon", "MultiPolygon"]),
            st.lists(st.tuples(_NUMBERS, _NUMBERS), max_size=7),
        ),
    )
)
def test_anything_else_is_refused_and_never_another_error(geometry: Any) -> None:
    try:
        result = repair(geometry)
    except RecordRefused as error:
        assert error.code in {"no-geometry", "bad-geometry", "ambiguous-geometry"}
        assert "\n" not in str(error)
    else:
        _check(result) if "Polygon" in result["type"] else shape(result)


_GRID = st.sampled_from([-180, -179, -90, -10, 0, 10, 90, 170, 179, 180, 181, 190, 270, 350, 360])
_ROWS = st.sampled_from([-90, -89, -60, 0, 45, 89, 90])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_GRID, _ROWS), min_size=3, max_size=7))
def test_rings_along_edges_and_poles_are_valid_or_refused(ring: list[tuple[float, float]]) -> None:
    """Round numbers: on ±180, at the poles, half the globe apart, touching themselves."""
    try:
        result = repair({"type": "Polygon", "coordinates": [ring]})
    except RecordRefused as error:
        assert error.code in {"bad-geometry", "ambiguous-geometry"}
    else:
        _check(result)


def test_deep_junk_is_refused() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    for geometry in (deep, {"type": "Polygon", "coordinates": deep}, {"type": "Point", "coordinates": deep}):
        with pytest.raises(RecordRefused):
            repair(geometry)


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        (None, "no-geometry"),
        ({}, "no-geometry"),
        ([], "bad-geometry"),
        ({"type": "Polygon"}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": []}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[["0", "0"], ["1", "0"], ["1", "1"]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")], [1, 1]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, float("inf")], [1, 1]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 91], [1, 1]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [10**400, 1], [1, 1]]]}, "bad-geometry"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [True, 1], [1, 1]]]}, "bad-geometry"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]},
            "ambiguous-geometry",
        ),
        ({"type": "Point", "coordinates": [1]}, "bad-geometry"),
        ({"type": "LineString", "coordinates": [[1, 1], [1, 1]]}, "bad-geometry"),
        ({"type": "GeometryCollection", "geometries": []}, "bad-geometry"),
    ],
)
def test_what_has_no_meaning_says_why(geometry: Any, code: str) -> None:
    with pytest.raises(RecordRefused) as refusal:
        repair(geometry)
    assert refusal.value.code == code
    assert len(str(refusal.value)) < 200


def _polygon(*ring: tuple[float, float]) -> Any:
    return {"type": "Polygon", "coordinates": [[list(position) for position in ring]]}


def test_a_valid_footprint_keeps_its_numbers() -> None:
    ring = ((138.777604, 36.124276), (138.80483, 35.135002), (140.009721, 35.150843), (139.997429, 36.140702))
    result = _json(repair(_polygon(*ring, ring[0])))
    assert result == _polygon(*ring, ring[0])


def test_a_ring_across_the_antimeridian_keeps_the_numbers_of_its_corners() -> None:
    drawn = _polygon((176.123, 10.1), (-176.456, 10.2), (-176.789, -10.3), (177.321, -10.4), (176.123, 10.1))
    kept = {tuple(xy) for part in repair(drawn)["coordinates"] for xy in part[0]}
    assert {(176.123, 10.1), (-176.456, 10.2), (-176.789, -10.3), (177.321, -10.4)} <= kept


@pytest.mark.parametrize("north", [True, False])
def test_a_ring_around_a_pole_holds_it(north: bool) -> None:
    latitude = 70 if north else -70
    for ring in (
        [(x, latitude) for x in range(-180, 180, 30)],
        [(x, latitude) for x in range(150, -210, -30)],
    ):
        footprint = _check(repair(_polygon(*ring)))
        assert footprint.area == pytest.approx(360 * 20)
        assert footprint.distance(shapely.Point(0, 90 if north else -90)) < 1e-6
        assert not footprint.intersects(shapely.Point(0, 0))


def test_a_swath_that_was_cut_before_stays() -> None:
    """CDSE draws polar swaths of Sentinel-5P as one polygon along ±180 and a pole."""
    drawn = _polygon((-180, 60), (-60, 70), (60, 65), (180, 60), (180, 90), (-180, 90), (-180, 60))
    footprint = _check(repair(drawn))
    assert footprint.equals(shape(drawn))


def test_the_whole_globe_stays_whole() -> None:
    for ring in (
        ((-180, -90), (180, -90), (180, 90), (-180, 90), (-180, -90)),
        ((-180, -60), (-180, 60), (180, 60), (180, -60), (-180, -60)),
    ):
        assert _check(repair(_polygon(*ring))).equals(shape(_polygon(*ring)))


def test_a_mosaic_tile_beyond_180_is_cut() -> None:
    """Sentinel-1 and -2 mosaics near the antimeridian reach to -183.1 (recorded)."""
    footprint = _check(repair(_polygon((-183.1, 60), (-178, 60), (-178, 62), (-183.1, 62), (-183.1, 60))))
    assert sorted(round(part.area, 6) for part in footprint.geoms) == [4.0, 6.2]
    assert footprint.bounds == (-180, 60, 180, 62)


def test_parts_that_were_cut_at_180_and_overlap_are_merged() -> None:
    square = [[[170, 0], [180, 0], [180, 10], [170, 10], [170, 0]]]
    footprint = _check(repair({"type": "MultiPolygon", "coordinates": [square, square]}))
    assert footprint.area == 100


def test_a_latitude_a_little_beyond_the_pole_is_the_pole() -> None:
    footprint = _check(repair(_polygon((0, 80), (10, 80), (10, 90.0005), (0, 90.0005), (0, 80))))
    assert footprint.bounds[3] == 90


@pytest.mark.parametrize("text", ["", "1 2 3 4", "1 2 3 4 5 6 7", "a b c d e f", "1,2 3,4 5,6"])
def test_a_list_that_is_no_ring_is_refused(text: str) -> None:
    with pytest.raises(RecordRefused, match="bad-geometry"):
        ring_from_text(text)


def test_a_list_of_pairs_is_a_ring() -> None:
    ring = ring_from_text(" 1 2  3 4\n5 6 ")
    assert _json(ring) == _polygon((1, 2), (3, 4), (5, 6))


@st.composite
def _boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    south, north = sorted([draw(st.integers(-90, 90)), draw(st.integers(-90, 90))])
    return draw(st.integers(-180, 180)), south, draw(st.integers(-180, 180)), north


@_PLENTY
@given(_drawn_polygons(), _boxes())
def test_a_box_is_met_where_the_globe_is_covered_twice(
    case: tuple[Any, shapely.Polygon], box: tuple[float, float, float, float]
) -> None:
    """Against the plain way: the box and the footprint as drawn, in a frame without an antimeridian."""
    drawn, meant = case
    west, south, east, north = box
    span = shapely.box(west, south, east if west <= east else east + 360, north)
    distances = [affinity.translate(meant, turn).distance(span) for turn in (-720, -360, 0, 360, 720)]
    expected = min(distances) == 0
    assume(expected or min(distances) > 1e-6)
    inside = max(
        affinity.translate(meant, turn).intersection(span).area for turn in (-720, -360, 0, 360, 720)
    )
    assume(not expected or inside > 1e-6)
    assert intersects_box(repair(drawn), box) is expected


def test_mapping_and_json_agree() -> None:
    footprint = repair(_polygon((0, 0), (1, 0), (1, 1), (0, 0)))
    assert _json(footprint) == _json(mapping(shape(footprint)))


def test_a_gap_around_the_pole_stays_open() -> None:
    """A ring around the globe with a hole around the same pole, as polar orbiters leave it."""
    outer = [[x, 60] for x in range(-180, 181, 30)]
    inner = [[x, 85] for x in range(170, -191, -30)]
    footprint = _check(repair({"type": "Polygon", "coordinates": [outer, inner]}))
    assert footprint.area == pytest.approx(360 * 25)
    assert not footprint.intersects(shapely.Point(50, 89))


def test_a_band_counted_from_0_to_360_goes_around_the_globe() -> None:
    footprint = _check(repair(_polygon((0, -60), (360, -60), (360, 60), (0, 60), (0, -60))))
    assert footprint.equals(shapely.box(-180, -60, 180, 60))


def test_twice_around_the_globe_has_no_meaning() -> None:
    ring = [((x + 180) % 360 - 180, 10 + x / 100) for x in range(0, 720, 60)]
    with pytest.raises(RecordRefused, match="more than once"):
        repair(_polygon(*ring, ring[0]))


# The quick way for polygons that need no mending


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-3, 3)), min_size=3, max_size=6)
    | st.lists(
        st.tuples(st.sampled_from([-180, -90, 0, 0.5, 90, 180]), st.sampled_from([-90, 0, 45, 90])),
        min_size=3,
        max_size=6,
    )
)
def test_a_polygon_is_the_same_by_the_quick_way_and_by_the_long_one(corners: list[tuple[float, float]]):
    drawn = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}

    def outcome() -> Any:
        try:
            found = repair(drawn)
        except RecordRefused as error:
            return error.code
        return found, bounding_box(found)

    quick = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.geometry._as_drawn", lambda coordinates: None)
        assert outcome() == quick


@pytest.mark.parametrize("odd", [True, "0", None, float("nan"), 10**400, [0]])
def test_the_quick_way_takes_numbers_alone(odd: Any):
    with pytest.raises(RecordRefused, match="bad-geometry"):
        repair({"type": "Polygon", "coordinates": [[[odd, 0], [1, 0], [1, 1], [odd, 0]]]})
