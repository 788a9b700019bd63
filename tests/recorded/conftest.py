"""The command, as the replayed upstreams run it."""

from tests.replay.conftest import kakehashi

__all__ = ["kakehashi"]
