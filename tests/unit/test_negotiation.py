"""What an `Accept` header takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.negotiation import read_accept


@pytest.mark.parametrize(
    ("header", "media_type", "taken"),
    [
        (None, "text/html", True),
        ("", "text/html", True),
        ("*/*", "application/geo+json", True),
        ("application/json", "application/geo+json", True),
        ("application/geo+json", "application/schema+json", True),
        ("application/json", "text/html; charset=utf-8", False),
        ("text/html", "application/json", False),
        ("text/*", "text/html", True),
        ("TEXT/HTML;Q=0.5", "text/html", True),
        ("text/html;q=0, */*", "text/html", False),
        ("application/json;q=0", "application/json", False),
        ("nonsense", "application/json", True),
    ],
)
def test_accept(header: str | None, media_type: str, taken: bool) -> None:
    assert read_accept(header).takes(media_type) is taken


def test_the_most_specific_range_counts() -> None:
    accepted = read_accept("text/html;q=0.4, text/*;q=0.3, */*;q=0.2, application/json")
    assert [accepted.weight(kind) for kind in ("text/html", "text/css", "image/png", "application/json")] == [
        0.4,
        0.3,
        0.2,
        1.0,
    ]


@given(st.text())
def test_any_header_can_be_read(header: str) -> None:
    assert 0 <= read_accept(header).weight("application/json") <= 1
