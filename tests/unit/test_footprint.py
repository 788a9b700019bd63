"""Footprints that are made: boxes across the antimeridian, extents from 0 to 360, defaults of collections."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from catalog.errors import RecordRefused
from ingest.footprint import box, default_footprint, wrapped_boxes
from ingest.geometry import repair
from tests.unit.documents import definitions

GLOBE = [(-180.0, -89.0, 180.0, 89.0)]


@pytest.mark.parametrize(
    ("bounds", "boxes"),
    [
        ([0, -89, 360, 89], GLOBE),
        ([360, -89, 0, 89], GLOBE),
        ([-180, -89, 180, 89], GLOBE),
        ([179.75, -89, 179.75, 89], GLOBE),
        ([-180, -89, 0, 180, 89, 100], GLOBE),
        ([-73, 60, -10, 83], [(-73.0, 60.0, -10.0, 83.0)]),
        ([190, 0, 350, 10], [(-170.0, 0.0, -10.0, 10.0)]),
        ([170, 0, 180, 10], [(170.0, 0.0, 180.0, 10.0)]),
        ([180, 0, 190, 10], [(-180.0, 0.0, -170.0, 10.0)]),
        (
            [170, 0, 190, 10],
            [(-180.0, 0.0, 180.0, 10.0), (170.0, 0.0, 180.0, 10.0), (-180.0, 0.0, -170.0, 10.0)],
        ),
    ],
)
def test_an_extent_is_brought_within_180_degrees(bounds: list[float], boxes: list[Any]):
    assert wrapped_boxes(bounds) == boxes


@pytest.mark.parametrize(
    "bounds", [None, [], [1, 2, 3], ["0", 0, 1, 1], [0, 10, 1, 5], [0, 0, 10**400, 1], [0, -91, 1, 1]]
)
def test_what_is_no_extent_is_refused(bounds: Any):
    with pytest.raises(RecordRefused, match="bad-extent"):
        wrapped_boxes(bounds)


@given(st.floats(-180, 360), st.floats(0.01, 359.9), st.floats(-89, 88), st.floats(0.01, 1))
def test_a_box_keeps_its_area_through_repair(west: float, width: float, south: float, height: float):
    if west + width > 540:
        width = 540 - west
    repaired = shape(repair(box((west, south, west + width, south + height))))
    assert repaired.is_valid
    assert repaired.area == pytest.approx(width * height, rel=1e-6)


def test_every_default_footprint_is_valid_and_within_the_extent():
    found = 0
    for collection in definitions().collections.values():
        footprint = default_footprint(collection)
        if footprint is not None:
            found += 1
            west, south, east, north = collection.extent.bbox
            bounds = shape(repair(footprint)).bounds
            assert (bounds[0], bounds[1]) >= (west - 1e-9, south - 1e-9), collection.id
            assert bounds[2] <= east + 1e-9, collection.id
            assert bounds[3] <= north + 1e-9, collection.id
    assert found > 40


def test_a_collection_without_a_default_has_none():
    assert default_footprint(definitions().collections["eumetsat-sentinel-3-olci-l2-wfr"]) is None
