"""What a collection says once it follows its items: the rules of `catalog.follow`."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.follow import followed
from catalog.observed import Observed, summarised, summarised_values


def seen(start: str = "2020-05-01T00:00:00+00:00", end: str | None = None, **properties: Any) -> Observed:
    observed = Observed()
    first = datetime.fromisoformat(start)
    last = datetime.fromisoformat(end) if end else first
    observed.merge_extent(first, first, last, (138.0, 34.0, 141.0, 37.0))
    observed.add_said([summarised_values(properties)])
    return observed


def declared(start: str | None = None, end: str | None = None, **summaries: Any) -> dict[str, Any]:
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[start, end]]}}
    return {"extent": extent, "summaries": summaries} if summaries else {"extent": extent}


def interval(document: dict[str, Any]) -> list[str | None]:
    found: list[str | None] = document["extent"]["temporal"]["interval"][0]
    return found


def test_a_collection_without_items_says_what_it_declares():
    mine = declared("2015-06-27T10:25:31Z", None, platform=["alos-2"])
    assert followed(mine, Observed()) == mine


def test_the_box_is_that_of_the_items():
    assert followed(declared(), seen())["extent"]["spatial"] == {"bbox": [[138.0, 34.0, 141.0, 37.0]]}


INTERVALS = {
    "a mission's first day stays, its open end follows": (
        ("2015-06-27T10:25:31Z", None),
        ["2015-06-27T10:25:31Z", "2020-05-01T00:00:00Z"],
    ),
    "an item before the declared start moves it": (
        ("2021-01-01T00:00:00Z", None),
        ["2020-05-01T00:00:00Z", "2020-05-01T00:00:00Z"],
    ),
    "nothing declared": ((None, None), ["2020-05-01T00:00:00Z", "2020-05-01T00:00:00Z"]),
    "the end of a mission is not brought forward": (
        ("2006-01-24T00:00:00Z", "2021-05-12T00:00:00Z"),
        ["2006-01-24T00:00:00Z", "2021-05-12T00:00:00Z"],
    ),
    "an item after the declared end moves it": (
        ("2006-01-24T00:00:00Z", "2011-05-12T00:00:00Z"),
        ["2006-01-24T00:00:00Z", "2020-05-01T00:00:00Z"],
    ),
}


@pytest.mark.parametrize(("ends", "expected"), INTERVALS.values(), ids=INTERVALS)
def test_the_interval(ends: tuple[str | None, str | None], expected: list[str]):
    assert interval(followed(declared(*ends), seen())) == expected


def test_the_end_is_that_of_the_item_that_ends_last():
    assert interval(followed(declared(), seen(end="2020-06-01T12:00:00.5+00:00"))) == [
        "2020-05-01T00:00:00Z",
        "2020-06-01T12:00:00.500000Z",
    ]


@pytest.mark.parametrize(
    "extent", [{}, {"temporal": {"interval": []}}, {"temporal": {"interval": [["?", 1]]}}]
)
def test_a_collection_of_others_with_an_odd_extent_follows_too(extent: dict[str, Any]):
    assert interval(followed({"extent": extent}, seen())) == ["2020-05-01T00:00:00Z"] * 2


def test_declared_summaries_stay_in_order_and_grow():
    mine = declared(platform=["sentinel-2b", "sentinel-2a"], gsd=[10, 20, 60], **{"sci:doi": ["10.1/x"]})
    observed = seen(platform="sentinel-2c", gsd=10.0, instruments=["msi"], **{"eo:cloud_cover": 4})
    observed.merge(seen(**{"eo:cloud_cover": 80}))
    assert followed(mine, observed)["summaries"] == {
        "platform": ["sentinel-2b", "sentinel-2a", "sentinel-2c"],
        "gsd": [10, 20, 60],
        "sci:doi": ["10.1/x"],
        "instruments": ["msi"],
        "eo:cloud_cover": {"minimum": 4, "maximum": 80},
    }


def test_a_declared_range_is_widened_and_a_schema_is_left_alone():
    schema = {"type": "string"}
    mine = declared(gsd={"minimum": 10, "maximum": 60}, platform=schema)
    found = followed(mine, seen(gsd=2.5, platform="alos"))["summaries"]
    assert found == {"gsd": {"minimum": 2.5, "maximum": 60}, "platform": schema}


def test_a_property_with_too_many_values_is_not_listed():
    observed = Observed()
    for number in range(summarised().most_values + 1):
        observed.merge(seen(platform=f"p{number}"))
    assert "platform" not in observed.summaries()
    observed.merge(seen(platform="p0"))
    assert "platform" not in Observed.from_json(observed.to_json()).summaries()


MOMENTS = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
BOXES = st.tuples(st.floats(-180, 0), st.floats(-90, 0), st.floats(0, 180), st.floats(0, 90))
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "platform": st.sampled_from(["alos", "alos-2", "gcom-c"]) | st.integers() | st.none(),
        "instruments": st.lists(st.sampled_from(["msi", "sgli"])) | st.just("msi"),
        "gsd": st.floats(0.1, 1000) | st.booleans() | st.just({"odd": 1}),
        "eo:cloud_cover": st.floats(0, 100) | st.text(max_size=2),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(MOMENTS, BOXES, PROPERTIES), max_size=8), st.randoms())
def test_a_union_is_the_same_in_any_order_and_through_the_database(items: list[Any], chance: Any):
    whole, shuffled = Observed(), Observed()
    for moment, box, _ in items:
        whole.merge_extent(moment, moment, moment, box)
    whole.add_said(summarised_values(properties) for _, _, properties in items)
    chance.shuffle(items)
    for moment, box, properties in [*items, *items[:3]]:
        part = Observed()
        part.merge_extent(moment, moment, moment, box)
        part.add_said([summarised_values(properties)])
        kept = Observed.from_json(part.to_json())
        kept.merge_extent(part.oldest, part.newest, part.latest_end, part.box)
        shuffled.merge(kept)
    assert shuffled == whole
    if items:
        assert whole.oldest == min(moment for moment, _, _ in items)
        assert whole.box is not None
        assert whole.box[0] == min(box[0] for _, box, _ in items)
    for name, numbers in whole.ranges.items():
        told = [properties[name] for _, _, properties in items if isinstance(properties.get(name), float)]
        assert numbers == (min(told), max(told))
    platforms = {properties.get("platform") for _, _, properties in items} - {None}
    assert (whole.values.get("platform") or set()) == platforms
