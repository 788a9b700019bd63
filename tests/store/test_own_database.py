"""A database without superuser: what `docs/how-to/own-database.md` says is enough, is enough."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from catalog.errors import DatabaseUnreachable, MigrationError
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import migrate
from catalog.store.writer import upsert_collections, upsert_items
from tests.e2e.program import ROOT, refusal, run
from tests.store.clusters import administer, ask, named, settings_for
from tests.store.items import collection, item

PAGE = ROOT / "docs" / "how-to" / "own-database.md"
CREATE_ON_SERVER, CREATE_IN_DATABASE, LATER = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
PASSWORD = "choose-one"


def statements(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def server(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateCluster]:
    """A server that asks everybody but its superuser for a password, and on which nobody is known yet."""
    copy = tmp_path_factory.mktemp("own") / "data"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    shutil.rmtree(copy / "run")
    access = copy / "postgres" / "pg_hba.conf"
    access.write_text("local all kakehashi trust\nlocal all all scram-sha-256\n")
    cluster = PrivateCluster(settings_for(copy))
    with cluster.in_use():
        yield cluster


def url(server: PrivateCluster, database: str, user: str, password: str = PASSWORD) -> str:
    host = named(server.url(), database).split("host=")[1].split("&")[0]
    return f"postgresql:///{database}?host={host}&port=5432&user={user}&password={password}"


@pytest.fixture(scope="module")
def owner_url(server: PrivateCluster) -> str:
    """The page's first step was done."""
    asyncio.run(administer(server.url(), *statements(CREATE_ON_SERVER)))
    asyncio.run(administer(named(server.url(), "catalogue"), *statements(CREATE_IN_DATABASE)))
    return url(server, "catalogue", "kakehashi_owner")


@pytest.fixture(scope="module")
def migrated_url(owner_url: str) -> str:
    """The page's second step, too."""
    asyncio.run(migrate(owner_url))
    return owner_url


async def test_without_rights_the_extensions_are_named(server: PrivateCluster):
    await administer(
        server.url(), "CREATE ROLE plain LOGIN PASSWORD 'choose-one'", "CREATE DATABASE a OWNER plain"
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(url(server, "a", "plain"))
    for words in (
        "CREATE EXTENSION postgis; CREATE EXTENSION btree_gist; CREATE EXTENSION unaccent",
        "own-database.md",
    ):
        assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)
    # And when they are there, it is the roles.
    await administer(named(server.url(), "a"), *statements(CREATE_IN_DATABASE))
    with pytest.raises(MigrationError, match=r"permission denied to create role.*own-database\.md"):
        await migrate(url(server, "a", "plain"))
    assert await ask(url(server, "a", "plain"), "SELECT to_regnamespace('pgstac') IS NULL")


async def test_a_wrong_password_is_told_without_it(server: PrivateCluster, owner_url: str):
    with pytest.raises(DatabaseUnreachable, match="password authentication failed") as caught:
        await migrate(owner_url.replace(PASSWORD, "s3cret"))
    assert "s3cret" not in str(caught.value)
    line = refusal(run("prepare", KAKEHASHI_DATABASE_URL=owner_url.replace(PASSWORD, "s3cret")))
    assert "password authentication failed" in line
    assert "s3cret" not in line


async def test_an_extension_that_is_not_installed_is_told(
    server: PrivateCluster, monkeypatch: pytest.MonkeyPatch
):
    from catalog.store import migrate as module

    monkeypatch.setattr(module, "_EXTENSIONS", ("nosuchthing",))
    with pytest.raises(
        MigrationError, match=r"nosuchthing is missing .*install its package on the database server"
    ):
        await migrate(server.url())


async def test_the_owner_migrates_and_no_superuser_is_needed(migrated_url: str):
    assert not await ask(migrated_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    said: list[str] = []
    await migrate(migrated_url, say=said.append)
    assert said == []


async def test_the_later_accounts_can_do_their_job_and_no_more(server: PrivateCluster, migrated_url: str):
    await administer(migrated_url, *statements(LATER))
    job = url(server, "catalogue", "kakehashi_job", "choose-another")
    api = url(server, "catalogue", "kakehashi_api", "and-another")
    assert "ready:" in run("prepare", "--no-starter", KAKEHASHI_DATABASE_URL=job).stderr
    await with_connection(job, load)
    count = "SELECT count(*) FROM pgstac.items"
    assert await ask(api, count) == 1
    assert await ask(api, "SELECT count(*) FROM pgstac.queryables") > 10
    for write in ("DELETE FROM pgstac.items", "DELETE FROM kakehashi.run"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await administer(api, write)
    for change in (
        "CREATE SCHEMA x",
        "ALTER TABLE pgstac.items ADD COLUMN x int",
        "CREATE TABLE kakehashi.x (n int)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await administer(job, change)
    # What they may not migrate, they say.
    first = await ask(migrated_url, "DELETE FROM kakehashi.migration WHERE number = 1 RETURNING sha256")
    try:
        done = run("db", "migrate", KAKEHASHI_DATABASE_URL=job)
        assert done.returncode == 1
        assert "error: 0001_kakehashi_schema failed and was rolled back: permission denied" in done.stderr
    finally:
        back = "INSERT INTO kakehashi.migration VALUES (1, '0001_kakehashi_schema', $1)"
        await ask(migrated_url, back + " RETURNING 1", first)


async def load(connection: Any) -> None:
    await connection.execute("SET search_path TO pgstac, public")
    await upsert_collections(connection, [collection("own")])
    await upsert_items(connection, [item("own", "one")])


async def with_connection(address: str, work: Any) -> None:
    connection = await asyncpg.connect(address)
    try:
        await work(connection)
    finally:
        await connection.close()


def test_the_page_is_what_the_messages_point_to():
    from catalog.store import migrate as module

    assert ROOT / module._OWN_DATABASE == PAGE
