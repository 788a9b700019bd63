"""`kakehashi status` and `db recount` as a person and a script use them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.cells import cell_len

from catalog import jsontext
from catalog.store.cluster import PrivateCluster
from tests.replay.run import Catalogue, Runner
from tests.store.clusters import administer, named
from tests.unit.documents import sentinel_2


def execute(url: str, statement: str, *values: Any) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, server_settings={"search_path": "pgstac,public"})
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
def filled(catalogue: Catalogue, kakehashi: Runner, tmp_path: Path) -> Catalogue:
    """A catalogue with one item, and one record in quarantine."""
    bad = sentinel_2("S2A_MSIL2A_20240117T012701_N0510_R074_T54SUE_20240117T033000", geometry=None)
    file = tmp_path / "page.json"
    page = {"type": "FeatureCollection", "features": [sentinel_2(), bad], "links": []}
    file.write_text(json.dumps(page))
    kakehashi("ingest", "cdse", "--from-file", str(file), database_url=catalogue.url).went_well()
    return catalogue


def test_status_is_one_document_for_machines(filled: Catalogue, kakehashi: Runner):
    done = kakehashi("status", "--json", database_url=filled.url)
    done.went_well()
    document = json.loads(done.stdout)
    (row,) = document["collections"]
    assert (document["version"], document["items"], document["quarantined"]) == (1, 1, 1)
    assert (row["source"], row["collection"], row["items"]) == ("cdse", "sentinel-2-l2a", 1)
    assert row["newest"] == "2024-01-15T01:27:01.024000Z"
    assert row["quarantined"] == 1
    assert document["today"] == {"inserted": 1, "updated": 0, "deleted": 0}
    (source,) = document["sources"]
    assert source["last_run"]["state"] == "done"


def test_status_is_readable_in_both_languages_and_columns_align(filled: Catalogue, kakehashi: Runner):
    english = kakehashi("status", database_url=filled.url, LC_ALL="en_GB.UTF-8")
    english.went_well()
    assert "1 item in 1 collection, the newest of 2024-01-15 01:27" in english.stdout
    assert "Sentinel-2 Level-2A" in english.stdout
    assert "no-geometry" in english.stdout
    japanese = kakehashi("status", database_url=filled.url, LC_ALL="ja_JP.UTF-8").stdout
    assert "センチネル2号 レベル2A" in japanese
    lines = japanese.splitlines()
    head = next(line for line in lines if "title" in line)
    row = next(line for line in lines if "センチネル2号 レベル2A" in line)
    ends = [
        cell_len(line[: line.index(word) + len(word)])
        for line, word in ((head, "newest"), (row, "2024-01-15"))
    ]
    assert ends[1] - ends[0] == len("2024-01-15") - len("newest"), "both begin at the same place"


def test_status_of_a_database_that_is_away_or_empty_is_one_line(empty_url: str, kakehashi: Runner):
    kakehashi("status", database_url="postgresql://me:s3cret@127.0.0.1:1/none").failed("no connection")
    kakehashi("status", database_url=empty_url).failed("db migrate")
    kakehashi("status", "--json", database_url=empty_url).failed("db migrate")


@pytest.fixture
def empty_url(cluster: PrivateCluster) -> str:
    """A database in which nothing is."""
    asyncio.run(administer(cluster.url(), "CREATE DATABASE status_of_nothing"))
    return named(cluster.url(), "status_of_nothing")


def test_status_works_on_a_database_that_takes_no_writes(filled: Catalogue, kakehashi: Runner):
    name = filled.url.split(":///")[1].split("?")[0]
    execute(filled.url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = kakehashi("status", "--json", database_url=filled.url)
    done.went_well()
    assert json.loads(done.stdout)["items"] == 1


def test_a_recount_finds_what_others_wrote_and_brings_the_collection_in_line(
    filled: Catalogue, kakehashi: Runner
):
    (item,) = filled.items().values()
    other = item | {"id": "other", "properties": item["properties"] | {"platform": "sentinel-2z"}}
    execute(filled.url, "SELECT pgstac.create_item($1::jsonb)", jsontext.dumps(other).decode())
    done = kakehashi("db", "recount", database_url=filled.url)
    done.went_well()
    assert done.stderr.splitlines() == ["sentinel-2-l2a: 2 items"]
    found = filled.collection("sentinel-2-l2a")
    assert found["summaries"]["platform"] == ["sentinel-2a", "sentinel-2b", "sentinel-2c", "sentinel-2z"]
    kakehashi("db", "recount", "nowhere", database_url=filled.url).failed("nowhere")
