"""Rows of pgstac's tables and the documents they hold."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.hydrate import BaseItem, Document, ItemRow, hydrate, read_base_item, stored_links
from catalog.store.search import CONTENT_TEXT

if TYPE_CHECKING:
    from catalog.store.pool import Connection

ITEM = f"""
    SELECT
        id, collection,
        ST_AsGeoJSON(geometry, 20) AS geometry,
        content->>'stac_version' AS stac_version,
        (content->'links')::text AS links,
        content->>'pgstac:base_item' AS base,
        {CONTENT_TEXT} AS content
    FROM pgstac.items
    WHERE collection = $1 AND id = $2
"""  # noqa: S608 - a constant of ours
_COLLECTION_COLUMNS = "id, (content - 'links')::text AS members, (content->'links')::text AS links"
COLLECTION = f"SELECT {_COLLECTION_COLUMNS} FROM pgstac.collections WHERE id = $1"  # noqa: S608
COLLECTIONS_AFTER = f"""
    SELECT {_COLLECTION_COLUMNS} FROM pgstac.collections
    WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2::int
"""  # noqa: S608
COLLECTIONS_BEFORE = f"""
    SELECT {_COLLECTION_COLUMNS} FROM pgstac.collections
    WHERE $1::text IS NULL OR id < $1 ORDER BY id DESC LIMIT $2::int
"""  # noqa: S608
HEALTH = """
    SELECT
        pgstac.get_version() AS pgstac,
        (SELECT max(number) FROM kakehashi.migration) AS schema,
        (SELECT count(*) FROM pgstac.collections) AS collections
"""
_BASE_ITEMS = """
    SELECT wanted.position, pgstac.collection_base_item(wanted.collection, wanted.base::int)::text AS text
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (collection, base, position)
    ORDER BY wanted.position
"""


async def items_of(connection: "Connection", rows: Iterable[asyncpg.Record]) -> list[Document]:
    """Return the items of rows with the columns of `page_statement`; asks for base items once."""
    items = [
        ItemRow(
            collection=row["collection"],
            id=row["id"],
            geometry=row["geometry"],
            content=row["content"],
            links=row["links"],
            stac_version=row["stac_version"],
            base=row["base"] if row["base"] and row["base"].isdecimal() else None,
        )
        for row in rows
    ]
    wanted = sorted({(item.collection, item.base or "") for item in items})
    bases: dict[tuple[str, str], BaseItem] = {}
    if wanted:
        found = await connection.fetch(
            _BASE_ITEMS, [name for name, _ in wanted], [base or None for _, base in wanted]
        )
        bases = {key: read_base_item(row["text"]) for key, row in zip(wanted, found, strict=True)}
    return [hydrate(item, bases[item.collection, item.base or ""]) for item in items]


def collection_of(row: asyncpg.Record) -> Document:
    """Return the collection of a row."""
    return Document(row["id"], row["id"], row["members"], stored_links(row["links"]))
