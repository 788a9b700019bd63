"""How many large pages are made at a time."""

import asyncio

import pytest

from catalog.errors import DatabaseBusy
from catalog.store import large_pages
from catalog.store.large_pages import LargePages

MIB = 1_048_576


async def test_pages_of_few_large_items_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand items of 33 kB are 32 MiB; the guard looked at the number of items alone."""
    monkeypatch.setattr(large_pages, "_WAIT_S", 0.05)
    pages = LargePages(most=2)
    sizes = [await pages.begin(1_000) for _ in range(3)]
    for size in sizes:
        await size.add(3 * MIB)
    for size in sizes[:2]:
        await size.add(30 * MIB)
    with pytest.raises(DatabaseBusy):
        await sizes[2].add(2 * MIB)
    waiting = asyncio.create_task(sizes[2].add(0))
    await asyncio.sleep(0)
    sizes[0].end()
    await waiting
    with pytest.raises(DatabaseBusy):
        await pages.begin(1_001)
    sizes[2].end()
    (await pages.begin(1_001)).end()


async def test_small_pages_wait_for_nothing() -> None:
    pages = LargePages(most=1)
    await (await pages.begin(10_000)).add(32 * MIB)
    async with asyncio.timeout(1):
        for _ in range(3):
            await (await pages.begin(100)).add(MIB)
