"""Whether the catalogue itself changed: collections, their translations, queryables. Items do not count.

Triggers of ours (migration `notify_catalogue_changes`) send a notification that this module listens
for, on a connection of its own. A standby server takes no listeners, and is a little behind besides:
there, and while the connection is lost, what was read holds for a few seconds only.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    Listener = asyncpg.Connection[asyncpg.Record]

logger = logging.getLogger(__name__)

CHANNEL = "kakehashi_catalogue"
# Also bounds how long what follows from items alone, such as a range of values, is out of date.
_LIVE_S = 60.0
_PROBE_S = 10.0
_CONNECT_TIMEOUT_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


class Changes:
    """A number that is another one after each change."""

    def __init__(self, ttl_s: float, forget: Callable[[], None] = lambda: None) -> None:
        """Begin without a listener.

        Args:
            ttl_s: seconds that what was read holds while nobody tells of changes.
            forget: called at each change.
        """
        self.version = 0
        self._forget = forget
        self._ttl_s = ttl_s
        self._is_live = False

    def holds_for_s(self) -> float:
        """Return for how many seconds what is read now may be used, if `version` stays."""
        return _LIVE_S if self._is_live else self._ttl_s

    def note(self) -> None:
        """Take note of a change."""
        self.version += 1
        self._forget()

    async def listen(self, url: str, session: dict[str, str]) -> None:
        """Listen until cancelled; whatever happens to the connection, it is made again.

        Args:
            url: PostgreSQL URL.
            session: settings of the session.
        """
        pause = _FIRST_PAUSE_S
        while True:
            try:
                if await self._listen_once(url, session):
                    pause = _FIRST_PAUSE_S
            except (
                OSError,
                TimeoutError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                ValueError,
            ) as error:
                # Searches tell of a database that is away; here it costs no more than the memory.
                logger.debug("not listening for changes: %s", error)
            finally:
                self._is_live = False
                self.note()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _listen_once(self, url: str, session: dict[str, str]) -> bool:
        """Listen on one connection until it is lost; return whether it worked at all."""
        connection: Listener = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S, server_settings=session)
        try:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                return False
            await connection.add_listener(CHANNEL, self._on_notification)
            # What changed before this moment was not told.
            self.note()
            self._is_live = True
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            while not await _happens(lost, _PROBE_S):
                # A connection may be dead without a word, after a firewall forgot it.
                await connection.fetchval("SELECT 1", timeout=_CONNECT_TIMEOUT_S)
            return True
        finally:
            connection.terminate()

    def _on_notification(self, *_: Any) -> None:
        self.note()


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True
