"""Records of what was run and loaded."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from catalog.store.bookkeeping import (
    fingerprint_of,
    finish_run,
    remember_fingerprint,
    start_run,
)
from catalog.store.written import Written

Connection = Any
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url, server_settings={"role": "kakehashi_ingest"})
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    ("error", "state"), [(None, "done"), ("the upstream is away", "failed"), ("", "failed")]
)
async def test_a_run_is_recorded_from_start_to_end(connection: Connection, error: str | None, state: str):
    number = await start_run(connection, "cdse", ["a", "b"], NOON, None)
    row = await connection.fetchrow("SELECT * FROM kakehashi.run WHERE id = $1", number)
    assert (row["state"], row["finished"], row["collections"]) == ("running", None, ["a", "b"])
    assert (row["window_start"], row["window_end"]) == (NOON, None)
    await finish_run(connection, number, pages=3, records=7, written=Written(1, 2, 3), refused=1, error=error)
    row = await connection.fetchrow("SELECT * FROM kakehashi.run WHERE id = $1", number)
    assert (row["state"], row["error"]) == (state, error)
    counts = ("pages", "records", "inserted", "updated", "unchanged", "refused")
    assert [row[name] for name in counts] == [3, 7, 1, 2, 3, 1]
    assert row["finished"] >= row["started"]


async def test_runs_are_numbered_apart(connection: Connection):
    numbers = [await start_run(connection, "cdse", [], None, None) for _ in range(3)]
    assert len(set(numbers)) == 3
    collections = await connection.fetchval("SELECT collections FROM kakehashi.run WHERE id = $1", numbers[0])
    assert collections is None


async def test_a_fingerprint_is_remembered_and_replaced(connection: Connection):
    assert await fingerprint_of(connection, "nothing") is None
    await remember_fingerprint(connection, "something", "1")
    await remember_fingerprint(connection, "something", "2")
    assert await fingerprint_of(connection, "something") == "2"
