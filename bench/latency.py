"""How long one client waits, by kind of question, and the raw fetch of the same rows."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import orjson

from bench.asking import Caller
from bench.figures import median, milliseconds, percentile, table
from bench.generated import Shape
from bench.servers import Server

_WALK_PAGES = 10


@dataclass(frozen=True)
class Question:
    """One kind of request.

    Attributes:
        name: as it stands in tables.
        target: path and query.
        pages: how many pages are asked for, one after the other, following `next`.
        rows: whether the answer holds items, so that there is a raw fetch to compare with.
    """

    name: str
    target: str
    pages: int = 1
    rows: bool = True


def questions(shape: Shape, item_id: str) -> list[Question]:
    """Return the kinds of request.

    Args:
        shape: of the generated data.
        item_id: an item of the middle collection.
    """
    name = shape.names[shape.collections // 2]
    condition = quote("\"eo:cloud_cover\" < 20 AND platform = 'sentinel-2a'")
    return [
        Question("page of 10", f"/search?collections={name}&limit=10"),
        Question("page of 100", f"/search?collections={name}&limit=100"),
        Question("page of 100, all collections", "/search?limit=100"),
        Question(
            "bbox and year, 100",
            "/search?bbox=130,30,146,46&datetime=2023-01-01T00:00:00Z/2023-12-31T23:59:59Z&limit=100",
        ),
        Question(
            "CQL2 filter, sort on a property, 20",
            f"/search?collections={name}&filter-lang=cql2-text&filter={condition}&sortby=-eo:cloud_cover&limit=20",
        ),
        Question(f"{_WALK_PAGES} pages of 100", f"/search?collections={name}&limit=100", pages=_WALK_PAGES),
        Question("item by id", f"/collections/{name}/items/{item_id}"),
        Question("collections", "/collections", rows=False),
        Question("landing", "/", rows=False),
    ]


async def report(servers: list[Server], url: str, shape: Shape, rounds: int) -> None:
    """Measure and print. The servers are asked in turn, so that the machine's moods hit all alike."""
    callers = [Caller(server.port) for server in servers]
    item_id = await some_item(callers[0], shape)
    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pgstac,public", "timezone": "UTC", "jit": "off"}
    )
    rows = []
    try:
        for question in questions(shape, item_id):
            fetch = await _raw_fetch(connection, callers[0], question) if question.rows else None
            times = await _ask_in_turn(callers, fetch, question, rounds)
            rows.append(_row(question, times))
    finally:
        await connection.close()
        for caller in callers:
            caller.close()
    head = [
        "ms: median (p95)",
        "raw fetch",
        *(server.name for server in servers),
        "ours / raw",
        *(f"{server.name} / ours" for server in servers[1:]),
    ]
    print(f"\nOne client, {shape.items:,} items, {rounds} rounds\n")
    print(table(head, rows))


def _row(question: Question, times: list[list[float]]) -> list[str]:
    raw, own, *others = times

    def cell(values: list[float]) -> str:
        return f"{milliseconds(median(values))} ({milliseconds(percentile(values, 0.95))})" if values else "-"

    ratio = f"{median(own) / median(raw):.1f}" if raw else "-"
    return [
        question.name,
        cell(raw),
        cell(own),
        *map(cell, others),
        ratio,
        *(f"{median(other) / median(own):.0f}" for other in others),
    ]


async def _ask_in_turn(
    callers: list[Caller], fetch: Callable[[], Awaitable[None]] | None, question: Question, rounds: int
) -> list[list[float]]:
    """Return the times of the raw fetch (none if there is none), and of each server; after a warm-up."""
    times: list[list[float]] = [[] for _ in range(len(callers) + 1)]
    for turn in range(-2, rounds):
        if fetch is not None:
            begun = time.perf_counter()
            await fetch()
            if turn >= 0:
                times[0].append(time.perf_counter() - begun)
        for number, caller in enumerate(callers, 1):
            # A peer that takes seconds is not asked as often: its medians do not need it.
            if turn > 4 and sum(times[number]) > 30:
                continue
            seconds, _ = await _walk(caller, question)
            if turn >= 0:
                times[number].append(seconds)
    return times


async def _walk(caller: Caller, question: Question) -> tuple[float, list[Any]]:
    """Return the seconds spent waiting, and the pages."""
    target, spent, pages = question.target, 0.0, []
    for number in range(question.pages):
        answer = await caller.get(target)
        if answer.status != 200:
            raise SystemExit(f"{question.name}: {answer.status} {answer.body[:300]!r}")
        spent += answer.seconds
        if question.pages > 1 or number == 0:
            pages.append(answer.body)
        if number + 1 < question.pages:
            links = orjson.loads(answer.body)["links"]
            parts = urlsplit(next(link["href"] for link in links if link["rel"] == "next"))
            target = f"{parts.path}?{parts.query}"
    return spent, pages


async def some_item(caller: Caller, shape: Shape) -> str:
    """Return the id of an item of the middle collection."""
    name = shape.names[shape.collections // 2]
    answer = await caller.get(f"/search?collections={name}&limit=50")
    return str(orjson.loads(answer.body)["features"][-1]["id"])


async def _raw_fetch(
    connection: "asyncpg.Connection[Any]", caller: Caller, question: Question
) -> Callable[[], Awaitable[None]]:
    """Return what fetches the text of the rows of an answer, page by page."""
    _, pages = await _walk(caller, question)
    prepared = []
    for page in pages:
        body = orjson.loads(page)
        keys = [(feature["collection"], feature["id"]) for feature in body.get("features", [body])]
        found = await connection.fetch(
            """
            SELECT items.tableoid::regclass::text AS partition, array_agg(items.id) AS ids
            FROM pgstac.items JOIN unnest($1::text[], $2::text[]) AS wanted (collection, id)
                ON items.collection = wanted.collection AND items.id = wanted.id
            GROUP BY 1
            """,
            [collection for collection, _ in keys],
            [name for _, name in keys],
        )
        statement = " UNION ALL ".join(
            f"SELECT id, collection, ST_AsGeoJSON(geometry), content::text FROM {row['partition']} WHERE id = ANY (${number}::text[])"
            for number, row in enumerate(found, 1)
        )
        prepared.append((await connection.prepare(statement), [row["ids"] for row in found]))

    async def fetch() -> None:
        for statement, ids in prepared:
            await statement.fetch(*ids)

    return fetch
