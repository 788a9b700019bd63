"""Upstreams that fail: the retry they deserve, else one clear line, and nothing half-loaded."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.replay.run import Catalogue, Runner, run_process
from tests.replay.server import (
    Answer,
    Replay,
    Request,
    Script,
    always,
    as_json,
    cdse,
    first,
    gportal,
    refused_port,
)
from tests.unit.documents import item_collection, palsar_2, record_collection, sentinel_2

Upstream = Callable[[Script], Replay]

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]
_RECORDS = [palsar_2(f"record-{number}") for number in range(3)]
_PALSAR = ("--collection", "alos-2-palsar-2-wbd")
_SOURCES: dict[str, tuple[Script, list[str], list[str]]] = {
    "cdse": (cdse(_SCENES, page_size=5), [scene["id"] for scene in _SCENES], ["cdse"]),
    "gportal": (gportal(_RECORDS), [f"record-{number}" for number in range(3)], ["gportal", *_PALSAR]),
}


def _dry(kakehashi: Runner, replay: Replay, arguments: list[str], **environment: str) -> Any:
    return kakehashi("ingest", *arguments, "--dry-run", "--url", replay.url, **environment)


# -- faults that pass --------------------------------------------------------------------------------

_SOON = Answer(status=429, headers={"retry-after": "0"})
_PASSING: dict[str, list[Answer]] = {
    "429, later, in seconds": [_SOON, _SOON],
    "429, later, by a date": [
        Answer(
            status=429,
            headers={"retry-after": format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)},
        )
    ],
    "429, later, in words": [Answer(status=429, headers={"retry-after": "soon"})],
    "429, later, in strange digits": [Answer(status=429, headers={"retry-after": "²"})],
    "429 without a hint": [Answer(status=429)],
    "500 twice": [Answer(status=500), Answer(b"<html>", 500)],
    "502, 503": [Answer(status=502), Answer(status=503, headers={"retry-after": "0"})],
    "504": [Answer(status=504)],
    "JSON cut short": [Answer(b'{"type": "FeatureCollection", "features": [{"type": "Fea')],
    "an answer that breaks off": [Answer(b'{"type": "Feat', length=5000)],
}


# G-Portal is asked at most twice a second: one of its retries stands for all.
@pytest.mark.parametrize(("source", "fault"), [*(("cdse", fault) for fault in _PASSING), ("gportal", "504")])
def test_a_fault_that_passes_costs_a_retry(
    kakehashi: Runner, upstream: Upstream, source: str, fault: str
) -> None:
    script, ids, arguments = _SOURCES[source]
    replay = upstream(first(*_PASSING[fault], then=script))
    outcome = _dry(kakehashi, replay, arguments)
    outcome.went_well()
    assert outcome.ids == ids
    assert len(replay.requests) == len(_PASSING[fault]) + 1
    same = {
        (request.method, request.path, json.dumps(request.query), json.dumps(request.body))
        for request in replay.requests
    }
    assert len(same) == 1, "the same request is asked again"
    assert outcome.stderr.count("next try in") == len(_PASSING[fault])


def test_the_pause_that_is_asked_for_is_made_but_never_a_longer_one(
    kakehashi: Runner, upstream: Upstream
) -> None:
    script, ids, arguments = _SOURCES["cdse"]
    replay = upstream(first(Answer(status=429, headers={"retry-after": "1"}), then=script))
    outcome = _dry(kakehashi, replay, arguments, KAKEHASHI_HTTP_MAX_WAIT_S="5")
    assert outcome.ids == ids
    assert outcome.seconds >= 1
    assert "next try in 1.0 s" in outcome.stderr
    replay = upstream(first(Answer(status=429, headers={"retry-after": "0"}), then=script))
    outcome = _dry(kakehashi, replay, arguments, KAKEHASHI_HTTP_MAX_WAIT_S="5")
    assert "next try in 0.0 s" in outcome.stderr, "and not the half second that is ours by default"
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    for hour in ("3600", tomorrow, "9" * 40):
        replay = upstream(first(Answer(status=503, headers={"retry-after": hour}), then=script))
        outcome = _dry(kakehashi, replay, arguments)
        assert outcome.ids == ids
        assert outcome.seconds < 10


# -- faults that stay --------------------------------------------------------------------------------

_STAYING: dict[str, tuple[Answer, int, str]] = {
    # answer, number of requests, what is said
    "429 for ever": (
        Answer(status=429, headers={"retry-after": "0"}),
        3,
        "answers 429 Too Many Requests (3 tries)",
    ),
    "500 for ever": (Answer(status=500), 3, "answers 500 Internal Server Error (3 tries)"),
    "503 for ever": (Answer(status=503), 3, "answers 503"),
    "JSON cut short for ever": (Answer(b'{"type": "Feature'), 3, "the JSON is cut short or damaged"),
    "breaks off for ever": (Answer(b'{"type":', length=900), 3, "no answer"),
    "HTML with 200": (
        Answer(b"<html>login</html>", headers={"content-type": "text/html"}),
        1,
        "text/html instead of JSON",
    ),
    "nothing with 200": (Answer(b""), 1, "instead of JSON"),
    "400": (Answer(b"<ows:ExceptionReport/>", 400), 1, "answers 400 Bad Request"),
    "401": (Answer(b"{}", 401), 1, "answers 401"),
    "403": (Answer(b"{}", 403), 1, "answers 403"),
    "JSON of something else": (as_json({"hello": "world"}), 1, "`features`"),
    "a JSON array": (as_json([1, 2]), 1, "`features`"),
    "a JSON number": (as_json(5), 1, "`features`"),
    "features that are no list": (as_json({"type": "FeatureCollection", "features": {}}), 1, "`features`"),
    "a page of another catalogue": (
        as_json(item_collection([{"type": "Feature", "id": "x", "stac_version": "1.0.0", "properties": {}}])),
        1,
        " is ",
    ),
}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (source, fault)
        for fault in _STAYING
        for source in _SOURCES
        if source == "cdse" or _STAYING[fault][1] == 1
    ],
)
def test_a_fault_that_stays_is_one_clear_line(
    kakehashi: Runner, upstream: Upstream, source: str, fault: str
) -> None:
    answer, requests, words = _STAYING[fault]
    replay = upstream(always(answer))
    outcome = _dry(kakehashi, replay, _SOURCES[source][2])
    outcome.failed(words, replay.url)
    assert outcome.stdout == ""
    assert len(replay.requests) == requests
    assert outcome.seconds < 15


@pytest.mark.parametrize("source", _SOURCES)
def test_a_404_is_one_clear_line(kakehashi: Runner, upstream: Upstream, source: str) -> None:
    replay = upstream(always(Answer(b"{}", 404)))
    _dry(kakehashi, replay, _SOURCES[source][2]).failed("answers 404 Not Found")
    # A STAC API that knows no POST is asked once more, by GET.
    assert [request.method for request in replay.requests] == {"cdse": ["POST", "GET"], "gportal": ["GET"]}[
        source
    ]


@pytest.mark.parametrize("source", _SOURCES)
def test_nobody_there_is_one_clear_line(kakehashi: Runner, source: str) -> None:
    url = refused_port()
    outcome = kakehashi("ingest", *_SOURCES[source][2], "--dry-run", "--url", url)
    outcome.failed("no answer", url, "(3 tries)")
    assert outcome.seconds < 10


def test_an_upstream_that_hangs_is_left(kakehashi: Runner, upstream: Upstream) -> None:
    replay = upstream(always(Answer(b"{}", after_s=30)))
    outcome = _dry(kakehashi, replay, ["cdse"], KAKEHASHI_HTTP_TIMEOUT_S="0.3")
    outcome.failed("no answer", "(3 tries)")
    assert len(replay.requests) == 3
    assert outcome.seconds < 10


def test_an_upstream_that_drips_is_left(kakehashi: Runner, upstream: Upstream) -> None:
    """Some bytes now and then keep a connection alive for ever; the limit is for the whole answer."""

    replay = upstream(always(Answer(b"{", length=10_000_000, drip_s=0.05)))
    outcome = _dry(kakehashi, replay, ["cdse"], KAKEHASHI_HTTP_TIMEOUT_S="0.4")
    outcome.failed("no answer", "(3 tries)")
    assert len(replay.requests) == 3
    assert outcome.seconds < 10


@pytest.mark.parametrize("source", _SOURCES)
def test_an_answer_that_is_too_large_is_not_read(kakehashi: Runner, upstream: Upstream, source: str) -> None:
    replay = upstream(always(Answer(b" " * 200_000)))
    outcome = _dry(kakehashi, replay, _SOURCES[source][2], KAKEHASHI_HTTP_MAX_BYTES="100000")
    outcome.failed("larger than 100000 bytes")
    assert len(replay.requests) == 1


# -- paging that leads nowhere -----------------------------------------------------------------------


def _bounded(script: Callable[[Request, int], Answer], limit: int = 25) -> Script:
    """A script that is told how many requests there were; too many are a failure of the client."""
    count = iter(range(limit))

    def bounded(request: Request) -> Answer:
        number = next(count, None)
        assert number is not None, "it asks for ever"
        return script(request, number)

    return bounded


def _next(href: str, **more: Any) -> list[Any]:
    return [{"rel": "next", "href": href, **more}]


_CIRCLES: dict[str, Callable[[Request, int], Answer]] = {
    "a next link in a circle": lambda request, number: as_json(
        item_collection([sentinel_2(f"scene-{number}")], _next(f"/search?page={number % 2}"))
    ),
    "a next link to itself": lambda request, number: as_json(
        item_collection([sentinel_2(f"scene-{number}")], _next("/search", method="POST", body=request.body))
    ),
    "the same page for ever": lambda request, number: as_json(
        item_collection([sentinel_2("scene")], _next(f"/search?page={number}"))
    ),
    "two pages for ever": lambda request, number: as_json(
        item_collection([sentinel_2(f"scene-{number % 2}")], _next(f"/search?page={number}"))
    ),
}


@pytest.mark.parametrize("fault", _CIRCLES)
def test_a_search_in_a_circle_ends(kakehashi: Runner, upstream: Upstream, fault: str) -> None:
    replay = upstream(_bounded(_CIRCLES[fault]))
    outcome = _dry(kakehashi, replay, ["cdse"])
    outcome.failed(replay.url)
    assert len(set(outcome.ids)) == len(outcome.ids), "each item is given once"
    assert len(replay.requests) <= 4


def test_gportal_that_ignores_startindex_ends(kakehashi: Runner, upstream: Upstream) -> None:
    """The pages then are all the first one."""
    replay = upstream(_bounded(lambda request, number: as_json(record_collection(_RECORDS, matched=100))))
    outcome = _dry(kakehashi, replay, ["gportal", *_PALSAR])
    outcome.failed("the same page comes again", "startIndex=4")
    assert outcome.ids == ["record-0", "record-1", "record-2"]
    assert len(replay.requests) == 2


def test_gportal_that_ends_before_its_count_is_not_complete(kakehashi: Runner, upstream: Upstream) -> None:
    def ends(request: Request, number: int) -> Answer:
        return as_json(record_collection([] if number else _RECORDS, matched=7))

    replay = upstream(_bounded(ends))
    _dry(kakehashi, replay, ["gportal", *_PALSAR]).failed(
        "no more records come, although 7 are said to match"
    )


@pytest.mark.parametrize(
    "link",
    [
        {"href": "http://[broken"},
        {"href": "ftp://example.com/search"},
        {"href": "http://exam\nple.com:abc/"},
        {"href": "/search", "method": "POST", "body": [1]},
        {"href": "/search", "method": "POST", "body": "text", "merge": True},
        {"href": "/search", "method": "POST", "body": {"token": "\ud800"}},
    ],
)
def test_a_next_link_that_cannot_be_followed_is_one_clear_line(
    kakehashi: Runner, upstream: Upstream, link: Any
) -> None:
    page = as_json(item_collection([sentinel_2("scene")], [{"rel": "next", **link}]))
    replay = upstream(_bounded(lambda request, number: page))
    outcome = _dry(kakehashi, replay, ["cdse"])
    outcome.failed()
    assert outcome.ids == ["scene"]


# -- and the catalogue stays whole -------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500 for ever", "HTML with 200"])
def test_what_came_before_a_fault_is_loaded_whole(
    kakehashi: Runner, upstream: Upstream, catalogue: Catalogue, fault: str
) -> None:
    good = cdse(_SCENES, page_size=2)

    def script(request: Request) -> Answer:
        return good(request) if (request.body or {}).get("token") != "next:4" else _STAYING[fault][0]

    replay = upstream(script)
    arguments = ("ingest", "cdse", "--url", replay.url)
    outcome = kakehashi(*arguments, database_url=catalogue.url, KAKEHASHI_BATCH_SIZE="3")
    outcome.failed(replay.url)
    items = catalogue.items()
    assert sorted(items) == ["scene-0", "scene-1", "scene-2", "scene-3"], (
        "two pages, although a batch holds three"
    )
    (run,) = catalogue.runs()
    assert run["state"] == "failed"
    assert run["error"] in outcome.stderr
    assert (run["pages"], run["records"], run["inserted"]) == (2, 4, 4)
    # Once it is well again the rest comes, and nothing twice.
    replay.script = good
    again = kakehashi(*arguments, database_url=catalogue.url)
    again.went_well()
    assert "1 new, 0 updated, 4 unchanged" in again.stderr
    assert len(catalogue.items()) == 5


def test_an_upstream_that_never_answers_leaves_the_catalogue_as_it_was(
    kakehashi: Runner, catalogue: Catalogue
) -> None:
    outcome = kakehashi("ingest", "gportal", *_PALSAR, "--url", refused_port(), database_url=catalogue.url)
    outcome.failed("no answer")
    assert catalogue.items() == {}
    assert catalogue.collections() == set()
    assert [run["state"] for run in catalogue.runs()] == ["failed"]


def test_a_real_process_fails_with_one_line_too(upstream: Upstream) -> None:
    replay = upstream(always(Answer(status=503)))
    outcome = run_process("ingest", "gportal", *_PALSAR, "--dry-run", "--url", replay.url)
    outcome.failed("answers 503", "(3 tries)")
    assert outcome.stdout == "", "retries are told on standard error"
    assert len(replay.requests) == 3
