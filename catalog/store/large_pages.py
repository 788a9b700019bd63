"""Lets only some large pages be made at a time: making one takes memory of several times its size."""

import asyncio

from catalog.errors import DatabaseBusy

# Bytes of the items' JSON from which on a page is a large one.
_LARGE_BYTES = 4_194_304
# A page of more items waits before it takes a connection; of the others it is seen when they are read.
_LARGE_COUNT = 1_000
_WAIT_S = 10.0


class LargePages:
    """How many large pages are being made."""

    def __init__(self, most: int = 2) -> None:
        """Allow so many at a time."""
        self._turns = asyncio.Semaphore(most)

    async def begin(self, limit: int) -> "PageSize":
        """Begin a page of at most so many items; it is ended by `PageSize.end`.

        Raises:
            DatabaseBusy: there are too many large pages, for too long.
        """
        page = PageSize(self._turns)
        if limit > _LARGE_COUNT:
            await page.become_large()
        return page


class PageSize:
    """How many bytes a page has come to so far."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        """Begin with none."""
        self._turns = turns
        self._bytes = 0
        self._is_large = False

    async def add(self, size: int) -> None:
        """Take note of items of so many bytes; waits where that makes the page a large one.

        What waits holds a connection, and no more than was read of a page that was not large yet.

        Raises:
            DatabaseBusy: there are too many large pages, for too long.
        """
        self._bytes += size
        if self._bytes > _LARGE_BYTES:
            await self.become_large()

    async def become_large(self) -> None:
        """Wait for a turn, unless there was one.

        Raises:
            DatabaseBusy: none came.
        """
        if self._is_large:
            return
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._turns.acquire()
        except TimeoutError as error:
            raise DatabaseBusy("too many large pages are being made") from error
        self._is_large = True

    def end(self) -> None:
        """Give the turn to the next page."""
        if self._is_large:
            self._turns.release()
