"""Walks over pages while items are deleted and added, and a store with explicit nulls in it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from catalog.collection_search import CollectionSearch
from catalog.errors import InvalidRequest, NotFound, StoreError
from catalog.settings import DatabaseSettings
from catalog.store import counts
from catalog.store.database import READ_ROLE
from catalog.store.pool import open_pool
from catalog.store.reader import Reader
from catalog.store.search import Search, SortKey
from catalog.store.writer import upsert_collections, upsert_items, upsert_queryables

COLLECTION = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "id": "c",
    "description": "x",
    "license": "other",
    "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    "links": [],
    "kakehashi:partition": "month",
}


def item(n: int) -> dict[str, Any]:
    """Three items share each time; every third has no cloud cover."""
    cover = {} if n % 3 == 0 else {"eo:cloud_cover": n % 4}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": f"i{n:02}",
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [n, n]},
        "bbox": [n, n, n, n],
        "properties": {"datetime": f"2024-{1 + n // 12:02}-{1 + n % 12 // 3:02}T00:00:00Z", **cover},
        "links": [],
        "assets": {},
    }


@pytest.fixture
async def owner(fresh_database_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    number = {"type": "number", "title": "Cloud cover"}
    await upsert_queryables(connection, {"type": "object", "properties": {"eo:cloud_cover": number}})
    await upsert_collections(connection, [COLLECTION])
    await upsert_items(connection, [item(n) for n in range(30)])
    yield connection
    await connection.close()


@pytest.fixture
async def reader(owner: object, fresh_database_url: str) -> AsyncIterator[Reader]:
    pool = await open_pool(DatabaseSettings(database_url=fresh_database_url), READ_ROLE)
    reader = Reader(pool)
    yield reader
    await reader.close()
    await pool.close()


SORTS = [
    (SortKey("datetime", descending=True),),
    (SortKey("eo:cloud_cover"),),
    (SortKey("eo:cloud_cover", descending=True), SortKey("datetime")),
]


async def walk(
    reader: Reader, search: Search, delete: Any = None
) -> tuple[list[str], list[list[str]], str | None]:
    """Follow `next` to the end; call `delete` with the ids of each page after it was read."""
    found: list[str] = []
    pages: list[list[str]] = []
    token = previous = None
    while True:
        page = await reader.search(replace(search, token=token))
        ids = [document.id for document in page.documents]
        found += ids
        pages.append(ids)
        if delete:
            await delete(ids)
        token, previous = page.next, page.previous
        if token is None:
            return found, pages, previous


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("limit", [1, 4])
async def test_deleting_the_item_that_a_token_stands_behind(
    owner: "asyncpg.Connection[asyncpg.Record]", reader: Reader, sort: tuple[SortKey, ...], limit: int
) -> None:
    search = Search(sort=sort, limit=limit)
    whole, _, _ = await walk(reader, search)
    assert len(whole) == len(set(whole)) == 30

    async def delete(ids: list[str]) -> None:
        await owner.execute("DELETE FROM pgstac.items WHERE id = $1", ids[-1])

    found, _, previous = await walk(reader, search, delete)
    assert found == whole
    if limit > 1:
        assert previous is not None
        back = await reader.search(replace(search, token=previous))
        remaining = [name for name in whole if (whole.index(name) + 1) % 4 and name in whole[24:28]]
        assert [document.id for document in back.documents][-len(remaining) :] == remaining


async def test_a_walk_by_long_texts_comes_to_its_end(
    reader: Reader, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A token of more than 8,192 characters was written and not read: the next link answered 400."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    await upsert_queryables(owner, {"type": "object", "properties": {"title": text, "keywords": texts}})
    items = [item(n) for n in range(6)]
    for n, one in enumerate(items):
        # Two are alike in what is sorted by, one has none; of the others the first character tells.
        title = f"{'same' if n in (2, 4) else n}" + "\N{DELETE}\\" * 10_000
        one["properties"] |= {} if n == 3 else {"title": title, "keywords": [title, "x"]}
    await upsert_items(owner, items)
    reader.invalidate()
    for name in ("title", "keywords"):
        for descending, wanted in ((False, "015243"), (True, "425103")):
            search = Search(
                sort=(SortKey(name, descending=descending),), limit=1, ids=tuple(i["id"] for i in items)
            )
            found, _, previous = await walk(reader, search)
            assert found == [f"i0{n}" for n in wanted]
            assert previous is not None
            assert len(previous) < 8_192


async def test_a_walk_of_collections_by_long_descriptions_comes_to_its_end(
    reader: Reader, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    others = [COLLECTION | {"id": name, "description": name + "説明" * 10_000} for name in "ab"]
    await upsert_collections(owner, others)
    reader.invalidate()
    found, token = [], None
    while True:
        search = CollectionSearch(sort=(SortKey("description"),), limit=1, token=token)
        page = await reader.collections.search(search)
        found += [document.id for document in page.documents]
        token = page.next
        if token is None:
            break
        assert len(token) < 8_192
    assert found == ["a", "b", "c"]


@pytest.mark.parametrize("sort", SORTS, ids=str)
async def test_deleting_what_is_still_to_come(
    owner: "asyncpg.Connection[asyncpg.Record]", reader: Reader, sort: tuple[SortKey, ...]
) -> None:
    search = Search(sort=sort, limit=5)
    whole, _, _ = await walk(reader, search)
    first = await reader.search(search)
    await owner.execute("DELETE FROM pgstac.items WHERE id = ANY ($1)", [whole[4], whole[5], whole[9]])
    second = await reader.search(replace(search, token=first.next))
    expected = [name for name in whole[5:] if name not in (whole[5], whole[9])][:5]
    assert [document.id for document in second.documents] == expected


@pytest.mark.parametrize("sort", SORTS, ids=str)
async def test_going_back_to_a_page_that_was_deleted_wholly(
    owner: "asyncpg.Connection[asyncpg.Record]", reader: Reader, sort: tuple[SortKey, ...]
) -> None:
    """It was an empty page that led nowhere; it is the first page now."""
    search = Search(sort=sort, limit=5)
    whole, pages, _ = await walk(reader, search)
    second = await reader.search(replace(search, token=(await reader.search(search)).next))
    await owner.execute("DELETE FROM pgstac.items WHERE id = ANY ($1)", pages[0])
    back = await reader.search(replace(search, token=second.previous))
    assert [document.id for document in back.documents] == pages[1]
    assert back.previous is None
    following = await reader.search(replace(search, token=back.next))
    assert [document.id for document in following.documents] == pages[2]
    await owner.execute("DELETE FROM pgstac.items WHERE id = ANY ($1)", whole)
    nothing = await reader.search(replace(search, token=second.previous))
    assert (nothing.documents, nothing.next, nothing.previous) == ([], None, None)


async def test_tokens_of_two_processes_on_one_database(reader: Reader, fresh_database_url: str) -> None:
    pool = await open_pool(DatabaseSettings(database_url=fresh_database_url), READ_ROLE)
    search = Search(limit=5)
    page = await reader.search(search)
    try:
        other = await Reader(pool).search(replace(search, token=page.next))
        assert len(other.documents) == 5
        with pytest.raises(InvalidRequest, match="token"):
            await Reader(pool, b"another key").search(replace(search, token=page.next))
    finally:
        await pool.close()


async def test_the_role_can_not_write(reader: Reader, fresh_database_url: str) -> None:
    for read_only, refusal in ((True, "read-only|denied"), (False, "denied")):
        pool = await open_pool(
            DatabaseSettings(database_url=fresh_database_url), READ_ROLE, read_only=read_only
        )
        try:
            with pytest.raises(Exception, match=refusal):
                async with pool.connection() as connection:
                    await connection.execute("DELETE FROM pgstac.items")
            async with pool.connection() as connection:
                assert await connection.fetchval("SHOW role") == READ_ROLE
                assert await connection.fetchval("SHOW timezone") == "UTC"
        finally:
            await pool.close()


@pytest.fixture
async def analysed(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The server's statistics, which estimates come from, are those of the items."""
    await owner.execute("ANALYZE pgstac.items")


async def test_a_count_that_takes_too_long_is_left_out(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_CHEAP_DEADLINE_S", 1e-6)
    search = Search(limit=2)
    page = await reader.search(search)
    assert len(page.documents) == 2
    assert page.matched is None
    following = await reader.search(replace(search, token=page.next))
    assert len(following.documents) == 2


async def test_of_many_items_the_statistics_tell_the_number_and_say_so(
    reader: Reader, analysed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = (await reader.search(Search(limit=2))).matched
    assert exact is not None
    assert exact.is_exact
    monkeypatch.setattr(counts, "_CHEAP_ITEMS", 1)
    reader.invalidate()
    estimate = (await reader.search(Search(limit=2))).matched
    assert estimate == counts.Count(exact.items, is_exact=False)


async def test_a_condition_on_many_items_is_counted_beside_the_page(
    reader: Reader, analysed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(filter={"op": "<>", "args": [{"property": "id"}, "none"]}, limit=2)
    exact = (await reader.search(search)).matched
    monkeypatch.setattr(counts, "_CHEAP_ITEMS", 1)
    reader.invalidate()
    assert await _count_beside(reader, search) == exact
    monkeypatch.setattr(counts, "_COSTLY_PLAN", 0)
    other = replace(search, limit=3, filter={"op": "<>", "args": [{"property": "id"}, "nobody"]})
    estimate = await _count_beside(reader, other)
    assert estimate is not None
    assert not estimate.is_exact
    # Remembered for the pages that follow: nothing is counted again.
    page = await reader.search(other)
    assert (await reader.search(replace(other, token=page.next))).matched == page.matched == estimate


async def _count_beside(reader: Reader, search: Search) -> counts.Count | None:
    """The first page may be there before its count is; what was begun for it is there a little later."""
    for _ in range(200):
        if (found := (await reader.search(search)).matched) is not None:
            return found
    return None


async def test_nothing_there(reader: Reader) -> None:
    with pytest.raises(NotFound, match="no collection none"):
        await reader.item("none", "x")
    with pytest.raises(NotFound, match="has no item x"):
        await reader.item("c", "x")


async def test_a_role_or_database_that_is_not_there(fresh_database_url: str) -> None:
    for url, role in (
        (fresh_database_url, "no_such_role"),
        (fresh_database_url.replace("fresh_", "none_"), READ_ROLE),
    ):
        pool = await open_pool(DatabaseSettings(database_url=url), role)
        try:
            with pytest.raises(StoreError, match="does not exist"):
                await Reader(pool).health()
        finally:
            await pool.close()


async def test_a_large_page_of_few_items_waits_for_its_turn(
    owner: "asyncpg.Connection[asyncpg.Record]", reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there are connections were made at once, if each had a thousand items or less."""
    heavy = {"assets": {"data": {"href": "https://x/" + "a" * 1_000_000}}}
    await upsert_items(owner, [item(n) | heavy for n in range(6)])
    other = await reader._large_pages.begin(10_000)
    await (await reader._large_pages.begin(10_000)).add(0)
    waiting = asyncio.create_task(reader.search(Search(limit=30)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.5)
    other.end()
    assert len((await waiting).documents) == 30


async def test_a_page_of_too_many_bytes_is_cut_short_and_goes_on(
    owner: "asyncpg.Connection[asyncpg.Record]", fresh_database_url: str
) -> None:
    def large(n: int) -> dict[str, Any]:
        return item(n % 36) | {"id": f"large{n:03}", "assets": {"data": {"href": "https://x/" + "a" * 500}}}

    await upsert_items(owner, [large(n) for n in range(400)])
    pool = await open_pool(DatabaseSettings(database_url=fresh_database_url), READ_ROLE)
    reader = Reader(pool, max_page_bytes=100_000)
    try:
        for sort in SORTS:
            found, pages, last = await walk(reader, Search(sort=sort, limit=10_000))
            assert len(found) == len(set(found)) == 430
            # Its size is looked at every 128 items.
            assert 1 < len(pages) <= 5
            assert all(page for page in pages)
            assert last is not None
            back = await reader.search(Search(sort=sort, limit=10_000, token=last))
            assert [document.id for document in back.documents] == (
                found[: -len(pages[-1])][-len(back.documents) :]
            )
        whole = await Reader(pool).search(Search(limit=10_000))
        assert len(whole.documents) == 430
        assert whole.next is None
    finally:
        await reader.close()
        await pool.close()
