"""Processes that work beside this one: further workers of a harvest, or the harvest beside the API."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from commands.say import say

# A harvest may be killed at any time; being asked first, it gives back what it has in hand.
_STOP_TIMEOUT_S = 2.5
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0


class Helpers:
    """Processes that are there for the length of a block; one that ends by itself is started anew."""

    def __init__(self, count: int, options: Sequence[str], database_url: str) -> None:
        """Prepare so many processes.

        Args:
            count: of processes.
            options: of `kakehashi harvest`.
            database_url: that they work on.
        """
        self._command = [sys.executable, "-m", "cli", "harvest", *options, "--parent", str(os.getpid())]
        self._environment = {**os.environ, "KAKEHASHI_DATABASE_URL": database_url}
        self._stopping = threading.Event()
        self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]

    def __enter__(self) -> "Helpers":
        for keeper in self._keepers:
            keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for keeper in self._keepers:
            keeper.join()

    def _keep(self) -> None:
        wait = _FIRST_WAIT_S
        while not self._stopping.is_set():
            # A session of its own: Ctrl-C reaches us alone, and we stop them.
            helper = subprocess.Popen(
                self._command, env=self._environment, start_new_session=True, cwd=Path(__file__).parent.parent
            )
            while helper.poll() is None and not self._stopping.wait(0.1):
                pass
            if self._stopping.is_set():
                _end(helper)
                return
            say(
                f"a harvester ended by itself (exit status {helper.returncode}); another one starts in {wait:.0f} s"
            )
            self._stopping.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
