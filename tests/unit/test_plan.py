"""The plan of the standing job: patterns, defaults of the sources, and messages that name line and field."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import ConfigurationError
from catalog.store.window import EVERYTHING
from commands.harvest import known_upstreams
from ingest.habits import Habits, parse_duration
from ingest.marked_yaml import load_marked
from ingest.plan import DEFAULT_PLAN, FIRST_DAY_PLAN, Entry, Upstream, read_plan
from ingest.sources import SOURCES
from tests.unit.documents import definitions

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def upstreams() -> dict[str, Upstream]:
    return known_upstreams(definitions())


def read(tmp_path: Path, text: str, upstreams: dict[str, Upstream]) -> tuple[Entry, ...]:
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return read_plan(file, upstreams)


@pytest.mark.parametrize("file", [DEFAULT_PLAN, FIRST_DAY_PLAN])
def test_the_plans_that_ship_need_no_account(file: Path, upstreams: dict[str, Upstream]):
    plan = read_plan(file, upstreams)
    assert len(plan) >= 3
    for entry in plan:
        assert not upstreams[entry.source].definition.needs_token
        assert entry.collections


def test_two_lines_are_an_entry(tmp_path: Path, upstreams: dict[str, Upstream]):
    (entry,) = read(tmp_path, "- source: cdse\n  collections: sentinel-2-l2a\n", upstreams)
    assert entry.collections == ("sentinel-2-l2a",)
    assert entry.bbox is None
    habits = entry.habits
    assert (habits.follows, habits.deletions, habits.concurrency) == ("changed", True, 1)
    assert habits.min_interval == timedelta(seconds=0.2)


def test_an_entry_says_otherwise_than_its_source(tmp_path: Path, upstreams: dict[str, Upstream]):
    text = """
- source: cdse
  collections: [sentinel-2-l2a]
  since: 2015-06-23
  window: 12h
  order: oldest-first
  reconcile: never
  min_interval: 1s
"""
    (entry,) = read(tmp_path, text, upstreams)
    assert entry.habits.first_moment(NOW) == datetime(2015, 6, 23, tzinfo=UTC)
    assert entry.habits.window == timedelta(hours=12)
    assert entry.habits.reconcile is None
    assert entry.habits.min_interval == timedelta(seconds=1)
    assert entry.habits.every == timedelta(hours=1), "what it does not say is the source's"


def test_patterns_choose_collections(tmp_path: Path, upstreams: dict[str, Upstream]):
    text = '- source: cdse\n  collections: [sentinel-1-*, "sentinel-2-l?a"]\n- source: himawari\n  collections: all\n'
    first, second = read(tmp_path, text, upstreams)
    assert {name.rsplit("-", 1)[0] for name in first.collections} >= {"sentinel-1", "sentinel-2"}
    assert all(name.startswith(("sentinel-1-", "sentinel-2-l")) for name in first.collections)
    assert set(second.collections) == upstreams["himawari"].collections


def test_data_sets_are_all_or_none(tmp_path: Path, upstreams: dict[str, Upstream]):
    (entry,) = read(tmp_path, "- source: cds\n  collections: all\n", upstreams)
    assert entry.collections == (EVERYTHING,)


def test_a_collection_that_the_upstream_describes_itself_may_be_named(
    tmp_path: Path, upstreams: dict[str, Upstream]
):
    (entry,) = read(tmp_path, "- source: cdse\n  collections: clms_new_product_v9\n", upstreams)
    assert entry.collections == ("clms_new_product_v9",)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- source: nosuch\n  collections: [a]\n", 1, "source: there is no source 'nosuch'; there are: cdse"),
        ("# a plan\n\n- source: cdse\n", 3, "collections: Field required"),
        ("- source: cdse\n  collections: []\n", 2, "collections: "),
        (
            "- source: cdse\n  collections:\n    - sentinel-2-l2a\n    - nosuch-*\n",
            4,
            "collections.1: cdse has no",
        ),
        ("- source: gportal\n  collections: nosuch\n", 2, "gportal has no collection 'nosuch'"),
        ("- source: cdse\n  collections: all\n  every: 1\n", 3, "every: 1 is no length of time"),
        ("- source: cdse\n  collections: all\n  every: 0h\n", 3, "every: it must be longer than nothing"),
        (
            "- source: cdse\n  collections: all\n  window: 2000w1\n",
            3,
            "window: '2000w1' is no length of time",
        ),
        ("- source: cdse\n  collections: all\n  since: 2024-13-01\n", 3, "since: '2024-13-01' is no date"),
        ("- source: cdse\n  collections: all\n\n  evry: 1h\n", 4, "evry: Extra inputs are not permitted"),
        ("- source: cdse\n  collections: all\n  bbox: [1, 2]\n", 3, "bbox"),
        (
            "- source: cdse\n  collections: all\n  bbox: [1, 9, 2, 8]\n",
            3,
            "bbox: it is west, south, east, north",
        ),
        ("- source: cdse\n  collections: all\n  bbox:\n    - 1\n    - 2\n    - x\n    - 4\n", 6, "bbox.2: "),
        ("- source: cdse\n  collections: all\n  max_share: 2\n", 3, "max_share: "),
        ("- source: gportal\n  collections: all\n  deletions: true\n", 3, "deletions: gportal has no feed"),
        (
            "- source: gportal\n  collections: all\n  follows: changed\n",
            3,
            "follows: gportal cannot be asked",
        ),
        ("- source: cds\n  collections: [a]\n", 2, "collections: cds describes data sets"),
        (
            "- source: cdse\n  collections: sentinel-1-grd\n  concurrency: 2\n- source: cdse\n  collections: sentinel-2-l2a\n",
            4,
            "concurrency: line 3 says otherwise for cdse",
        ),
        (
            "- source: cdse\n  collections: sentinel-1-grd\n- source: cdse\n  collections: sentinel-1-*\n",
            4,
            "collections: sentinel-1-grd of cdse is in the entry of line 1 already",
        ),
        ("- source: cdse\n  collections: all\n  every: 1h\n  every: 2h\n", 4, "`every` is there twice"),
        ("a: [\n", 2, "no valid YAML"),
        ("just words", 1, "the file is a list of entries"),
        ("", 1, "the file is a list of entries"),
        ("- cdse\n", 1, "an entry has `source` and `collections`"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_with_file_line_and_field(
    tmp_path: Path, upstreams: dict[str, Upstream], text: str, line: int, says: str
):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text, upstreams)
    message = str(caught.value)
    assert f"plan {tmp_path / 'plan.yaml'}, line {line}: " in message
    assert says in message
    assert "\n" not in message


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path, upstreams: dict[str, Upstream]):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml", upstreams)
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xe9")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_plan(tmp_path / "latin.yaml", upstreams)


def test_the_habits_of_every_source_are_such_as_a_plan_may_say():
    known = known_upstreams(definitions())
    assert set(known) == set(SOURCES)
    for name, upstream in known.items():
        habits = upstream.definition.harvest
        assert isinstance(habits, Habits)
        assert habits.follows == "acquired" or upstream.follows_changes, name
        assert not habits.deletions or upstream.tells_deletions, name


@given(st.integers(1, 10_000), st.sampled_from("smhdw"))
def test_lengths_of_time(number: int, unit: str):
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit] * number
    if seconds <= 36525 * 86400:
        assert parse_duration(f"{number}{unit}") == timedelta(seconds=seconds)
    else:
        with pytest.raises(ValueError, match="hundred years"):
            parse_duration(f"{number}{unit}")


_values = st.recursive(
    st.integers() | st.booleans() | st.text("abc", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_values)
def test_marks_change_nothing_of_what_is_read(value: object):
    text = yaml.safe_dump(value, default_flow_style=False)
    marked = load_marked(text)
    assert marked.document == value
    assert all(1 <= line <= text.count("\n") + 1 for line in marked.lines.values())
