"""`kakehashi ingest` into a database: what is written, what is kept apart, and what a second run does."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.replay.run import ROOT, Catalogue, Runner, environment, file_of, run_process
from tests.replay.server import Answer, Replay, Request, Script, cdse, gportal
from tests.unit.documents import (
    amsr2,
    item_collection,
    palsar_2,
    record_collection,
    sentinel_2,
    sgli,
)

Upstream = Callable[[Script], Replay]

_SCENES = [sentinel_2(f"scene-{number}") for number in range(5)]
_PALSAR = "alos-2-palsar-2-wbd"


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
    file = file_of(tmp_path, record_collection([palsar_2(), amsr2(), sgli()]))
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
            file_of(tmp_path, item_collection(items)),
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
    file = file_of(tmp_path, text)
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
    again = file_of(tmp_path, second["native"], "again.json")
    outcome = kakehashi("ingest", "cdse", "--from-file", again, "--dry-run", "--strict")
    assert "no-geometry" in outcome.stderr


def test_odd_values_are_loaded_without_what_postgresql_cannot_hold(
    kakehashi: Runner, catalogue: Catalogue, tmp_path: Path
) -> None:
    odd = json.dumps(sentinel_2("odd", properties={"a": "NAN", "title": "HALF", "c": "BIG", "d": "𒍟※"}))
    odd = odd.replace('"NAN"', "Infinity").replace("HALF", r"x\ud800\u0000y").replace('"BIG"', str(2**70))
    outcome = kakehashi("ingest", "cdse", "--from-file", file_of(tmp_path, odd), database_url=catalogue.url)
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
