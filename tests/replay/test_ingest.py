"""`kakehashi ingest` without a database: what is taken, where it goes, and what is wrong usage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.replay.run import Runner, file_of, run_process
from tests.replay.server import Answer, Replay, Script, cdse
from tests.unit.documents import (
    item_collection,
    sentinel_2,
)

Upstream = Callable[[Script], Replay]

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]


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
    file = file_of(tmp_path, item_collection(items))
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
    file = file_of(tmp_path, item_collection(_SCENES))
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
    file = file_of(tmp_path, item_collection([_SCENES[0], sentinel_2("broken", geometry=None)]))
    arguments = ("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome = kakehashi(*arguments, "--strict")
    assert outcome.status == 1
    assert outcome.ids == ["scene-0"], "the others go through"
    assert "Traceback" not in outcome.stderr
    kakehashi(*arguments).went_well()
    good = file_of(tmp_path, item_collection(_SCENES), "good.json")
    kakehashi("ingest", "cdse", "--dry-run", "--from-file", good, "--strict").went_well()


def test_a_refusal_is_one_line_whatever_the_record_says(kakehashi: Runner, tmp_path: Path) -> None:
    evil = "a\nfault: b\x1b[31m\u2028c"
    file = file_of(tmp_path, item_collection([_SCENES[0], sentinel_2(evil, geometry=None)]))
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", file)
    outcome.went_well()
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("refused ")]
    assert line.startswith("refused a fault: b [31m c of ")


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
    file = file_of(tmp_path, item_collection(_SCENES))
    outcome = kakehashi(
        "ingest", "cdse", "--from-file", file, database_url="postgresql://nobody@127.0.0.1:9/none"
    )
    outcome.failed("database")
    assert "error: cannot reach" in outcome.stderr
