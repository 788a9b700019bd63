"""Tellus against an imitation of the Traveler API."""

from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged, UpstreamUnavailable
from ingest.contract import Window
from ingest.sources import make_source
from ingest.times import parse_time
from tests.replay.japan import Tellus, served
from tests.replay.running import Kept, ask, ingest
from tests.unit.documents import definitions
from tests.unit.documents_japan import (
    AVNIR_2,
    PALSAR_2_L21,
    UNKNOWN_DATASET,
    avnir_2,
    palsar_2_scene,
    tellus_dataset,
    tellus_files,
)

TOKEN = "KAKEHASHI_SOURCES__TELLUS__TOKEN"
AVNIR = "alos-avnir-2-l1b1-tellus"


def scene_id(number: int) -> str:
    return f"{number:08d}-2222-4333-8444-555555555555"


def hub(scenes: int = 0, **changes: Any) -> Tellus:
    """One data set open to the world, one within Tellus only, one with a price."""
    return Tellus(
        datasets=[
            tellus_dataset(),
            tellus_dataset(PALSAR_2_L21, permission={"allow_network_type": "tellus"}),
            tellus_dataset(UNKNOWN_DATASET, prices=[{"price": 100}], is_order_required=True),
        ],
        scenes=[avnir_2(scene_id(number)) for number in range(scenes)] + [palsar_2_scene()],
        files={scene_id(0): tellus_files()},
        **changes,
    )


async def asked(upstream: Tellus, *, token: str = "secret-token", **options: Any) -> Kept:
    with served(upstream) as url:
        return await ask("tellus", url, token=token, **options)


def searches(upstream: Tellus) -> list[Any]:
    return [one.body for one in upstream.log if one.path == "/data-search/"]


# -- as a user starts it --------------------------------------------------------------------------


def test_without_a_token_it_says_which_setting_is_missing() -> None:
    upstream = hub()
    with served(upstream) as url:
        done = ingest("tellus", url=url)
    assert done.status == 1
    assert f"set {TOKEN}" in done.said
    assert upstream.log == []


def test_a_token_that_is_refused_is_not_shown() -> None:
    with served(hub()) as url:
        done = ingest("tellus", url=url, **{TOKEN: "my-other-secret"})
    assert done.status == 1
    assert "Tellus refuses the access token (401)" in done.said
    assert "my-other-secret" not in done.said


def test_a_run() -> None:
    with served(hub(2)) as url:
        done = ingest("tellus", url=url, **{TOKEN: "secret-token"})
    assert done.status == 0, done.said
    assert sorted(item["collection"] for item in done.items) == ["alos-2-palsar-2-l2-1-tellus", AVNIR, AVNIR]
    assert "secret-token" not in done.said
    assert "secret-token" not in str(done.items)


# -- what is asked for ----------------------------------------------------------------------------


async def test_free_data_sets_are_searched_and_files_asked_for_where_they_can_be_had() -> None:
    upstream = hub(2)
    kept = await asked(upstream)
    by_id = {item["id"]: item for item in kept.items}
    assert "img-01" in by_id[scene_id(0)]["assets"]
    assert by_id[scene_id(0)]["properties"]["tellus:free"] is True
    assert [body["datasets"] for body in searches(upstream)] == [[AVNIR_2], [PALSAR_2_L21]]
    assert len([path for path in upstream.paths() if path.endswith("/files/")]) == 2
    thumbnails = [path for path in upstream.paths() if path.endswith("/thumbnails/")]
    assert thumbnails == [f"/datasets/{AVNIR_2}/data/{scene_id(1)}/thumbnails/"], (
        "only where the files show none"
    )


async def test_the_cursor_is_sent_back_until_the_total_is_reached() -> None:
    upstream = hub(25)
    window = Window(parse_time("2008-01-01"), parse_time("2009-01-01"))
    kept = await asked(upstream, collections=(AVNIR,), window=window, page_size=10)
    assert len(kept.ids) == len(set(kept.ids)) == 25
    bodies = searches(upstream)
    assert [body["paginate"]["cursor"] for body in bodies] == [None, "10", "20"]
    assert {body["query"]["start_datetime"]["lt"] for body in bodies} == {"2009-01-01T00:00:00Z"}


async def test_a_page_is_never_smaller_or_larger_than_the_service_takes() -> None:
    upstream = hub(1)
    await asked(upstream, collections=(AVNIR,), page_size=1)
    await asked(upstream, collections=(AVNIR,), page_size=5000)
    assert [body["paginate"]["size"] for body in searches(upstream)] == [10, 1000]


async def test_a_box_across_the_antimeridian_goes_beyond_180() -> None:
    upstream = hub(1)
    kept = await asked(upstream, collections=(AVNIR,), bbox=(170, -10, -170, 10))
    assert kept.items == [], "the imitation does not look at the place; the answer is sifted here"
    [body] = searches(upstream)
    assert {x for x, _ in body["intersects"]["coordinates"][0]} == {170, 190}


async def test_a_data_set_with_a_price_is_searched_when_it_is_asked_for() -> None:
    upstream = hub()
    upstream.scenes.append(avnir_2(dataset_id=UNKNOWN_DATASET))
    kept = await asked(upstream, collections=(f"tellus-{UNKNOWN_DATASET}",))
    [item] = kept.items
    assert item["properties"]["tellus:free"] is False
    assert item["properties"]["tellus:order_required"] is True


async def test_files_are_asked_for_so_many_scenes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    few = make_source("tellus", definitions()).definition.model_copy(update={"files_per_run": 3})
    monkeypatch.setattr("ingest.sources.tellus.load_definition", lambda kind, file: few)
    upstream = hub(5)
    kept = await asked(upstream, collections=(AVNIR,), page_size=10)
    assert len(kept.items) == 5
    assert len([path for path in upstream.paths() if path.endswith("/files/")]) == 3
    assert all(any(link["rel"] == "related" for link in item["links"]) for item in kept.items)


# -- when things go wrong -------------------------------------------------------------------------


async def test_a_collection_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="tellus has no collection sentinel-2-l2a"):
        await asked(hub(), collections=("sentinel-2-l2a",))


async def test_busy_answers_are_waited_out() -> None:
    upstream = hub(1, faults=[(429, {"code": "throttled"}, {"retry-after": "0"}), (503, "", {})])
    assert len((await asked(upstream, collections=(AVNIR,))).items) == 1


async def test_an_upstream_that_stays_busy_is_unavailable() -> None:
    with pytest.raises(UpstreamUnavailable, match="429"):
        await asked(hub(faults=[(429, "", {})] * 3))


async def test_what_the_service_says_of_a_bad_search_is_passed_on() -> None:
    with pytest.raises(UpstreamChanged, match=r"400.*paginate.size must be 10 to 1000"):
        await asked(hub(1, largest_page=5), collections=(AVNIR,))


async def test_a_cursor_that_stands_still_ends_in_an_error_and_not_in_a_loop() -> None:
    with pytest.raises(UpstreamChanged, match="no more scenes come, although 25"):
        await asked(hub(25, stuck=True), collections=(AVNIR,), page_size=10)


async def test_a_total_that_is_not_reached_is_an_error() -> None:
    upstream = hub(3, total=7)
    with pytest.raises(UpstreamChanged, match="no more scenes come, although 7"):
        await asked(upstream, collections=(AVNIR,), page_size=10)
