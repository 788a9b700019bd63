"""Upstreams that are replayed, and the command that asks them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.replay.run import Catalogue, Runner
from tests.replay.server import Replay, Script, running


@pytest.fixture
def upstream() -> Iterator[Callable[[Script], Replay]]:
    """Start a server with a script; it is stopped when the test ends."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(running(script))


@pytest.fixture
def kakehashi(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Runner:
    """The command, within this process."""
    return Runner(monkeypatch, capfdbinary)


@pytest.fixture
def catalogue(fresh_database_url: str) -> Catalogue:
    """An empty database of this test's own."""
    return Catalogue(fresh_database_url)
