"""The settings of the private cluster follow the machine's memory."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.store import tuning

GIGABYTE = 1024 * tuning.MEGABYTE
MEMORIES = st.integers(min_value=256 * tuning.MEGABYTE, max_value=4096 * GIGABYTE)


def megabytes(settings: dict[str, str], name: str) -> int:
    match = re.fullmatch(r"(\d+)MB", settings[name])
    assert match, settings[name]
    return int(match[1])


@given(MEMORIES)
def test_sizes_are_a_share_of_the_memory(memory: int):
    settings = tuning.server_settings(Path("/run/x"), memory)
    whole = memory / tuning.MEGABYTE
    assert 128 <= megabytes(settings, "shared_buffers") <= max(128, min(8192, whole / 4))
    assert 256 <= megabytes(settings, "effective_cache_size") <= max(256, whole * 0.6)
    assert 8 <= megabytes(settings, "work_mem") <= 64
    assert 64 <= megabytes(settings, "maintenance_work_mem") <= 1024
    # One sort in every connection at once must not take more than the machine has.
    if memory >= 4 * GIGABYTE:
        assert megabytes(settings, "work_mem") * tuning.MAX_CONNECTIONS <= whole


@given(MEMORIES, MEMORIES)
def test_more_memory_never_means_a_smaller_setting(one: int, other: int):
    less, more = sorted((one, other))
    small, large = (tuning.server_settings(Path("/run/x"), memory) for memory in (less, more))
    for name in ("shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem"):
        assert megabytes(small, name) <= megabytes(large, name)


def test_it_listens_on_a_socket_alone_and_is_set_up_for_items():
    settings = tuning.server_settings(Path("/run/x"), 8 * GIGABYTE)
    assert settings["listen_addresses"] == "''"
    assert settings["unix_socket_directories"] == "'/run/x'"
    assert settings["jit"] == "off"
    assert settings["default_toast_compression"] == "lz4"
    assert float(settings["random_page_cost"]) < 2
    assert settings["shared_buffers"] == "2048MB"


def test_a_path_with_quotes_stays_one_value():
    text = tuning.render(tuning.server_settings(Path("/run/o'ne two\\three"), GIGABYTE))
    assert "unix_socket_directories = '/run/o''ne two\\\\three'\n" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [("1073741824\n", GIGABYTE), ("max\n", None), ("9223372036854771712\n", None), ("", None)],
    ids=["limit", "no limit", "no limit, version 1", "empty"],
)
def test_the_limit_of_a_container_counts(
    content: str, expected: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tuning, "_MEMORY_LIMITS", ())
    machine = tuning.memory_bytes()
    assert machine > GIGABYTE / 4
    limit = tmp_path / "memory.max"
    limit.write_text(content)
    monkeypatch.setattr(tuning, "_MEMORY_LIMITS", (tmp_path / "missing", limit))
    assert tuning.memory_bytes() == min(machine, expected or machine)
