"""Reading ahead in a thread: order, errors, and how far ahead."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from commands.ahead import ahead


async def test_elements_come_in_order_and_the_next_one_is_made_meanwhile():
    made: list[int] = []
    second = threading.Event()

    def source() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    found = []
    async with aclosing(ahead(source())) as elements:
        async for number in elements:
            if number == 0:
                await asyncio.to_thread(second.wait, 10)
                assert second.is_set(), "the next one is made while this one is used"
            found.append(number)
            assert len(made) <= number + 2, "no more than one ahead"
    assert found == made == list(range(5))


async def test_an_error_comes_after_what_was_read_before_it():
    def source() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    found = []

    async def use() -> None:
        async for number in ahead(source()):
            found.append(number)

    with pytest.raises(OSError, match="the disk is gone"):
        await use()
    assert found == [1]


async def test_who_leaves_early_stops_the_reading():
    done = threading.Event()
    made = 0

    def source() -> Iterator[int]:
        nonlocal made
        try:
            while True:
                made += 1
                yield made
        finally:
            done.set()

    async with aclosing(ahead(source())) as elements:
        async for _ in elements:
            break
    assert await asyncio.to_thread(done.wait, 10), "the iterator is closed"
    assert made <= 2


def test_a_read_that_never_returns_does_not_keep_the_program():
    stuck = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        stuck.wait(60)

    async def use() -> None:
        async with aclosing(ahead(source())) as elements:
            async for _ in elements:
                raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(asyncio.wait_for(use(), 10))
    assert not stuck.is_set()
    stuck.set()
