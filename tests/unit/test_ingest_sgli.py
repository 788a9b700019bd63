"""SGLI's tile grid: the recorded corners, and edges that curve as the sphere does."""

import math

import pytest
import shapely
from shapely.geometry import shape

from ingest.geometry import repair
from ingest.sgli import tile_footprint

# G-Portal's own corners of T0528 and T0529 (recorded; single precision).
_RECORDED = {
    (5, 28): [
        (130.5407257080078, 40),
        (143.5948028564453, 40),
        (127.01705932617188, 30),
        (115.47005462646484, 30),
    ],
    (5, 29): [
        (143.5948028564453, 40),
        (156.6488800048828, 40),
        (138.56407165527344, 30),
        (127.01705932617188, 30),
    ],
}


def _ring(vertical: int, horizontal: int) -> list[tuple[float, float]]:
    outline = tile_footprint(vertical, horizontal)
    assert outline is not None
    return [(x, y) for x, y in outline["coordinates"][0]]


@pytest.mark.parametrize("tile", _RECORDED)
def test_the_corners_are_the_recorded_ones(tile: tuple[int, int]) -> None:
    ring = _ring(*tile)
    for x, y in _RECORDED[tile]:
        assert min(math.hypot(x - a, y - b) for a, b in ring) < 2e-5


@pytest.mark.parametrize("tile", _RECORDED)
def test_the_edges_bend_as_the_sphere_does(tile: tuple[int, int]) -> None:
    curved = shape(tile_footprint(*tile))
    straight = shapely.Polygon(_RECORDED[tile])
    assert curved.is_valid
    north_west, north_east, south_east, south_west = _RECORDED[tile]
    middle_of_west = ((north_west[0] + south_west[0]) / 2, 35)
    middle_of_east = ((north_east[0] + south_east[0]) / 2, 35)
    # 1/cos is convex: at 35° both true edges lie west of the straight ones.
    true_west = (tile[1] - 18) * 10 / math.cos(math.radians(35))
    assert true_west < middle_of_west[0] - 0.2
    assert curved.covers(shapely.Point(true_west + 0.01, 35))
    assert not curved.covers(shapely.Point(true_west - 0.01, 35))
    assert curved.covers(shapely.Point(middle_of_west))
    assert not curved.covers(shapely.Point(middle_of_east))
    assert straight.symmetric_difference(curved).area > 1


def test_the_footprint_is_never_far_from_the_true_edge() -> None:
    edge = shapely.LineString(_ring(5, 28)[:21])
    for step in range(1000):
        latitude = 40 - step / 100
        assert edge.distance(shapely.Point(100 / math.cos(math.radians(latitude)), latitude)) < 0.002


def test_tiles_cover_the_map_without_gaps_or_overlaps() -> None:
    tiles = [
        shape(outline)
        for vertical in range(4, 14)
        for horizontal in range(36)
        if (outline := tile_footprint(vertical, horizontal))
    ]
    assert len(tiles) > 250
    assert shapely.union_all(tiles).area == pytest.approx(sum(tile.area for tile in tiles), rel=1e-6)


@pytest.mark.parametrize(
    "tile", [(-1, 0), (18, 0), (0, -1), (0, 36), (0, 18), (17, 17), (5, 0), (5, 35), (5, 3)]
)
def test_off_the_map_or_at_its_edge_there_is_none(tile: tuple[int, int]) -> None:
    assert tile_footprint(*tile) is None


@pytest.mark.parametrize("tile", [(8, 0), (9, 35), (1, 17), (16, 18), (5, 28)])
def test_a_tile_needs_little_repair(tile: tuple[int, int]) -> None:
    outline = tile_footprint(*tile)
    if outline is not None:
        assert shape(repair(outline)).equals(shape(outline))
