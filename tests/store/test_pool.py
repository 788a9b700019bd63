"""Waiting for a connection is bounded: in time, and in how many wait."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from catalog.errors import DatabaseBusy, DatabaseUnreachable
from catalog.settings import DatabaseSettings
from catalog.store.database import READ_ROLE
from catalog.store.pool import Pool, open_pool

_SLEEP = "SELECT pg_sleep(60)"


async def open_small(url: str, **changes: Any) -> Pool:
    return await open_pool(DatabaseSettings(database_url=url, database_pool_size=1, **changes), READ_ROLE)


async def one(pool: Pool) -> int:
    async with pool.connection() as connection:
        answer: int = await connection.fetchval("SELECT 1")
        return answer


async def test_one_too_many_is_turned_away_at_once(database_url: str) -> None:
    pool = await open_small(database_url, database_most_waiting=2, database_wait_s=60)
    try:
        async with pool.connection():
            waiting = [asyncio.create_task(one(pool)) for _ in range(2)]
            await asyncio.sleep(0)
            begun = time.monotonic()
            with pytest.raises(DatabaseBusy, match="2 requests wait"):
                await one(pool)
            assert time.monotonic() - begun < 30
        assert await asyncio.gather(*waiting) == [1, 1]
        assert await one(pool) == 1
    finally:
        await pool.close()


async def test_nobody_waits_for_ever(database_url: str) -> None:
    pool = await open_small(database_url, database_wait_s=0.05)
    try:
        async with pool.connection():
            with pytest.raises(DatabaseBusy, match=r"within 0\.05 s"):
                await one(pool)
        assert await one(pool) == 1
    finally:
        await pool.close()


async def test_who_gives_up_waiting_takes_no_connection_along(database_url: str) -> None:
    pool = await open_small(database_url)
    try:
        async with pool.connection():
            waiting = asyncio.create_task(one(pool))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert await one(pool) == 1
    finally:
        await pool.close()


async def test_a_cancelled_query_leaves_a_connection_that_works(database_url: str) -> None:
    pool = await open_small(database_url)

    async def sleep() -> None:
        async with pool.connection() as connection:
            started.set()
            await connection.fetchval(_SLEEP)

    watcher = await asyncpg.connect(database_url)
    try:
        started = asyncio.Event()
        sleeping = asyncio.create_task(sleep())
        await started.wait()
        await _until_it_runs(watcher)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await one(pool) == 1
    finally:
        await watcher.close()
        await pool.close()


async def _until_it_runs(watcher: "asyncpg.Connection[asyncpg.Record]") -> None:
    question = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = $1 AND state = 'active')"
    while not await watcher.fetchval(question, _SLEEP):  # noqa: ASYNC110 - only the database knows
        await asyncio.sleep(0.01)


async def test_no_database_is_not_the_same_as_a_busy_one() -> None:
    pool = await open_small("postgresql://127.0.0.1:1/nothing")
    try:
        for _ in range(3):
            with pytest.raises(DatabaseUnreachable):
                await one(pool)
    finally:
        await pool.close()


async def test_a_session_that_is_ended_at_any_moment_is_a_database_that_is_away(database_url: str) -> None:
    """The driver has no order for a session between the server's last word and the end of the connection."""
    pool = await open_pool(DatabaseSettings(database_url=database_url), "kakehashi_read")
    other = await asyncpg.connect(database_url)
    lost = 0
    try:
        for turns in range(60):
            try:
                async with pool.connection() as connection:
                    number = await connection.fetchval("SELECT pg_backend_pid()")
                    await other.execute("SELECT pg_terminate_backend($1)", number)
                    for _ in range(turns % 20):
                        await asyncio.sleep(0)
                    for _ in range(100):
                        await connection.fetchval("SELECT 1")
            except DatabaseUnreachable:
                lost += 1
    finally:
        await other.close()
        await pool.close()
    assert lost == 60
