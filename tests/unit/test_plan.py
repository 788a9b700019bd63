"""The plan of the standing job."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.definitions import load_definitions
from catalog.errors import ConfigurationError
from ingest.plan import DEFAULT_PLAN, Entry, read_plan
from ingest.sources import SOURCES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(**changes: object) -> Entry:
    given = {"source": "cdse", "collections": ("a",), "every": 1, "look_back": 24, "overlap": 6}
    return Entry.model_validate({**given, **changes})


def test_the_built_in_plan_asks_for_collections_that_are_defined():
    definitions = load_definitions()
    for one in read_plan(DEFAULT_PLAN, SOURCES):
        for collection in one.collections:
            assert one.source in definitions.collections[collection].sources


def test_the_first_round_goes_back_as_far_as_the_plan_says():
    window = entry(look_back=48).window(None, NOW)
    assert (window.start, window.end) == (NOW - timedelta(hours=48), NOW)


def test_a_later_round_begins_an_overlap_before_the_watermark():
    window = entry(overlap=6).window(NOW - timedelta(hours=1), NOW)
    assert (window.start, window.end) == (NOW - timedelta(hours=7), NOW)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- source: nosuch\n  collections: [a]\n  every: 1\n  look_back: 1\n  overlap: 0\n", "0.source"),
        ("- source: cdse\n  collections: []\n  every: 1\n  look_back: 1\n  overlap: 0\n", "0.collections"),
        ("- source: cdse\n  collections: [a]\n  every: 0\n  look_back: 1\n  overlap: 0\n", "0.every"),
        (
            "- source: cdse\n  collections: [a]\n  every: 1\n  look_back: 1\n  overlap: 0\n  more: 1\n",
            "0.more",
        ),
        ("- source: cdse\n  bbox: [1, 2]\n", "0."),
        ("a: [", "no YAML"),
        ("just words", "the file"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_with_the_place(tmp_path: Path, text: str, says: str):
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_plan(file, SOURCES)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml", SOURCES)
