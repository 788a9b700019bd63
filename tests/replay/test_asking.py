"""What `kakehashi ingest` asks CDSE and G-Portal, page after page."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.replay.run import Runner
from tests.replay.server import Answer, Replay, Request, Script, as_json, cdse, gportal
from tests.unit.documents import (
    item_collection,
    palsar_2,
    sentinel_2,
    sgli,
)

Upstream = Callable[[Script], Replay]

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]
_PALSAR = "alos-2-palsar-2-wbd"


@pytest.mark.parametrize("link", ["post", "whole", "get"])
def test_next_links_of_every_form_are_followed(kakehashi: Runner, upstream: Upstream, link: str) -> None:
    replay = upstream(cdse(_SCENES, page_size=2, link=link))
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--url", replay.url)
    outcome.went_well()
    assert outcome.ids == [f"scene-{number}" for number in range(5)]
    methods = [request.method for request in replay.requests]
    assert methods == (["POST", "GET", "GET"] if link == "get" else ["POST"] * 3)
    if link == "post":
        assert replay.requests[1].body == {"limit": 100, "token": "next:2"}, "merged into the body before"
    assert "3 pages, 5 records, 5 items, 0 records refused" in outcome.stderr


def test_a_mirror_that_knows_no_post_is_asked_by_get(kakehashi: Runner, upstream: Upstream) -> None:
    good = cdse(_SCENES, link="get")

    def get_only(request: Request) -> Answer:
        return good(request) if request.method == "GET" else Answer(b"", 405)

    replay = upstream(get_only)
    outcome = kakehashi(
        "ingest",
        "cdse",
        "--dry-run",
        "--url",
        f"{replay.url}/",
        "--collection",
        "sentinel-2-l2a",
        "--bbox",
        "1,2,3,4",
    )
    outcome.went_well()
    assert replay.requests[1].query == {
        "limit": "100",
        "collections": "sentinel-2-l2a",
        "bbox": "1.0,2.0,3.0,4.0",
    }


def test_what_is_asked_of_cdse(kakehashi: Runner, upstream: Upstream) -> None:
    replay = upstream(cdse(_SCENES, page_size=100))
    outcome = kakehashi(
        "ingest", "cdse", "--dry-run", "--url", replay.url,
        "--collection", "sentinel-2-l2a,sentinel-6-amr-c-ntc", "--collection", "sentinel-1-grd",
        "--datetime", "2024-01-15/2024-01-16", "--bbox", "138,34,141,37",
    )  # fmt: skip
    outcome.went_well()
    common = {
        "limit": 100,
        "datetime": "2024-01-15T00:00:00Z/2024-01-17T00:00:00Z",
        "bbox": [138.0, 34.0, 141.0, 37.0],
    }
    assert [request.body for request in replay.requests] == [
        {**common, "collections": ["sentinel-2-l2a"]},
        {**common, "collections": ["sentinel-6-amr-c-ntc", "sentinel-6-amr-ntc"]},
        {**common, "collections": ["sentinel-1-grd"]},
    ]
    assert all(request.headers["user-agent"].startswith("kakehashi/") for request in replay.requests)
    assert not any("authorization" in request.headers for request in replay.requests)


def test_what_is_asked_of_gportal(kakehashi: Runner, upstream: Upstream) -> None:
    replay = upstream(gportal([palsar_2(), sgli()]))
    outcome = kakehashi(
        "ingest", "gportal", "--dry-run", "--url", f"{replay.url}/csw",
        "--collection", f"{_PALSAR},gcom-c-sgli-l2-rsrf", "--bbox", "130,30,142,38", "--datetime", "2014-01-01/..",
    )  # fmt: skip
    outcome.went_well()
    assert sorted(outcome.ids) == ["ALOS2012373150-140815", "GC1SG1_20240409D01D_T0528_L2SG_RSRFQ_3002"]
    first, second = replay.requests
    assert first.path == "/csw"
    assert first.query["datasetId"] == "10002015"
    assert second.query["datasetId"] == "27004010"
    assert first.query["startTime"] == "2014-01-01T00:00:00Z"
    assert "endTime" not in first.query
    assert first.query["bbox"] == "125,25,147,43", "with a margin for edges that G-Portal draws straight"
    assert (first.query["count"], first.query["startIndex"]) == ("500", "1")


@pytest.mark.parametrize("matched", [lambda count: count, str, lambda count: None, lambda count: "many"])
def test_gportal_may_count_in_texts_or_not_at_all(
    kakehashi: Runner, upstream: Upstream, matched: Callable[[int], Any]
) -> None:
    replay = upstream(gportal([palsar_2("a"), palsar_2("b")], matched=matched))
    outcome = kakehashi("ingest", "gportal", "--dry-run", "--url", replay.url, "--collection", _PALSAR)
    outcome.went_well()
    assert outcome.ids == ["a", "b"]
    assert len(replay.requests) == (1 if matched(2) in (2, "2") else 2), (
        "without a count until a page is empty"
    )


def test_gportal_gives_its_pages_in_turn(kakehashi: Runner, upstream: Upstream) -> None:
    """It gives fewer than it is asked for: the next page begins after what came."""
    records = [palsar_2(f"record-{number}") for number in range(3)]
    whole = gportal(records)

    def short(request: Request) -> Answer:
        return whole(
            Request(request.method, request.path, {**request.query, "count": "2"}, None, request.headers)
        )

    replay = upstream(short)
    outcome = kakehashi("ingest", "gportal", "--dry-run", "--url", replay.url, "--collection", _PALSAR)
    assert outcome.ids == ["record-0", "record-1", "record-2"]
    assert [request.query["startIndex"] for request in replay.requests] == ["1", "3"]


def test_nothing_found_is_no_failure(kakehashi: Runner, upstream: Upstream) -> None:
    for arguments, script in (("cdse",), cdse([])), (("gportal", "--collection", _PALSAR), gportal([])):
        replay = upstream(script)
        outcome = kakehashi("ingest", *arguments, "--dry-run", "--url", replay.url)
        outcome.went_well()
        assert outcome.stdout == ""
        assert "0 records, 0 items" in outcome.stderr


def test_pages_that_shift_repeat_records_and_each_is_taken_once(
    kakehashi: Runner, upstream: Upstream
) -> None:
    pages = [[0, 1, 2], [2, 3], [3, 4], []]

    def shifting(request: Request) -> Answer:
        number = int((request.body or {}).get("token", 0))
        link = {"rel": "next", "method": "POST", "href": "/search", "body": {"token": number + 1}}
        return as_json(item_collection([_SCENES[index] for index in pages[number]], [link]))

    replay = upstream(shifting)
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--url", replay.url)
    outcome.went_well()
    assert outcome.ids == [f"scene-{number}" for number in range(5)]
    assert "left out: 2 records that came more than once" in outcome.stderr


def test_the_address_may_come_from_the_environment(kakehashi: Runner, upstream: Upstream) -> None:
    replay = upstream(cdse(_SCENES))
    outcome = kakehashi("ingest", "cdse", "--dry-run", KAKEHASHI_SOURCES__CDSE__URL=replay.url)
    outcome.went_well()
    assert len(outcome.ids) == 5
    kakehashi("ingest", "cdse", "--dry-run", KAKEHASHI_SOURCES__CDSE__URL="nowhere").failed(
        "KAKEHASHI_SOURCES__CDSE__URL", "'nowhere' is not an http(s) address"
    )
