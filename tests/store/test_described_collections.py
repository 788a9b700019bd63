"""What upstreams describe reaches the database as it came: wide numbers, null times, and Japanese texts."""

import asyncio
import json
from typing import Any

import asyncpg

from ingest.contract import Page, Selection
from ingest.harmonize import Harmonizer
from ingest.load import CatalogueSink
from ingest.pipeline import run
from ingest.recorded import as_stream
from ingest.report import Summary
from ingest.sources import make_source
from tests.unit.copernicus_documents import DATASET, PRODUCT, WIDE, data_set, dataset, product
from tests.unit.documents import definitions


def load(url: str, name: str, documents: list[Any]) -> Summary:
    async def go() -> Summary:
        source = make_source(name, definitions())
        harmonizer = Harmonizer(source, definitions().vocabulary, bilingual=definitions().bilingual)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("SET search_path TO pgstac, public")
            sink = CatalogueSink(connection, name, definitions(), harmonizer.describe, 10)
            pages = as_stream([Page(document, "test") for document in documents])
            return await run(source, pages, sink, harmonizer, selection=Selection())
        finally:
            await connection.close()

    return asyncio.run(go())


def value(url: str, query: str, *arguments: Any) -> Any:
    async def go() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(go())


def test_a_number_wider_than_64_bits_comes_back_from_the_database(fresh_database_url: str):
    summary = load(fresh_database_url, "cmems", [product(), dataset()])
    assert (summary.items, summary.collections, summary.refused) == (1, 1, {})
    text = value(fresh_database_url, "SELECT content::text FROM pgstac.items WHERE id = $1", DATASET)
    assert json.loads(text)["properties"]["cube:variables"]["so"]["nodata"] == WIDE
    again = load(fresh_database_url, "cmems", [product(), dataset()])
    assert again.written.unchanged == 1


def test_a_described_collection_has_japanese_texts(fresh_database_url: str):
    load(fresh_database_url, "cmems", [product()])
    load(fresh_database_url, "cds", [{"collections": [data_set()]}])
    query = "SELECT content->>'title' FROM kakehashi.collection_translation WHERE collection = $1 AND language = 'ja'"
    assert value(fresh_database_url, query, PRODUCT).startswith("全球海洋・")
    assert value(fresh_database_url, query, "reanalysis-example").startswith("全球・海面水温")
