"""Answers about the catalogue come from memory, and never say what is no longer so."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from catalog.store.writer import upsert_collections, upsert_queryables, upsert_translations
from tests.api.conftest import Server, running_server
from tests.api.data import COLLECTIONS

# Longer than any test: nothing is forgotten because time went by.
_LONG = {"KAKEHASHI_CATALOGUE_TTL_S": "600"}


@pytest.fixture(scope="module")
def catalogue_url(make_database: Callable[[str], str]) -> str:
    url = make_database("catalogue_cache")
    write(url, lambda connection: upsert_collections(connection, COLLECTIONS[:2]))
    return url


@pytest.fixture(scope="module")
def cached(catalogue_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("cached") / "log"
    with running_server(log, {"KAKEHASHI_DATABASE_URL": catalogue_url, **_LONG}) as server:
        # It is up before it listens.
        deadline = time.monotonic() + 20
        while not asked(catalogue_url, "LISTEN%"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server


def write(url: str, work: Callable[[Any], Any]) -> None:
    async def connected() -> None:
        connection = await asyncpg.connect(
            url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
        )
        try:
            await work(connection)
        finally:
            await connection.close()

    asyncio.run(connected())


def asked(url: str, query: str) -> int:
    """How many sessions of the API on this database were last asked this."""
    found: list[int] = []

    async def look(connection: Any) -> None:
        found.append(
            await connection.fetchval(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'kakehashi read' AND query LIKE $1
                """,
                query,
            )
        )

    write(url, look)
    return found[0]


def eventually(look: Callable[[], bool], within_s: float = 10) -> None:
    """Wait for what a notification brings about, which takes milliseconds on an idle machine."""
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline, "the change was not seen"
        time.sleep(0.02)


@pytest.mark.parametrize("path", ["/", "/collections", "/collections/alos-2"])
def test_a_change_of_a_collection_is_seen(cached: Server, catalogue_url: str, path: str) -> None:
    with cached.client() as http:
        before = http.get(path)
        assert http.get(path).content == before.content
        changed = COLLECTIONS[0] | {"title": f"Changed for {path}"}
        write(catalogue_url, lambda connection: upsert_collections(connection, [changed]))
        eventually(lambda: f"Changed for {path}" in http.get(path).text)
        # Who has the old one does not hear that nothing changed.
        assert http.get(path, headers={"If-None-Match": before.headers["etag"]}).status_code == 200


def test_new_and_deleted_collections_are_seen(cached: Server, catalogue_url: str) -> None:
    def listed(http: httpx.Client) -> set[str]:
        return {collection["id"] for collection in http.get("/collections").json()["collections"]}

    with cached.client() as http:
        assert "empty" not in listed(http)
        assert http.get("/collections/empty").status_code == 404
        write(catalogue_url, lambda connection: upsert_collections(connection, [COLLECTIONS[-1]]))
        eventually(lambda: "empty" in listed(http))
        assert http.get("/collections/empty").status_code == 200
        write(
            catalogue_url,
            lambda connection: connection.execute("DELETE FROM pgstac.collections WHERE id = 'empty'"),
        )
        eventually(lambda: "empty" not in listed(http))
        assert http.get("/collections/empty").status_code == 404


def test_new_queryables_are_seen(cached: Server, catalogue_url: str) -> None:
    definitions = {"properties": {"test:new": {"title": "New", "type": "number"}}}
    with cached.client() as http:
        assert "test:new" not in http.get("/queryables").text
        write(catalogue_url, lambda connection: upsert_queryables(connection, definitions))
        eventually(lambda: "test:new" in http.get("/queryables").text)


def test_translations_tell_of_their_change(catalogue_url: str) -> None:
    heard: list[str] = []

    async def listen(connection: Any) -> None:
        await connection.add_listener("kakehashi_catalogue", lambda *told: heard.append(told[2]))
        for title in ("一", "二", "二"):  # the last one changes nothing
            await upsert_translations(connection, "ja", {"alos-2": {"title": title}})
        # The listener has been called when the connection has answered again.
        await connection.fetchval("SELECT 1")
        await connection.remove_listener("kakehashi_catalogue", lambda *_: None)

    write(catalogue_url, listen)
    assert heard == ["kakehashi_catalogue"] * 2


def test_answers_differ_by_what_they_depend_on(cached: Server) -> None:
    with cached.client() as http:
        for _ in range(2):
            there = http.get("/collections", headers={"Host": "one.example.org"}).json()
            elsewhere = http.get(
                "/collections",
                headers={"Host": "x", "X-Forwarded-Host": "two.example.org", "X-Forwarded-Prefix": "/stac"},
            ).json()
            assert there["links"][0]["href"].startswith("http://one.example.org/collections")
            assert elsewhere["links"][0]["href"].startswith("http://two.example.org/stac/collections")
            assert len(http.get("/collections?limit=1").json()["collections"]) == 1
            packed = http.get("/collections", headers={"Accept-Encoding": "br"})
            assert packed.headers["content-encoding"] == "br"
            assert len(packed.json()["collections"]) == len(there["collections"])


def test_the_database_is_not_asked_for_what_is_known(cached: Server, catalogue_url: str) -> None:
    with cached.client() as http:
        first = http.get("/collections")
        write(
            catalogue_url,
            lambda connection: connection.execute(
                # Without a trigger nobody is told: the answer must be the one in memory.
                "SET session_replication_role = replica; UPDATE pgstac.collections"
                ' SET content = content || \'{"title": "untold"}\''
            ),
        )
        assert http.get("/collections").content == first.content
        # Who shows credentials may see something else, and is asked for anew.
        assert "untold" in http.get("/collections", headers={"Authorization": "Bearer x"}).text
        changed = COLLECTIONS[1] | {"title": "told"}
        write(catalogue_url, lambda connection: upsert_collections(connection, [changed]))
        eventually(lambda: "untold" in http.get("/collections").text)


def test_a_lost_listener_comes_back(cached: Server, catalogue_url: str) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    with cached.client() as http:
        http.get("/collections")
        write(catalogue_url, lambda connection: connection.execute(cut))
        changed = COLLECTIONS[0] | {"title": "While nobody listened"}
        write(catalogue_url, lambda connection: upsert_collections(connection, [changed]))
        # The TTL of this server is ten minutes: only a new listener explains that it is seen.
        eventually(lambda: "While nobody listened" in http.get("/collections").text, 20)
