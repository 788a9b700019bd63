"""The job queue's tables come and stay up to date with our own."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from catalog.store.migrate import migrate
from catalog.store.queue_schema import queue_migrations

Connection = Any


@pytest.fixture
async def owner(fresh_database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


async def test_the_queue_is_installed_in_our_schema_alone(owner: Connection):
    tables = await owner.fetch(
        "SELECT schemaname FROM pg_tables WHERE tablename LIKE 'procrastinate%' GROUP BY schemaname"
    )
    assert [row["schemaname"] for row in tables] == ["kakehashi"]
    noted = {row["name"] for row in await owner.fetch("SELECT name FROM kakehashi.queue_migration")}
    assert noted == set(queue_migrations())


async def test_what_a_newer_library_brings_is_applied_once(owner: Connection, fresh_database_url: str):
    """The queue is made anew as an older library left it: with all of its migrations but two."""
    for kind, name in await owner.fetch(
        """
        SELECT 'TABLE', tablename FROM pg_tables WHERE tablename LIKE 'procrastinate%'
        UNION SELECT 'TYPE', typname FROM pg_type
            WHERE typname LIKE 'procrastinate%' AND (typtype = 'e' OR typname LIKE '%\\_v1')
        UNION SELECT 'ROUTINE', proname FROM pg_proc WHERE proname LIKE 'procrastinate%'
        """
    ):
        await owner.execute(f"DROP {kind} IF EXISTS kakehashi.{name} CASCADE")
    await owner.execute("DELETE FROM kakehashi.queue_migration; SET search_path TO kakehashi, public")
    *older, before_last, last = queue_migrations().items()
    for name, sql in older:
        await owner.execute(sql)
        await owner.execute("INSERT INTO kakehashi.queue_migration (name) VALUES ($1)", name)
    assert not await owner.fetchval("SELECT to_regproc('kakehashi.procrastinate_retry_job_v2') IS NOT NULL")
    said: list[str] = []
    await migrate(fresh_database_url, say=said.append)
    assert said == [f"updating the job queue: {name}" for name, _ in (before_last, last)]
    assert await owner.fetchval("SELECT to_regproc('kakehashi.procrastinate_retry_job_v2') IS NOT NULL")
    await migrate(fresh_database_url, say=said.append)
    assert len(said) == 2


async def test_the_ingest_role_may_queue_and_the_read_role_may_look(owner: Connection):
    await owner.execute("SET ROLE kakehashi_ingest; SET search_path TO kakehashi")
    number = await owner.fetchval(
        """
        SELECT unnest(procrastinate_defer_jobs_v1(
            ARRAY[ROW('q', 'task', 0, NULL, NULL, '{}', NULL)]::procrastinate_job_to_defer_v1[]
        ))
        """
    )
    await owner.execute("SET ROLE kakehashi_read")
    assert await owner.fetchval("SELECT id FROM procrastinate_jobs") == number
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("DELETE FROM procrastinate_jobs")
