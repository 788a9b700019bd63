"""What the API's role and the harvest's role may do in the database, and what not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from catalog.store.bookkeeping import finish_run, start_run
from catalog.store.writer import upsert_collections, upsert_items
from catalog.store.written import Written
from tests.store.items import collection, item

Connection = Any


@pytest.fixture(scope="module")
def filled_url(database_url: str) -> str:
    async def fill() -> None:
        async for connection in session(database_url, "kakehashi_ingest"):
            await upsert_collections(
                connection, [collection("plain"), collection("monthly") | {"kakehashi:partition": "month"}]
            )
            await upsert_items(connection, [item("plain", "a"), item("monthly", "b")])

    asyncio.run(fill())
    return database_url


async def session(url: str, role: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url, server_settings={"role": role, "search_path": "pgstac,public"})
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def reader(filled_url: str) -> AsyncIterator[Connection]:
    async for connection in session(filled_url, "kakehashi_read"):
        yield connection


@pytest.fixture
async def ingester(filled_url: str) -> AsyncIterator[Connection]:
    async for connection in session(filled_url, "kakehashi_ingest"):
        yield connection


RELATIONS = """
    SELECT oid, oid::regclass::text AS name, relkind FROM pg_class
    WHERE relnamespace = ANY(ARRAY['pgstac', 'kakehashi']::regnamespace[]) AND relkind = ANY($1::"char"[])
"""
TABLES, SEQUENCES = [b"r", b"p", b"v", b"m"], [b"S"]


async def test_the_reader_reads_every_table(reader: Connection):
    rows = await reader.fetch(RELATIONS, TABLES)
    assert len(rows) > 20
    for row in rows:
        assert await reader.fetchval("SELECT has_table_privilege($1::oid, 'SELECT')", row["oid"]), row["name"]


async def test_the_reader_writes_no_table(reader: Connection):
    """Not even the caches of pgstac's search(), which pgstac's own role for readers may write."""
    for row in await reader.fetch(RELATIONS, TABLES):
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            has = await reader.fetchval("SELECT has_table_privilege($1::oid, $2)", row["oid"], right)
            assert not has, f"{right} on {row['name']}"
    for row in await reader.fetch(RELATIONS, SEQUENCES):
        has = await reader.fetchval("SELECT has_sequence_privilege($1::oid, 'USAGE, UPDATE')", row["oid"])
        assert not has, row["name"]


async def test_the_reader_can_borrow_no_rights(reader: Connection):
    """No function that runs with its owner's rights, and no other role to take."""
    functions = await reader.fetch(
        """
        SELECT oid::regprocedure::text AS name FROM pg_proc
        WHERE prosecdef AND pronamespace = ANY(ARRAY['pgstac', 'kakehashi']::regnamespace[])
            AND has_function_privilege(oid, 'EXECUTE')
        """
    )
    assert [row["name"] for row in functions] == []
    roles = await reader.fetch(
        "SELECT rolname FROM pg_roles WHERE pg_has_role('kakehashi_read', oid, 'MEMBER') AND rolname <> 'kakehashi_read'"
    )
    assert [row["rolname"] for row in roles] == []


CHANGES = [
    "CREATE TABLE kakehashi.x (n int)",
    "CREATE TABLE public.x (n int)",
    "CREATE SCHEMA x",
    "CREATE ROLE x",
    "CREATE EXTENSION hstore",
    "ALTER TABLE pgstac.items ADD COLUMN x int",
    "ALTER TABLE kakehashi.run ADD COLUMN x int",
    "DROP TABLE kakehashi.run",
    "DROP TABLE pgstac.items",
    "DROP SCHEMA kakehashi CASCADE",
    "ALTER FUNCTION pgstac.search(jsonb) SECURITY DEFINER",
    "CREATE INDEX ON pgstac.items (id)",
    "INSERT INTO kakehashi.migration (number, name, sha256) VALUES (99, 'x', 'x')",
    "UPDATE kakehashi.migration SET sha256 = 'x'",
    "DELETE FROM kakehashi.migration",
]
WRITES = [
    "DELETE FROM pgstac.items",
    'INSERT INTO pgstac.collections (content) VALUES (\'{"id": "x"}\')',
    "UPDATE pgstac.searches SET usecount = 0",
    "SELECT pgstac.search('{}')",
    "INSERT INTO pgstac.items_staging_upsert (content) VALUES ('{}')",
    "SELECT pgstac.delete_collection('plain')",
    "UPDATE kakehashi.secret SET value = 'x'",
    "INSERT INTO kakehashi.run (source) VALUES ('x')",
    "DELETE FROM kakehashi.quarantine",
]


@pytest.mark.parametrize("statement", CHANGES + WRITES)
async def test_the_reader_is_refused(reader: Connection, statement: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute(statement)


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_harvest_cannot_change_the_schema(ingester: Connection, statement: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ingester.execute(statement)


async def test_the_harvest_cannot_change_what_signs_page_tokens(ingester: Connection):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ingester.execute("UPDATE kakehashi.secret SET value = 'x'")


async def test_the_harvest_can_do_its_job(ingester: Connection):
    await upsert_collections(ingester, [collection("job") | {"kakehashi:partition": "month"}])
    written = await upsert_items(ingester, [item("job", "a"), item("job", "b", "2024-07-01T00:00:00Z")])
    assert written == Written(inserted=2)
    number = await start_run(ingester, "cdse", [], None, None)
    await finish_run(ingester, number, pages=1, records=2, written=written, refused=0, error=None)
    assert (
        await ingester.fetchval("DELETE FROM pgstac.items WHERE collection = 'job' AND id = 'a' RETURNING id")
        == "a"
    )
    await ingester.execute("DELETE FROM pgstac.collections WHERE id = 'job'")


async def test_partitions_that_come_later_can_be_read(reader: Connection, ingester: Connection):
    await upsert_items(ingester, [item("monthly", "later", "2031-01-01T00:00:00Z")])
    partitions = await reader.fetch(
        "SELECT partition FROM pgstac.partition_stats WHERE collection = 'monthly'"
    )
    assert len(partitions) >= 2
    found = [await reader.fetchval(f"SELECT count(*) FROM pgstac.{row['partition']}") for row in partitions]
    assert sum(found) >= 2
