"""Bringing a database up to date: once, wholly or not at all, one at a time."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from catalog.errors import DatabaseUnreachable, MigrationError
from catalog.store import migrate as module
from catalog.store.cluster import PrivateCluster
from catalog.store.migrate import PGSTAC_VERSION, migrate, read_migrations
from tests.e2e.program import free_port, refusal, run
from tests.store.clusters import administer, ask, named

OURS = Path(module.__file__).parent / "migrations"
READ_ONLY = {"options": quote("-c default_transaction_read_only=on", safe="")}


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    directory = tmp_path / "migrations"
    directory.mkdir()
    (directory / "0001_first.sql").write_text("CREATE TABLE kakehashi.first (n int);")
    return directory


@pytest.fixture
def bare(fresh_database_url: str) -> str:
    """A database with pgstac and without anything of ours."""
    asyncio.run(administer(fresh_database_url, "DROP SCHEMA kakehashi CASCADE"))
    return fresh_database_url


async def applied(url: str) -> list[str]:
    return await ask(url, "SELECT coalesce(array_agg(name ORDER BY number), '{}') FROM kakehashi.migration")


async def tables(url: str) -> set[str]:
    return set(
        await ask(url, "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'kakehashi'")
    )


# What it does


async def test_two_at_once_on_an_empty_database_do_the_work_once(empty_database_url: str):
    url = empty_database_url
    said: list[str] = []
    await asyncio.gather(*(migrate(url, say=said.append) for _ in range(2)))
    names = [migration.name for migration in read_migrations()]
    assert said == [
        f"installing pgstac {PGSTAC_VERSION}",
        *(f"migrating the schema: {name}" for name in names),
        "installing the job queue",
    ]
    assert await applied(url) == names
    assert await ask(url, "SELECT pgstac.get_version()") == PGSTAC_VERSION
    assert (
        await ask(url, "SELECT count(*) FROM pg_extension WHERE extname = ANY($1)", list(module._EXTENSIONS))
        == 3
    )


async def test_a_database_that_is_up_to_date_is_only_read(fresh_database_url: str):
    """So a start also works where it may not write: on a replica, or as an account with fewer rights."""
    said: list[str] = []
    name = fresh_database_url.split("?")[0].rsplit("/", 1)[1]
    await migrate(named(fresh_database_url, name, **READ_ONLY), say=said.append)
    assert said == []


async def test_an_account_that_may_not_create_anything_can_check(
    fresh_database_url: str, cluster: PrivateCluster
):
    await administer(fresh_database_url, "CREATE ROLE checker LOGIN", "GRANT kakehashi_ingest TO checker")
    try:
        await migrate(fresh_database_url.replace("user=kakehashi", "user=checker"))
    finally:
        await administer(fresh_database_url, "DROP ROLE checker")


async def test_only_what_is_new_is_applied(bare: str, scripts: Path):
    await migrate(bare, directory=scripts)
    (scripts / "0002_second.sql").write_text("ALTER TABLE kakehashi.first ADD COLUMN m int;")
    said: list[str] = []
    await migrate(bare, directory=scripts, say=said.append)
    assert said == ["migrating the schema: 0002_second"]
    assert await applied(bare) == ["0001_first", "0002_second"]


async def test_one_that_fails_half_way_is_rolled_back_wholly_and_can_be_repaired(bare: str, scripts: Path):
    second = scripts / "0002_second.sql"
    second.write_text(
        "CREATE TABLE kakehashi.second (n int); INSERT INTO kakehashi.second VALUES (1); SELECT 1 / 0;"
    )
    with pytest.raises(MigrationError, match=r"^0002_second failed and was rolled back: division by zero$"):
        await migrate(bare, directory=scripts)
    assert await applied(bare) == ["0001_first"]
    assert await tables(bare) == {"migration", "first"}
    second.write_text("CREATE TABLE kakehashi.second (n int);")
    await migrate(bare, directory=scripts)
    assert await applied(bare) == ["0001_first", "0002_second"]
    assert await tables(bare) == {"migration", "first", "second"}


async def test_one_that_cannot_be_recorded_is_not_applied(bare: str, scripts: Path):
    (scripts / "0002_second.sql").write_text("ALTER TABLE kakehashi.migration ADD CHECK (number < 2);")
    with pytest.raises(MigrationError, match="0002_second failed and was rolled back"):
        await migrate(bare, directory=scripts)
    (scripts / "0002_second.sql").write_text("SELECT 1;")
    await migrate(bare, directory=scripts)
    assert await applied(bare) == ["0001_first", "0002_second"]


async def test_a_pgstac_that_cannot_be_installed_leaves_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    from pypgstac import migrate as pypgstac

    url = empty_database_url
    whole = pypgstac.get_sql
    with monkeypatch.context() as patch:
        patch.setattr(pypgstac, "get_sql", lambda file: whole(file) + ";\nSELECT 1 / 0;")
        with pytest.raises(
            MigrationError, match=rf"^pgstac {PGSTAC_VERSION} could not be .*division by zero"
        ):
            await migrate(url)
    assert await ask(url, "SELECT to_regnamespace('pgstac') IS NULL AND to_regnamespace('kakehashi') IS NULL")
    await migrate(url)
    assert await ask(url, "SELECT pgstac.get_version()") == PGSTAC_VERSION


async def test_a_lost_connection_is_told(bare: str, scripts: Path):
    (scripts / "0002_second.sql").write_text("SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(MigrationError, match="0002_second failed"):
        await migrate(bare, directory=scripts)
    assert await applied(bare) == ["0001_first"]


# What it refuses


async def test_a_file_that_was_changed_is_found_out(bare: str, scripts: Path):
    await migrate(bare, directory=scripts)
    (scripts / "0001_first.sql").write_text("CREATE TABLE kakehashi.first (n bigint);")
    with pytest.raises(
        MigrationError, match="0001_first was changed after it was applied: add a new migration"
    ):
        await migrate(bare, directory=scripts)


async def test_a_database_that_is_newer_is_left_alone(fresh_database_url: str):
    insert = "INSERT INTO kakehashi.migration (number, name, sha256) VALUES (9999, '9999_later', 'x')"
    await administer(fresh_database_url, insert)
    with pytest.raises(
        MigrationError, match="migration 9999, which this version does not know: update Kakehashi"
    ):
        await migrate(fresh_database_url)


async def test_a_pgstac_that_is_newer_is_left_alone(fresh_database_url: str):
    later = "INSERT INTO pgstac.migrations (version, datetime) VALUES ('0.11.2', now() + interval '1 day')"
    await administer(fresh_database_url, later)
    with pytest.raises(
        MigrationError, match=rf"pgstac 0\.11\.2, which is newer than {PGSTAC_VERSION}: update"
    ):
        await migrate(fresh_database_url)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["0001_a", "0003_c"], r"not numbered 1, 2, 3 \.\.\.: \[1, 3\]"),
        (["0002_b"], r"not numbered .*\[2\]"),
        (["0001_a", "0001_b"], r"not numbered .*\[1, 1\]"),
        (["1_a"], r"1_a\.sql: a migration is named NNNN_words\.sql"),
        (["0001_A"], "is named NNNN_words"),
        (["0001"], "is named NNNN_words"),
    ],
)
def test_numbers_have_no_gap_and_no_twin(tmp_path: Path, names: list[str], reason: str):
    for name in names:
        (tmp_path / f"{name}.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=reason):
        read_migrations(tmp_path)


async def test_wrong_files_are_found_out_before_anything_is_done(empty_database_url: str, tmp_path: Path):
    (tmp_path / "0002_b.sql").write_text("SELECT 1;")
    url = empty_database_url
    with pytest.raises(MigrationError):
        await migrate(url, directory=tmp_path)
    assert await ask(url, "SELECT to_regnamespace('pgstac') IS NULL")


def test_ours_are_in_order():
    migrations = read_migrations()
    assert [migration.number for migration in migrations] == list(range(1, len(list(OURS.glob("*.sql"))) + 1))
    assert len({migration.digest for migration in migrations}) == len(migrations)


# When the database cannot be had


def test_nobody_listens():
    line = refusal(
        run("db", "migrate", KAKEHASHI_DATABASE_URL=f"postgresql://u:s3cret@127.0.0.1:{free_port()}/x")
    )
    assert "cannot reach the database of KAKEHASHI_DATABASE_URL" in line
    assert "s3cret" not in line


async def test_the_socket_is_not_there(tmp_path: Path):
    with pytest.raises(DatabaseUnreachable, match="cannot reach the database of KAKEHASHI_DATABASE_URL"):
        await migrate(f"postgresql:///x?host={quote(str(tmp_path), safe='')}&user=u")


async def test_the_database_is_not_there(cluster: PrivateCluster):
    with pytest.raises(DatabaseUnreachable, match='database "nosuch" does not exist'):
        await migrate(named(cluster.url(), "nosuch"))


@pytest.mark.parametrize(
    "password", ["s3cret", "s3/cret", "s3#cret", "s3?cret", "s3:cret", "s3%cret", "s3@cret", "12?s3cret"]
)
@pytest.mark.parametrize("scheme", ["postgresql", "mysql", ""])
async def test_a_password_never_shows(scheme: str, password: str):
    """One with special characters that nobody escaped makes half of itself a port number."""
    url = f"{scheme}://user:{password}@127.0.0.1:{free_port()}/x"
    with pytest.raises(DatabaseUnreachable, match="KAKEHASHI_DATABASE_URL") as caught:
        await migrate(url)
    assert "cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_silence_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_CONNECT_TIMEOUT_S", 0.2)
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DatabaseUnreachable, match=r"no answer within 0\.2 s"):
            await migrate(f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable")
        await asyncio.wait_for(gone.wait(), 5)
