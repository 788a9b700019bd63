"""The starter catalogue: every document of it becomes a valid item, and it shows what it promises."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest
from shapely.geometry import box, shape

from catalog.validation import Validator
from ingest.recorded import STARTER, starter_files
from ingest.sources import SOURCES
from tests.unit.documents import definitions
from tests.unit.harvested import harvested

_STARTER_SOURCES = ("cdse", "gportal")


@cache
def _items(source: str) -> list[dict[str, Any]]:
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in starter_files(source)]
    return [item for document in documents for item in harvested(source, document)]


@cache
def _footprints(source: str) -> list[Any]:
    return [shape(item["geometry"]) for item in _items(source)]


@pytest.mark.parametrize("source", _STARTER_SOURCES)
def test_every_document_becomes_a_valid_item(source: str) -> None:
    native = sum(
        len(json.loads(file.read_text(encoding="utf-8"))["features"]) for file in starter_files(source)
    )
    items = _items(source)
    assert len(items) == native > 100
    validator = Validator()
    for item in items:
        validator.check_item(item)
    assert not validator.unknown


def test_every_file_belongs_to_a_source() -> None:
    folders = {path.name for path in STARTER.iterdir() if path.is_dir()}
    assert folders == set(_STARTER_SOURCES) <= set(SOURCES)
    every = set(STARTER.rglob("*.json"))
    assert every == {file for source in _STARTER_SOURCES for file in starter_files(source)}


def test_ids_are_unique() -> None:
    ids = Counter((item["collection"], item["id"]) for source in _STARTER_SOURCES for item in _items(source))
    assert [key for key, count in ids.items() if count > 1] == []


def test_items_lie_in_collections_that_are_defined() -> None:
    for source in _STARTER_SOURCES:
        assert {item["collection"] for item in _items(source)} <= definitions().collections.keys()


def test_no_name_is_missing_in_the_vocabulary() -> None:
    before = definitions().vocabulary.unknown.copy()
    for source in _STARTER_SOURCES:
        _items.__wrapped__(source)
    assert definitions().vocabulary.unknown - before == Counter()


def test_the_readme_counts_right() -> None:
    readme = (STARTER / "README.md").read_text(encoding="utf-8")
    total = sum(len(_items(source)) for source in _STARTER_SOURCES)
    assert f"\n{total} real products" in readme
    assert f"**Europe: {len(_items('cdse'))} products**" in readme
    assert f"**Japan: {len(_items('gportal'))} products**" in readme
    told = {name: int(count) for name, count in re.findall(r"`([a-z0-9-]+)` (\d+)", readme)}
    europe = Counter(item["collection"] for item in _items("cdse"))
    japan = Counter(item["properties"]["gportal:dataset_id"] for item in _items("gportal"))
    assert told == dict(europe + japan)
    for row in re.findall(r"^\| [^|]+ \| (\d+) \| ([^|]+) \|$", readme, flags=re.MULTILINE):
        assert int(row[0]) == sum(int(count) for count in re.findall(r"` (\d+)", row[1])), row


def test_both_sides_and_many_missions_are_there() -> None:
    europe = {item["properties"].get("constellation") for item in _items("cdse")}
    assert {"sentinel-1", "sentinel-2", "sentinel-3", "sentinel-5p", "sentinel-6"} <= europe | {
        re.sub(r"[a-d]$", "", str(item["properties"].get("platform"))) for item in _items("cdse")
    }
    japan = {item["properties"].get("platform") for item in _items("gportal")}
    assert {"gcom-c", "gcom-w", "alos", "alos-2", "jers-1"} <= japan
    years = {
        (item["properties"].get("datetime") or item["properties"]["start_datetime"])[:4]
        for source in _STARTER_SOURCES
        for item in _items(source)
    }
    assert len(years) >= 8


@pytest.mark.parametrize(
    ("place", "region"), [("Japan", box(129, 31, 146, 46)), ("Europe", box(-10, 36, 30, 60))]
)
def test_scenes_of_both_sides_overlap(place: str, region: Any) -> None:
    """Not the global products alone: scenes, so that a search over a town finds both."""
    scenes = {
        source: [
            footprint
            for footprint in _footprints(source)
            if footprint.intersects(region) and footprint.area < 2000
        ]
        for source in _STARTER_SOURCES
    }
    pairs = sum(one.intersects(other) for one in scenes["cdse"] for other in scenes["gportal"])
    assert pairs >= 5, {source: len(found) for source, found in scenes.items()}


def test_the_globe_is_covered() -> None:
    centres = [
        footprint.representative_point() for source in _STARTER_SOURCES for footprint in _footprints(source)
    ]
    quarters = {(point.x > 0, point.y > 0) for point in centres}
    assert len(quarters) == 4
