"""Slices of time: they cover all of it, whatever the statistics say, and the first holds enough."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.store.timeline import Partition, Timeline, Timelines

_DAY = 86_400.0
_partition = st.builds(
    lambda first, length, items: Partition("c", first, first + length, items),
    st.integers(-20_000, 20_000).map(lambda day: day * _DAY),
    st.sampled_from([0.0, _DAY, 30 * _DAY, 4000 * _DAY]),
    st.sampled_from([0.0, 1.0, 50.0, 10_000.0, 2e6]),
)
_moments = st.none() | st.integers(-(10**9), 4 * 10**9).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(st.lists(_partition, max_size=40), _moments, st.sampled_from([2, 202, 20_000]), st.booleans())
def test_slices_cover_all_time_once_in_the_order_of_the_walk(
    partitions: list[Partition], here: datetime | None, wanted: int, newest_first: bool
) -> None:
    timeline = Timeline(partitions)
    slices = list(timeline.slices(wanted, newest_first=newest_first, start=here, end=here))
    assert 1 <= len(slices) <= 6
    edges = [(part.start, part.end) for part in slices]
    if newest_first:
        edges = [(end, start) for start, end in edges]
    assert edges[0][0] is None
    assert edges[-1][1] is None
    for (_, left), (entered, _) in pairwise(edges):
        assert left is not None
        assert left == entered


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_first_slice_holds_what_is_wanted_and_hardly_more(newest_first: bool) -> None:
    months = [Partition("c", n * 30 * _DAY, (n * 30 + 29) * _DAY, 1000.0) for n in range(120)]
    timeline = Timeline(months)
    assert timeline.items == pytest.approx(120_000)
    first, second, *_ = timeline.slices(500, newest_first=newest_first, start=None, end=None)
    held = [
        timeline.before(part.end) - (timeline.before(part.start) if part.start else 0)
        for part in (first, second)
    ]
    assert held == pytest.approx([500, 4000], rel=0.01)


def test_a_walk_goes_on_from_where_it_is() -> None:
    months = [Partition("c", n * 30 * _DAY, (n * 30 + 29) * _DAY, 1000.0) for n in range(120)]
    here = datetime.fromtimestamp(60 * 30 * _DAY, UTC)
    timeline = Timeline(months)
    (older, *_), (younger, *_) = (
        list(timeline.slices(500, newest_first=order, start=here, end=here)) for order in (True, False)
    )
    assert older.start is not None
    assert younger.end is not None
    assert timedelta(days=10) < here - older.start < timedelta(days=20)
    assert timedelta(days=10) < younger.end - here < timedelta(days=20)


def test_few_partitions_are_searched_at_once() -> None:
    few = Timeline([Partition("c", n * _DAY, (n + 1) * _DAY, 1e6) for n in range(4)])
    assert len(list(few.slices(11, newest_first=True, start=None, end=None))) == 1


def test_collections_have_a_timeline_each() -> None:
    partitions = [
        Partition(name, 0.0, _DAY, items) for name, items in (("a", 1.0), ("b", 20.0), ("c", 300.0))
    ]
    timelines = Timelines(partitions)
    assert timelines.of(()).items == pytest.approx(321)
    assert timelines.of(("a", "c")).items == pytest.approx(301)
    assert timelines.of(("none",)).items == 0
