"""`kakehashi ingest` against upstreams that answer as they should, into a file and into a catalogue."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.replay.run import ROOT, Catalogue, Runner, environment, run_process
from tests.replay.server import Answer, Replay, Request, Script, as_json, cdse, gportal
from tests.unit.documents import (
    CDSE,
    amsr2,
    item_collection,
    merged,
    palsar_2,
    record_collection,
    sentinel_2,
    sgli,
)

Upstream = Callable[[Script], Replay]

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]
_PALSAR = "alos-2-palsar-2-wbd"


def _file(folder: Path, document: Any, name: str = "answer.json") -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


# -- asking ------------------------------------------------------------------------------------------


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


# -- what is kept ------------------------------------------------------------------------------------


def test_no_more_than_the_limit_is_taken_or_asked_for(kakehashi: Runner, upstream: Upstream) -> None:
    replay = upstream(cdse(_SCENES, page_size=2))
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--url", replay.url, "--limit", "3")
    outcome.went_well()
    assert outcome.ids == ["scene-0", "scene-1", "scene-2"]
    assert len(replay.requests) == 2


def test_what_lies_outside_is_left_out_whatever_the_upstream_gives(kakehashi: Runner, tmp_path: Path) -> None:
    def at(name: str, west: float, day: str, collection: str = "sentinel-2-l2a") -> Any:
        ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
        moment = f"2024-01-{day}T12:00:00Z"
        return sentinel_2(
            name,
            collection=collection,
            geometry={"coordinates": [ring]},
            properties={"datetime": moment, "start_datetime": moment, "end_datetime": moment},
        )

    items = [at("in", 175, "15"), at("east", -176, "15"), at("far", 10, "15"), at("late", 175, "17")]
    items += [at("early", 175, "14"), at("other", 175, "15", "sentinel-2-l1c"), at("on-180", 179.5, "15")]
    file = _file(tmp_path, item_collection(items))
    arguments = ("ingest", "cdse", "--dry-run", "--from-file", file)
    everything = kakehashi(*arguments)
    assert len(everything.ids) == 7
    outcome = kakehashi(
        *arguments,
        "--datetime",
        "2024-01-15/2024-01-16",
        "--bbox",
        "170,-5,-170,5",
        "--collection",
        "sentinel-2-l2a",
    )
    outcome.went_well()
    assert outcome.ids == ["in", "east", "on-180"]
    assert "left out: 4 records outside" in outcome.stderr
    assert kakehashi(*arguments, "--bbox", "-170,-5,170,5").ids == ["far"], "the other way round the globe"
    assert kakehashi(*arguments, "--datetime", "../2024-01-14").ids == ["early"]
    assert kakehashi(*arguments, "--datetime", "2024-01-17T12:00:00Z/..").ids == ["late"]
    assert kakehashi(*arguments, "--datetime", "../2024-01-17T12:00:00Z").ids.count("late") == 0, "[A, B)"


def test_standard_output_holds_items_alone(upstream: Upstream) -> None:
    """Also with refused records, unknown names and a retry, and as a process of its own."""
    scenes = [
        *_SCENES,
        sentinel_2("broken", geometry=None),
        sentinel_2("日本", properties={"platform": "Sputnik"}),
    ]
    answers = iter([Answer(status=500)])
    good = cdse(scenes, page_size=3)
    replay = upstream(lambda request: next(answers, None) or good(request))
    outcome = run_process("ingest", "cdse", "--dry-run", "--url", replay.url, "--output", "-")
    outcome.went_well()
    assert outcome.ids == [*(f"scene-{number}" for number in range(5)), "日本"]
    assert outcome.stdout.endswith("}\n")
    refusals = [line for line in outcome.stderr.splitlines() if line.startswith("refused broken of ")]
    assert len(refusals) == 1
    assert "no-geometry" in refusals[0]
    assert "1 record refused" in outcome.stderr
    assert "refused, no-geometry: 1" in outcome.stderr
    assert "Sputnik" in outcome.stderr, "a name that is not in the vocabulary is told"


def test_items_can_go_to_a_file(kakehashi: Runner, tmp_path: Path) -> None:
    file = _file(tmp_path, item_collection(_SCENES))
    output = tmp_path / "out.ndjson"
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", file, "--output", str(output))
    outcome.went_well()
    assert outcome.stdout == ""
    assert len(output.read_bytes().splitlines()) == 5
    output.write_text("what was there before\n")
    kakehashi(
        "ingest", "cdse", "--dry-run", "--from-file", str(tmp_path / "no"), "--output", str(output)
    ).failed()
    assert output.read_text() == "what was there before\n", "a run that fails leaves the file alone"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answer.json", "out.ndjson"]
    for place in (tmp_path / "no folder" / "out", tmp_path):
        kakehashi("ingest", "cdse", "--dry-run", "--from-file", file, "--output", str(place)).failed(
            "--output", "cannot be written"
        )


def test_refused_records_fail_a_strict_run(kakehashi: Runner, tmp_path: Path) -> None:
    file = _file(tmp_path, item_collection([_SCENES[0], sentinel_2("broken", geometry=None)]))
    arguments = ("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome = kakehashi(*arguments, "--strict")
    assert outcome.status == 1
    assert outcome.ids == ["scene-0"], "the others go through"
    assert "Traceback" not in outcome.stderr
    kakehashi(*arguments).went_well()
    good = _file(tmp_path, item_collection(_SCENES), "good.json")
    kakehashi("ingest", "cdse", "--dry-run", "--from-file", good, "--strict").went_well()


def test_a_refusal_is_one_line_whatever_the_record_says(kakehashi: Runner, tmp_path: Path) -> None:
    evil = "a\nfault: b\x1b[31m\u2028c"
    file = _file(tmp_path, item_collection([_SCENES[0], sentinel_2(evil, geometry=None)]))
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome.went_well()
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("refused ")]
    assert line.startswith("refused a fault: b [31m c of ")


# -- files -------------------------------------------------------------------------------------------

_OTHERS = [
    ("cdse", record_collection([palsar_2()]), "no", "CDSE"),
    ("cdse", palsar_2(), "another catalogue", "CDSE"),
    ("gportal", item_collection([sentinel_2()]), "no answer of G-Portal", ""),
    ("gportal", sentinel_2(), "no answer of G-Portal", ""),
    ("cdse", "this is no JSON", "is no JSON", ""),
    ("gportal", "<html>", "is no JSON", ""),
    ("cdse", "", "is no JSON", ""),
    ("cdse", [palsar_2()], "CDSE", ""),
    ("gportal", [sentinel_2()], "no answer of G-Portal", ""),
    ("cdse", 5, "CDSE", ""),
    ("gportal", 5, "G-Portal", ""),
    ("gportal", None, "G-Portal", ""),
    ("cdse", '{"type": "FeatureCollection", "features": [{', "is no JSON", ""),
    ("cdse", "[" * 100_000, "is no JSON", ""),
]


@pytest.mark.parametrize(("source", "document", "first", "second"), _OTHERS)
def test_a_file_that_is_not_the_sources_is_one_clear_line(
    kakehashi: Runner, tmp_path: Path, source: str, document: Any, first: str, second: str
) -> None:
    file = _file(tmp_path, document)
    outcome = kakehashi("ingest", source, "--dry-run", "--from-file", file)
    outcome.failed(file, first, second)
    assert outcome.stdout == ""


@pytest.mark.parametrize(("source", "records"), [("cdse", [sentinel_2()]), ("gportal", [palsar_2()])])
def test_a_bare_list_of_records_is_read(
    kakehashi: Runner, tmp_path: Path, source: str, records: list[Any]
) -> None:
    outcome = kakehashi("ingest", source, "--dry-run", "--from-file", _file(tmp_path, records))
    outcome.went_well()
    assert len(outcome.stdout.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_one_clear_line(kakehashi: Runner, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        kakehashi("ingest", "cdse", "--dry-run", "--from-file", str(path)).failed(str(path), "cannot be read")


def test_one_bad_file_of_several_stops_before_anything_is_loaded(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    good, bad = _file(tmp_path, item_collection(_SCENES)), _file(tmp_path, palsar_2(), "bad.json")
    outcome = kakehashi("ingest", "cdse", "--from-file", good, "--from-file", bad, database_url=catalogue.url)
    outcome.failed(bad)
    assert catalogue.items() == {}
    assert catalogue.runs() == []


def test_descriptions_of_collections_are_taken_too(kakehashi: Runner, tmp_path: Path) -> None:
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "clms_ndvi_global_300m_10daily_v3_cog",
        "description": "NDVI",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -60, 180, 80]]},
            "temporal": {"interval": [["2020-07-01T00:00:00Z", None]]},
        },
        "links": [{"rel": "self", "href": f"{CDSE}/collections/clms_ndvi_global_300m_10daily_v3_cog"}],
    }
    file = _file(tmp_path, {"collections": [collection, merged(collection, {"id": "ccm-sar"})]})
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome.went_well()
    (written,) = outcome.items
    assert written["id"] == "clms_ndvi_global_300m_10daily_v3_cog"
    assert "1 collection," in outcome.stderr
    assert "refused, restricted: 1" in outcome.stderr


# -- misuse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["cdse", "gportal"],
        ["cdse", "--limit", "0"],
        ["cdse", "--limit", "many"],
        ["cdse", "--no-such-option"],
        ["cdse", "--output", "file.ndjson"],
    ],
)
def test_misuse_is_status_2(kakehashi: Runner, arguments: list[str]) -> None:
    outcome = kakehashi("ingest", *arguments)
    assert outcome.status == 2
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nasa"], ["'nasa'", "cdse", "gportal"]),
        (["gportal", "--collection", "no-such"], ["no-such", "kakehashi sources"]),
        (["cdse", "--collection", "ccm-sar"], ["ccm-sar", "restricted"]),
        (["cdse", "--bbox", "1,2,3"], ["--bbox", "'1,2,3'"]),
        (["cdse", "--datetime", "soon"], ["--datetime", "'soon'"]),
        (["cdse", "--datetime", "2024-02-01/2024-01-01"], ["--datetime", "ends before it starts"]),
        (["cdse", "--url", "example.com"], ["--url", "is not an http(s) address"]),
        (["cdse", "--url", "http://[::1"], ["--url", "is not an http(s) address"]),
        (["cdse", "--url", ""], ["--url", "is not an http(s) address"]),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    kakehashi: Runner, arguments: list[str], words: list[str]
) -> None:
    outcome = kakehashi("ingest", *arguments, "--dry-run")
    outcome.failed(*words)
    assert outcome.seconds < 5


def test_a_setting_that_is_wrong_is_named(kakehashi: Runner) -> None:
    kakehashi("ingest", "cdse", "--dry-run", KAKEHASHI_HTTP_ATTEMPTS="0").failed("KAKEHASHI_HTTP_ATTEMPTS")
    kakehashi("ingest", "cdse", "--dry-run", KAKEHASHI_HTTP_TIMEOUT_S="soon").failed(
        "KAKEHASHI_HTTP_TIMEOUT_S"
    )


def test_a_database_that_is_not_there_is_one_clear_line(kakehashi: Runner, tmp_path: Path) -> None:
    file = _file(tmp_path, item_collection(_SCENES))
    outcome = kakehashi(
        "ingest", "cdse", "--from-file", file, database_url="postgresql://nobody@127.0.0.1:9/none"
    )
    outcome.failed("database")
    assert "error: cannot reach" in outcome.stderr


# -- into a catalogue --------------------------------------------------------------------------------


def test_both_sides_go_into_one_catalogue_and_a_second_run_changes_nothing(
    upstream: Upstream, kakehashi: Runner, catalogue: Catalogue
) -> None:
    europe = upstream(cdse(_SCENES, page_size=2))
    outcome = run_process("ingest", "cdse", "--url", europe.url, database_url=catalogue.url)
    outcome.went_well()
    assert outcome.stdout == ""
    assert "loaded: 5 new, 0 updated, 0 unchanged" in outcome.stderr
    japan = upstream(gportal([palsar_2(), amsr2()]))
    collections = f"{_PALSAR},gcom-w-amsr2-l1r"
    outcome = kakehashi(
        "ingest", "gportal", "--collection", collections, "--url", japan.url, database_url=catalogue.url
    )
    outcome.went_well()
    assert "loaded: 2 new" in outcome.stderr
    items = catalogue.items()
    assert len(items) == 7
    assert catalogue.collections() == {"sentinel-2-l2a", _PALSAR, "gcom-w-amsr2-l1r"}
    assert {item["properties"]["harvest:source"] for item in items.values()} == {"cdse", "gportal"}
    # Another harvest:time alone is no change: neither counted nor written.
    for arguments in (
        ["cdse", "--url", europe.url],
        ["gportal", "--collection", collections, "--url", japan.url],
    ):
        outcome = kakehashi("ingest", *arguments, database_url=catalogue.url)
        outcome.went_well()
        assert "loaded: 0 new, 0 updated" in outcome.stderr
    assert catalogue.items() == items
    runs = catalogue.runs()
    assert [run["state"] for run in runs] == ["done"] * 4
    assert [(run["inserted"], run["updated"], run["unchanged"]) for run in runs] == [
        (5, 0, 0),
        (2, 0, 0),
        (0, 0, 5),
        (0, 0, 2),
    ]


def test_what_is_loaded_is_what_a_dry_run_shows(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    file = _file(tmp_path, record_collection([palsar_2(), amsr2(), sgli()]))
    arguments = ("ingest", "gportal", "--from-file", file)
    shown = {item["id"]: item for item in kakehashi(*arguments, "--dry-run").items}
    kakehashi(*arguments, database_url=catalogue.url).went_well()
    loaded = catalogue.items()
    for item in (*shown.values(), *loaded.values()):
        del item["properties"]["harvest:time"]
        # pgstac drops `datetime: null`; the read path gives it back.
        if item["properties"].get("datetime") is None:
            item["properties"].pop("datetime", None)
    assert loaded.keys() == shown.keys()
    for identifier, item in shown.items():
        assert loaded[identifier] == item


def test_an_item_that_changed_is_updated_and_one_that_moved_in_time_is_not_doubled(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    def load(items: list[Any]) -> str:
        outcome = kakehashi(
            "ingest",
            "cdse",
            "--from-file",
            _file(tmp_path, item_collection(items)),
            database_url=catalogue.url,
        )
        outcome.went_well()
        return outcome.stderr

    load([sentinel_2("a"), sentinel_2("b"), sentinel_2("c"), sentinel_2("d")])
    moved = dict.fromkeys(("datetime", "start_datetime", "end_datetime"), "2021-06-01T00:00:00Z")
    ring = [[10, 0], [11, 0], [11, 1], [10, 0]]
    said = load(
        [
            sentinel_2("a", properties={"eo:cloud_cover": 99}),
            sentinel_2("b", properties=moved),
            sentinel_2("c", geometry={"coordinates": [ring]}),
            sentinel_2("d"),
        ]
    )
    assert "loaded: 0 new, 3 updated, 1 unchanged" in said
    items = catalogue.items()
    assert len(items) == 4
    assert items["a"]["properties"]["eo:cloud_cover"] == 99
    assert items["b"]["properties"]["datetime"] == "2021-06-01T00:00:00Z"
    assert items["c"]["bbox"] == [10, 0, 11, 1]


def test_refused_records_are_kept_with_their_native_text_and_once(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    broken = sentinel_2("broken", geometry=None, properties={"title": "東京"})
    text = json.dumps(item_collection([sentinel_2("good"), broken]))
    odd = json.dumps(sentinel_2("o\x00dd", geometry=None, properties={"a": "NAN", "b": "HALF", "c": "BIG"}))
    odd = odd.replace('"NAN"', "NaN").replace("HALF", r"\ud800\u0000").replace('"BIG"', str(2**70))
    text = (
        text[: text.rindex("]", 0, text.index('"links": [], "numberReturned"'))]
        + f", {odd}]"
        + ', "links": []}'
    )
    file = _file(tmp_path, text)
    for _ in range(2):
        outcome = kakehashi("ingest", "cdse", "--from-file", file, database_url=catalogue.url)
        outcome.went_well()
        assert "2 records refused" in outcome.stderr
    assert list(catalogue.items()) == ["good"]
    first, second = catalogue.quarantine()
    assert (first["native_id"], first["source"], first["code"]) == ("broken", "cdse", "no-geometry")
    assert first["collection"] == "sentinel-2-l2a"
    assert first["times_seen"] == 2
    assert first["last_seen"] > first["first_seen"]
    assert json.loads(first["native"]) == broken
    assert "東京" in first["native"], "as a person can read it"
    assert second["native_id"] == "odd"
    properties = json.loads(second["native"])["properties"]
    assert properties["a"] != properties["a"], "NaN is kept"
    assert properties["b"] == "\ud800\x00"
    assert properties["c"] == 2**70
    assert [run["refused"] for run in catalogue.runs()] == [2, 2]
    # What was refused can be put through again as it is.
    again = _file(tmp_path, second["native"], "again.json")
    outcome = kakehashi("ingest", "cdse", "--from-file", again, "--dry-run", "--strict")
    assert "no-geometry" in outcome.stderr


def test_odd_values_are_loaded_without_what_postgresql_cannot_hold(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    odd = json.dumps(sentinel_2("odd", properties={"a": "NAN", "title": "HALF", "c": "BIG", "d": "𒍟※"}))
    odd = odd.replace('"NAN"', "Infinity").replace("HALF", r"x\ud800\u0000y").replace('"BIG"', str(2**70))
    outcome = kakehashi("ingest", "cdse", "--from-file", _file(tmp_path, odd), database_url=catalogue.url)
    outcome.went_well()
    properties = catalogue.items()["odd"]["properties"]
    assert "a" not in properties
    assert "d" not in properties
    assert properties["title"] == "xy"
    assert properties["c"] == 2**70


_NDVI = "clms_ndvi_global_300m_10daily_v3_cog"


def test_a_collection_that_we_do_not_define_is_asked_for_once(
    kakehashi: Runner, upstream: Upstream, catalogue: Catalogue
) -> None:
    described = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": _NDVI,
        "description": "ND\x00VI",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -60, 180, 80]]},
            "temporal": {"interval": [["2020-07-01T00:00:00Z", None]]},
        },
        "links": [],
    }
    items = [sentinel_2(f"n-{number}", collection=_NDVI) for number in range(3)]
    items += [sentinel_2(f"x-{number}", collection="nowhere") for number in range(3)]
    replay = upstream(cdse([*items, sentinel_2("good")], page_size=10, collections=[described]))
    outcome = kakehashi("ingest", "cdse", "--url", replay.url, database_url=catalogue.url)
    outcome.went_well()
    assert sorted(catalogue.items()) == ["good", "n-0", "n-1", "n-2"]
    assert catalogue.collections() == {_NDVI, "sentinel-2-l2a"}
    assert outcome.stderr.count("unknown-collection: collection nowhere is described nowhere") == 3
    asked = [request.path for request in replay.requests if request.path != "/search"]
    assert sorted(asked) == [f"/collections/{_NDVI}", "/collections/nowhere"], "once each"


def test_a_described_collection_that_is_invalid_refuses_its_items(
    kakehashi: Runner, upstream: Upstream, catalogue: Catalogue
) -> None:
    items = [sentinel_2("n-0", collection=_NDVI), sentinel_2("good")]
    replay = upstream(cdse(items, collections=[{"type": "Collection", "id": _NDVI, "links": []}]))
    outcome = kakehashi("ingest", "cdse", "--url", replay.url, database_url=catalogue.url)
    outcome.went_well()
    assert "refused, invalid-collection: 1" in outcome.stderr
    assert sorted(catalogue.items()) == ["good"]


def test_a_run_that_is_interrupted_is_not_done(upstream: Upstream, catalogue: Catalogue) -> None:
    def script(request: Request) -> Answer:
        if request.body.get("token"):
            return Answer(b"{}", after_s=30)
        return cdse(_SCENES)(request)

    replay = upstream(script)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "ingest", "cdse", "--url", replay.url],
        cwd=ROOT,
        env=environment(catalogue.url, KAKEHASHI_HTTP_TIMEOUT_S="30"),
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while len(replay.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said.decode()
    (run,) = catalogue.runs()
    assert run["state"] == "failed"
    assert run["finished"] is not None
    assert len(catalogue.items()) in (0, 2), "the page that came is there whole, or not at all"
