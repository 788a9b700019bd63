"""Dates in names of products."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.store.lookup import days_named


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("S2A_MSIL2A_20240131T012345_N0510_R031_T54SUE_20240131T051234", (2024, 1, 31)),
        ("GC1SG1_20240131D01D_T0529_L2SG_RSRFQ_3002", (2024, 1, 31)),
        ("ALOS2-2024-01-31-x", (2024, 1, 31)),
        ("x_20240231_20240301", (2024, 3, 1)),  # no such day: the next one
        ("20191301", None),
        ("120240131", None),  # part of a longer number
        ("2024-0131", None),
        ("18500101", None),
        ("sentinel", None),
        ("", None),
    ],
)
def test_named_days(name: str, day: tuple[int, int, int] | None) -> None:
    expected = None
    if day:
        start = datetime(*day, tzinfo=UTC)
        expected = (start - timedelta(days=1), start + timedelta(days=2))
    assert days_named(name) == expected


@given(st.text(alphabet="0123456789-T_x", max_size=40))
def test_no_name_breaks_it(name: str) -> None:
    days = days_named(name)
    assert days is None or days[0] < days[1]
