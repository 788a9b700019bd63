"""`kakehashi load`: every form of file, every way to be wrong."""

import asyncio
import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import rustac
import zstandard

from catalog.errors import ConfigurationError
from catalog.settings import DatabaseSettings
from catalog.store.deciding import Mode
from catalog.store.written import Written
from commands.load import LoadSummary, Order, load
from tests.store.items import collection, item

COLLECTIONS = [collection("one"), collection("two") | {"kakehashi:partition": "month"}]
ITEMS = [
    item(
        ("one", "two")[number % 2],
        f"i{number}",
        f"2024-{number % 12 + 1:02}-01T00:00:00Z",
        gsd=(number + 1) / 4,
    )
    for number in range(60)
]


def lines(documents: list[Any]) -> bytes:
    return b"".join(orjson.dumps(document) + b"\n" for document in documents)


def parquet(path: Path) -> bytes:
    rustac.write_sync(str(path), ITEMS)
    return path.read_bytes()


FORMS: dict[str, Callable[[Path], bytes]] = {
    "lines": lambda path: lines(ITEMS),
    "lines without an end, with empty ones": lambda path: (
        b"\n" + lines(ITEMS).replace(b"\n", b"\r\n\n").rstrip()
    ),
    "feature collection": lambda path: orjson.dumps({"type": "FeatureCollection", "features": ITEMS}),
    "feature collection for people": lambda path: orjson.dumps(
        {"type": "FeatureCollection", "features": ITEMS, "links": [{"rel": "next", "href": "x"}]},
        option=orjson.OPT_INDENT_2,
    ),
    "a page per line": lambda path: lines(
        [{"type": "FeatureCollection", "features": ITEMS[start : start + 20]} for start in (0, 20, 40)]
    ),
    "list": lambda path: orjson.dumps(ITEMS),
    "items for people, one after the other": lambda path: b"\n".join(
        orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in ITEMS
    ),
    "gzip": lambda path: gzip.compress(lines(ITEMS)),
    "gzip in two parts": lambda path: gzip.compress(lines(ITEMS[:30])) + gzip.compress(lines(ITEMS[30:])),
    "zstd": lambda path: zstandard.compress(lines(ITEMS)),
    "zstd in two parts": lambda path: (
        zstandard.compress(lines(ITEMS[:30])) + zstandard.compress(lines(ITEMS[30:]))
    ),
    "geoparquet": parquet,
}


class Catalogue:
    """A database that one test loads into."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self._count = 0

    def load(self, *contents: bytes, **options: Any) -> LoadSummary:
        paths = []
        for content in contents:
            self._count += 1
            paths.append(self.directory / f"file{self._count}")
            paths[-1].write_bytes(content)
        return load(Order(tuple(paths), **options), DatabaseSettings(database_url=self.url))

    def items(self) -> dict[str, Any]:
        return asyncio.run(self._items())

    async def _items(self) -> dict[str, Any]:
        connection = await asyncpg.connect(self.url, server_settings={"search_path": "pgstac,public"})
        try:
            rows = await connection.fetch(
                "SELECT id, pgstac.get_item(id, collection) AS item FROM pgstac.items"
            )
            assert len({row["id"] for row in rows}) == len(rows)
            return {row["id"]: json.loads(row["item"]) for row in rows}
        finally:
            await connection.close()


@pytest.fixture
def catalogue(database_url: str, tmp_path: Path) -> Catalogue:
    async def clear() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("DELETE FROM pgstac.collections")
        await connection.close()

    asyncio.run(clear())
    return Catalogue(database_url, tmp_path)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_holds_the_same_items(catalogue: Catalogue, form: Callable[[Path], bytes], tmp_path: Path):
    summary = catalogue.load(lines(COLLECTIONS), form(tmp_path / "made"))
    assert (summary.items, summary.collections) == (60, 2)
    assert summary.written == Written(inserted=60)
    assert not summary.refused
    # An empty list of extensions is lost in GeoParquet.
    found = {name: {"stac_extensions": [], **one} for name, one in catalogue.items().items()}
    assert found == {one["id"]: one for one in ITEMS}


def test_loading_again_changes_nothing_and_inserting_refuses(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
):
    everything = lines([*COLLECTIONS, *ITEMS])
    assert catalogue.load(everything).written == Written(inserted=60)
    again = catalogue.load(everything)
    assert (again.written, again.changed_collections) == (Written(unchanged=60), 0)
    summary = catalogue.load(lines([*ITEMS, item("one", "new")]), mode=Mode.INSERT)
    assert (summary.written, summary.refused) == (Written(inserted=1), {"exists": 60})
    said = capsys.readouterr().err
    assert "61 items: 1 new, 0 updated, 0 unchanged, 60 refused" in said
    assert said.count("is there already") == 10  # and the rest is only counted


def test_what_cannot_be_loaded_is_named_with_file_and_line(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
):
    wrong = [
        b"{not json}",
        orjson.dumps(ITEMS[0] | {"geometry": None}),
        orjson.dumps(ITEMS[1] | {"collection": "nowhere"}),
        orjson.dumps(ITEMS[2] | {"properties": {"datetime": "never"}}),
        orjson.dumps(ITEMS[3] | {"links": "none"}),
        b'"text"',
        orjson.dumps({"type": "Catalog"}),
    ]
    text = b"\n".join([orjson.dumps(ITEMS[4]), *wrong, orjson.dumps(ITEMS[5])])
    summary = catalogue.load(lines(COLLECTIONS), text)
    assert summary.written == Written(inserted=2)
    assert summary.refused == {
        "bad-json": 1,
        "no-geometry": 1,
        "unknown-collection": 1,
        "bad-datetime": 1,
        "invalid-item": 1,
        "no-stac": 2,
    }
    said = capsys.readouterr().err
    for line, code in enumerate(
        [
            "bad-json",
            "no-geometry",
            "unknown-collection",
            "bad-datetime",
            "invalid-item",
            "no-stac",
            "no-stac",
        ],
        2,
    ):
        assert any(f"file2, line {line}:" in one and code in one for one in said.splitlines()), code


def test_collections_are_made_for_their_items_if_that_is_wanted(catalogue: Catalogue):
    ours = item("sentinel-2-l2a", "known")
    summary = catalogue.load(lines([*ITEMS, ours]), create_collections=True)
    assert sorted(summary.created) == ["one", "sentinel-2-l2a", "two"]
    assert summary.written == Written(inserted=61)

    async def title() -> str:
        connection = await asyncpg.connect(catalogue.url)
        try:
            found = await connection.fetchval(
                "SELECT content ->> 'title' FROM pgstac.collections WHERE id = 'sentinel-2-l2a'"
            )
            return str(found)
        finally:
            await connection.close()

    assert asyncio.run(title()).startswith("Sentinel-2")


def test_a_collection_may_change_between_its_items(catalogue: Catalogue):
    assets = {"data": {"roles": ["data"], "type": "image/tiff"}}
    text = lines([COLLECTIONS[0], ITEMS[0], COLLECTIONS[0] | {"item_assets": assets}, ITEMS[2]])
    assert catalogue.load(text).written == Written(inserted=2)
    assert catalogue.items() == {one["id"]: one for one in (ITEMS[0], ITEMS[2])}


def test_times_become_utc_and_an_earlier_version_of_stac_stays(catalogue: Catalogue):
    old = item("one", "old", "2024-05-01T09:00:00+09:00", created="2024-05-02 00:00:00") | {
        "stac_version": "1.0.0"
    }
    catalogue.load(lines([COLLECTIONS[0], old]))
    found = catalogue.items()["old"]
    assert found["stac_version"] == "1.0.0"
    assert found["properties"] == {"datetime": "2024-05-01T00:00:00Z", "created": "2024-05-02T00:00:00Z"}


JUNK: dict[str, tuple[bytes, str]] = {
    "text": (b"junk\nmore junk\n", "file1, line 1: it is no JSON"),
    "cut": (
        orjson.dumps({"features": ITEMS}, option=orjson.OPT_INDENT_2)[:-20],
        "in the middle of a document",
    ),
    "cut gzip": (gzip.compress(lines(ITEMS))[:-20], "file1: what is compressed in it is damaged"),
    "cut zstd": (zstandard.compress(lines(ITEMS))[:-20], "file1: what is compressed in it is damaged"),
    "damaged zstd": (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "file1: what is compressed in it is damaged"),
    "cut parquet": (b"PAR1" + b"\x00" * 40, "the end of the Parquet file is missing"),
    "no parquet": (b"PAR1" + b"\x00" * 40 + b"PAR1", "it is no stac-geoparquet"),
}


@pytest.mark.parametrize(("content", "message"), JUNK.values(), ids=JUNK)
def test_a_file_that_is_none_is_named(catalogue: Catalogue, content: bytes, message: str):
    with pytest.raises(ConfigurationError, match=message):
        catalogue.load(content)


def test_a_pipe_is_read_like_a_file(catalogue: Catalogue):
    """`kakehashi load <(zcat items.gz)` said that there is no such file."""
    pipe = catalogue.directory / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(lines([*COLLECTIONS, *ITEMS])),))
    writer.start()
    summary = load(Order((pipe,)), DatabaseSettings(database_url=catalogue.url))
    writer.join()
    assert (summary.items, summary.refused) == (len(ITEMS), {})
    assert len(catalogue.items()) == len(ITEMS)


def test_geoparquet_from_a_pipe_is_refused(catalogue: Catalogue):
    pipe = catalogue.directory / "parquet"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"PAR1" + b"\x00" * 40 + b"PAR1",))
    writer.start()
    with pytest.raises(ConfigurationError, match="GeoParquet cannot be read from a pipe"):
        load(Order((pipe,)), DatabaseSettings(database_url=catalogue.url))
    writer.join()


def test_a_file_that_is_not_there_is_named_before_anything_is_done(database_url: str, tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"no such file: .*nowhere"):
        load(Order((tmp_path / "nowhere",)), DatabaseSettings(database_url=database_url))


# Texts that were loaded before


def test_a_text_that_was_loaded_before_is_not_read_again(catalogue: Catalogue):
    content = lines([*COLLECTIONS, *ITEMS])
    assert catalogue.load(content).recognised == 0
    before = catalogue.items()
    again = catalogue.load(content)
    assert (again.recognised, again.items, again.written) == (60, 60, Written(unchanged=60))
    assert catalogue.items() == before
    spelt = catalogue.load(b"\n".join(orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in ITEMS))
    assert (spelt.recognised, spelt.written) == (0, Written(unchanged=60))


def test_where_an_item_is_kept_is_guessed_and_a_wrong_guess_does_no_harm(catalogue: Catalogue):
    other = item("one", "a", "2024-01-01T00:00:00Z")
    ranged = item("two", "b", "2024-02-20T00:00:00Z", start_datetime="2024-01-05T00:00:00Z")
    ranged["properties"]["end_datetime"] = "2024-03-01T00:00:00+00:00"
    # The first id that stands in its text is that of another item.
    misleading = {"assets": {"x": {"href": "x", "id": "a"}}, **item("one", "c", "2024-01-01T00:00:00Z")}
    misleading["assets"] = {"x": {"href": "x", "id": "a"}}
    items = [other, ranged, misleading]
    catalogue.load(lines([*COLLECTIONS, *items]))
    before = catalogue.items()
    again = catalogue.load(lines(items))
    assert (again.recognised, again.written) == (2, Written(unchanged=3))
    assert catalogue.items() == before
    changed = {**misleading, "properties": {**misleading["properties"], "gsd": 3}}
    assert catalogue.load(lines([changed])).written == Written(updated=1)
    assert catalogue.items()["c"]["properties"]["gsd"] == 3


@pytest.mark.parametrize(("portion", "batch"), [(1, 1), (1, 1000), (2, 2), (1000, 1), (1000, 1000)])
def test_of_records_of_one_item_the_last_one_counts_though_its_text_is_there(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, portion: int, batch: int
):
    monkeypatch.setattr("commands.load_portion._PIECES", portion)
    monkeypatch.setattr("commands.load._BATCH", batch)
    texts = [lines([item("one", "a", "2024-01-01T00:00:00Z", gsd=number)]) for number in (1, 2)]
    catalogue.load(lines(COLLECTIONS) + texts[0])
    for order in ((0, 1), (1, 0), (0, 1, 0), (1, 0, 1), (1, 1, 0, 0), (0, 0, 1, 0, 1, 1)):
        summary = catalogue.load(b"".join(texts[number] for number in order), processes=1)
        written = summary.written
        assert written.updated + written.unchanged + summary.repeated == summary.items == len(order)
        assert catalogue.items()["a"]["properties"]["gsd"] == order[-1] + 1, order


def test_a_text_is_read_again_after_its_row_was_changed_by_another_tool(catalogue: Catalogue):
    content = lines([*COLLECTIONS, *ITEMS])
    catalogue.load(content)
    before = catalogue.items()

    async def change() -> None:
        connection = await asyncpg.connect(catalogue.url, server_settings={"search_path": "pgstac,public"})
        await connection.execute(
            "UPDATE pgstac.items SET content = jsonb_set(content, '{properties,gsd}', '99') WHERE id IN ('i1', 'i2')"
        )
        await connection.execute("DELETE FROM pgstac.items WHERE id = 'i3'")
        await connection.close()

    asyncio.run(change())
    again = catalogue.load(content)
    assert (again.recognised, again.written) == (57, Written(inserted=1, updated=2, unchanged=57))
    assert catalogue.items() == before


def test_a_text_that_was_not_checked_is_not_known_to_be_valid(catalogue: Catalogue):
    invalid = item("one", "a", "2024-01-01T00:00:00Z") | {"links": "none"}
    catalogue.load(lines([*COLLECTIONS, invalid, ITEMS[0]]), validate=False)
    assert catalogue.load(lines([invalid, ITEMS[0]]), validate=False).recognised == 2
    checked = catalogue.load(lines([invalid, ITEMS[0]]))
    assert (checked.recognised, dict(checked.refused)) == (0, {"invalid-item": 1})


def test_a_text_of_several_items_is_not_taken_for_one_of_them(catalogue: Catalogue):
    pair = [item("one", name, "2024-01-01T00:00:00Z", gsd=1) for name in "ab"]
    page = lines([{"type": "FeatureCollection", "features": pair}])
    catalogue.load(lines(COLLECTIONS) + page)
    catalogue.load(lines([item("one", "b", "2024-01-01T00:00:00Z", gsd=2)]))
    assert catalogue.load(page).written == Written(updated=1, unchanged=1)
    assert catalogue.items()["b"]["properties"]["gsd"] == 1


def test_inserting_what_is_there_is_refused_though_its_text_is_known(catalogue: Catalogue):
    catalogue.load(lines([*COLLECTIONS, *ITEMS]))
    again = catalogue.load(lines(ITEMS), mode=Mode.INSERT)
    assert (again.recognised, dict(again.refused)) == (0, {"exists": 60})
