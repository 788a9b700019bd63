"""AMeDAS against an imitation of the JMA website."""

from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged, UpstreamUnavailable
from ingest.contract import Window
from ingest.sources import make_source
from ingest.times import parse_time
from tests.replay.japan import Amedas, served
from tests.replay.running import Kept, ask, ingest
from tests.unit.documents import definitions
from tests.unit.documents_japan import observation, station_table

STATIONS, MAP = "jma-amedas", "jma-amedas-map"
TOKYO, FUKUOKA = ("44132", 44, 132), ("82182", 82, 182)


def website(**changes: Any) -> Amedas:
    """Files of two of three stations on 12 June 2026 up to 10:30 in Japan, and two maps."""
    files: dict[str, Any] = {
        "/const/amedastable.json": station_table(),
        "/data/latest_time.txt": "2026-06-12T10:30:00+09:00\n",
        "/data/map/20260612102000.json": {"44132": observation()},
        "/data/map/20260612103000.json": {"44132": observation(), "82182": observation(82, 182)},
    }
    for code, region, number in (TOKYO, FUKUOKA):
        for hour in (3, 6, 9):
            files[f"/data/point/{code}/20260612_{hour:02d}.json"] = {
                f"20260612{hour:02d}{minute:02d}00": observation(region, number) for minute in (0, 10, 20)
            }
    return Amedas(files={**files, **changes.pop("more", {})}, **changes)


async def asked(upstream: Amedas, **options: Any) -> Kept:
    with served(upstream) as url:
        return await ask("amedas", url, **options)


def window(start: str | None, end: str | None) -> Window:
    return Window(parse_time(start) if start else None, parse_time(end) if end else None)


def test_a_run() -> None:
    upstream = website()
    with served(upstream) as url:
        done = ingest("amedas", url=url)
    assert done.status == 0, done.said
    assert done.ids == ["amedas-44132-20260612T09", "amedas-82182-20260612T09", "amedas-map-20260612T1030"]
    assert len(upstream.log) == 2 + 3 + 1, "table, latest time, a file for each station, a map"


async def test_a_station_without_a_file_is_left_out() -> None:
    upstream = website()
    kept = await asked(upstream, collections=(STATIONS,))
    assert "/data/point/44356/20260612_09.json" in upstream.paths()
    assert kept.ids == ["amedas-44132-20260612T09", "amedas-82182-20260612T09"]


async def test_a_box_chooses_the_stations_before_they_are_asked_for() -> None:
    upstream = website()
    kept = await asked(upstream, collections=(STATIONS,), bbox=(129, 32, 132, 34))
    assert kept.ids == ["amedas-82182-20260612T09"]
    assert [path for path in upstream.paths() if "/point/" in path] == ["/data/point/82182/20260612_09.json"]


async def test_a_time_chooses_the_files() -> None:
    """21:00 to 00:15 UTC is 06:00 to 09:15 of the next day in Japan."""
    upstream = website()
    kept = await asked(
        upstream,
        collections=(STATIONS,),
        bbox=(139, 35, 140, 36),
        window=window("2026-06-11T21:00:00Z", "2026-06-12T00:15:00Z"),
    )
    assert kept.ids == ["amedas-44132-20260612T06", "amedas-44132-20260612T09"]


async def test_maps_by_time() -> None:
    upstream = website()
    kept = await asked(
        upstream, collections=(MAP,), window=window("2026-06-12T01:11:00Z", "2026-06-12T02:00:00Z")
    )
    assert kept.ids == ["amedas-map-20260612T1020", "amedas-map-20260612T1030"]
    assert upstream.paths()[2:] == ["/data/map/20260612102000.json", "/data/map/20260612103000.json"]


async def test_nothing_older_than_what_is_kept_is_asked_for() -> None:
    upstream = website()
    kept = await asked(
        upstream,
        collections=(STATIONS,),
        bbox=(139, 35, 140, 36),
        window=window("2020-01-01T00:00:00Z", "2026-05-29T12:00:00Z"),
    )
    assert kept.items == []
    asked_for = [path for path in upstream.paths() if "/point/" in path]
    assert asked_for[0] == "/data/point/44132/20260529_09.json"
    assert len(asked_for) == 4


async def test_a_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    few = make_source("amedas", definitions()).definition.model_copy(update={"files_per_run": 4})
    monkeypatch.setattr("ingest.sources.amedas.load_definition", lambda kind, file: few)
    upstream = website()
    with pytest.raises(ConfigurationError, match="4 files were asked for, the most of one run"):
        await asked(upstream, window=window("2026-06-11T18:00:00Z", None))
    assert len(upstream.log) == 6


async def test_a_limit_ends_the_asking() -> None:
    upstream = website()
    kept = await asked(upstream, limit=1)
    assert kept.ids == ["amedas-44132-20260612T09"]
    assert len(upstream.log) == 3


# -- when things go wrong -------------------------------------------------------------------------


async def test_a_collection_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="amedas has no collection gsmap"):
        await asked(website(), collections=("gsmap",))


async def test_a_table_of_another_form_is_named() -> None:
    with pytest.raises(UpstreamChanged, match=r"amedastable.json: the answer is no table of stations"):
        await asked(website(more={"/const/amedastable.json": {"44132": {"name": "東京"}}}))


async def test_a_latest_time_that_is_none_is_named() -> None:
    with pytest.raises(UpstreamChanged, match=r"latest_time.txt: .* is not a time"):
        await asked(website(more={"/data/latest_time.txt": "<html>"}))


async def test_a_file_of_another_form_is_named() -> None:
    with pytest.raises(UpstreamChanged, match="is no file of AMeDAS"):
        await asked(website(more={"/data/point/44132/20260612_09.json": {"error": {}}}))


async def test_a_website_that_is_down_is_no_missing_file() -> None:
    with pytest.raises(UpstreamUnavailable, match="503"):
        await asked(website(faults=[(503, "", {})] * 3))
