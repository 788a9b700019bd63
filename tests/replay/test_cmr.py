"""NASA's CMR against an imitation of its search."""

from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged, UpstreamUnavailable
from ingest.contract import Window
from ingest.times import parse_time
from tests.replay.japan import Cmr, served
from tests.replay.running import Kept, ask, ingest
from tests.unit.documents_japan import asf_palsar, asf_palsar_2, aster

L11 = "alos-palsar-l1-1"
L11_CONCEPT = "C1206485527-ASF"


def search(granules: int = 5, **changes: Any) -> Cmr:
    return Cmr(
        granules={
            L11_CONCEPT: [asf_palsar(f"ALPSRP12345{number:04d}-L1.1") for number in range(granules)],
            "C3315903479-ASF": [asf_palsar_2()],
            "AST_L1T": [aster()],
        },
        **changes,
    )


async def asked(upstream: Cmr, **options: Any) -> Kept:
    with served(upstream) as url:
        return await ask("cmr", url, **options)


def test_a_run() -> None:
    upstream = search(2)
    with served(upstream) as url:
        done = ingest("cmr", "--collection", f"{L11},aster-l1t", "--datetime", "2008-05-20", url=url)
    assert done.status == 0, done.said
    assert done.ids == [
        "ALPSRP123450000-L1.1",
        "ALPSRP123450001-L1.1",
        "AST_L1T_00305202008020730_20150520123456_12345",
    ]
    assert {one.query["temporal"] for one in upstream.log} == {"2008-05-20T00:00:00Z,2008-05-21T00:00:00Z"}


async def test_without_a_collection_each_is_asked_for_by_concept_id_or_short_name() -> None:
    upstream = search()
    kept = await asked(upstream)
    assert len(kept.items) == 7
    by_concept = {
        one.query["collection_concept_id"] for one in upstream.log if "collection_concept_id" in one.query
    }
    assert {"C1206485320-ASF", L11_CONCEPT, "C1208662092-ASF"} < by_concept
    assert len(by_concept) == 10
    assert {one.query["short_name"] for one in upstream.log if "short_name" in one.query} == {"AST_L1T"}


async def test_the_header_goes_back_until_none_comes() -> None:
    upstream = search(5)
    kept = await asked(upstream, collections=(L11,), page_size=2)
    assert kept.ids == [f"ALPSRP12345{number:04d}-L1.1" for number in range(5)]
    sent = [one.headers.get("cmr-search-after") for one in upstream.log]
    assert sent == [None, '["asf", 2]', '["asf", 4]', '["asf", 5]']
    assert {one.query["page_size"] for one in upstream.log} == {"2"}


async def test_time_and_box_are_asked_for_and_what_starts_at_the_end_is_left_out() -> None:
    upstream = search(1)
    window = Window(parse_time("2008-05-20"), parse_time("2008-05-20T13:20:00Z"))
    kept = await asked(upstream, collections=(L11,), window=window, bbox=(170, 30, -170, 33))
    assert kept.items == []
    assert upstream.log[0].query["temporal"] == "2008-05-20T00:00:00Z,2008-05-20T13:20:00Z"
    assert upstream.log[0].query["bounding_box"] == "170,30,-170,33"


async def test_no_page_is_larger_than_cmr_gives() -> None:
    upstream = search(1)
    await asked(upstream, collections=(L11,), page_size=10_000)
    assert upstream.log[0].query["page_size"] == "2000"


async def test_an_empty_collection_is_no_error() -> None:
    assert (await asked(search(0), collections=(L11,))).items == []


async def test_a_limit_ends_the_asking() -> None:
    upstream = search(5)
    kept = await asked(upstream, collections=(L11,), page_size=2, limit=2)
    assert len(kept.items) == 2
    assert len(upstream.log) == 1


# -- when things go wrong -------------------------------------------------------------------------


async def test_a_collection_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="cmr has no collection modis"):
        await asked(search(), collections=("modis",))


async def test_a_next_page_that_is_not_named_is_an_error_and_not_the_end() -> None:
    """A proxy that drops the header must not make a harvest end early."""
    with pytest.raises(UpstreamChanged, match="no next page is named, although 5 granules"):
        await asked(search(5, forgets_next=True), collections=(L11,), page_size=2)


async def test_a_last_page_may_fall_short_of_the_count() -> None:
    """Granules are deleted while pages are walked."""
    upstream = search(3, forgets_next=True, hits=4)
    assert len((await asked(upstream, collections=(L11,), page_size=10)).items) == 3


async def test_a_page_that_comes_again_ends_the_walk() -> None:
    with pytest.raises(UpstreamChanged, match="the same page comes again"):
        await asked(search(5, repeats=True), collections=(L11,), page_size=2)


async def test_an_answer_that_ran_out_of_time_is_not_taken_for_whole() -> None:
    with pytest.raises(UpstreamUnavailable, match="ran out of time"):
        await asked(search(5, timed_out=True), collections=(L11,))


async def test_what_cmr_says_of_a_bad_query_is_passed_on() -> None:
    with pytest.raises(UpstreamChanged, match=r"400.*page_size must be a number between 0 and 1"):
        await asked(search(5, largest_page=1), collections=(L11,))


async def test_busy_answers_are_waited_out() -> None:
    upstream = search(1, faults=[(429, {"errors": ["Too many"]}, {"retry-after": "0"}), (504, "", {})])
    assert len((await asked(upstream, collections=(L11,))).items) == 1


async def test_html_instead_of_json_is_named() -> None:
    with pytest.raises(UpstreamChanged, match="text/html instead of JSON"):
        await asked(search(1, faults=[(200, "<html>", {"content-type": "text/html"})]), collections=(L11,))
