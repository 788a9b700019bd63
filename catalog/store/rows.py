"""Rows of pgstac's tables and the documents they hold."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.hydrate import Document, HydrationBase, ItemRow, hydrate, read_hydration_base

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Of an item, whose whole document is `document`; in the order of `ItemRow`.
ITEM_COLUMNS = """
    item.collection, item.id,
    ST_AsGeoJSON(item.geometry, 20) AS geometry,
    document::text AS content,
    document->>'stac_version' AS stac_version,
    document->>'pgstac:base_item' AS base,
    document->'properties' ? 'datetime' AS has_datetime
"""
# The same where nobody wants the assets: nine tenths of most items, whose text need not be written then.
ITEM_COLUMNS_WITHOUT_ASSETS = ITEM_COLUMNS.replace("document::text", "(document - 'assets')::text")
# The document is stored out of line and compressed: appending nothing takes it out once for all columns,
# where each of them would do so for itself.
DOCUMENT = "CROSS JOIN LATERAL (SELECT item.content || '{}'::jsonb AS document OFFSET 0) AS loose"
ITEM = f"""
    SELECT {ITEM_COLUMNS}
    FROM pgstac.items AS item {DOCUMENT}
    WHERE item.collection = $1 AND item.id = $2
"""  # noqa: S608 - constants of ours
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
_BASES_TTL_S = 5.0


class BaseItems:
    """Base items by collection and number. They never change, but go with their collection.

    Of a collection that is deleted and made again, the same number is another base item. A primary tells of
    that (`catalog.store.changes`), a replica does not: so what is remembered has an age, too.
    """

    def __init__(self, ttl_s: float = _BASES_TTL_S) -> None:
        """Remember nothing yet.

        Args:
            ttl_s: seconds for which base items are remembered.
        """
        self._ttl_s = ttl_s
        self._known: dict[tuple[str, str | None], HydrationBase] = {}
        self._until = 0.0

    def invalidate(self) -> None:
        """Forget all, since a collection was removed or replaced."""
        # Who is waiting for the database goes on with what it knew, and adds what it finds to that.
        self._known = {}

    async def of(
        self, connection: "Connection", items: Iterable[ItemRow]
    ) -> dict[tuple[str, str | None], HydrationBase]:
        """Return the base items that items were stored against; asks for those not seen before."""
        now = time.monotonic()
        if now >= self._until:
            self.invalidate()
            self._until = now + self._ttl_s
        known = self._known
        wanted = sorted({(item.collection, item.base) for item in items} - known.keys(), key=str)
        if wanted:
            rows = await connection.fetch(
                _BASE_ITEMS, [name for name, _ in wanted], [base for _, base in wanted]
            )
            found = {key: read_hydration_base(row["text"]) for key, row in zip(wanted, rows, strict=True)}
            known |= found
        return known


async def items_of(
    connection: "Connection", rows: Iterable[asyncpg.Record], bases: BaseItems
) -> list[Document]:
    """Return the items of rows that begin with the columns `ITEM_COLUMNS`."""
    items = [_item_row(row) for row in rows]
    known = await bases.of(connection, items)
    return [hydrate(item, known[item.collection, item.base]) for item in items]


def _item_row(row: asyncpg.Record) -> ItemRow:
    item = ItemRow._make(row[: len(ItemRow._fields)])
    # Who loads a member of pgstac's name with something else in it means no base item.
    return item if item.base is None or item.base.isdecimal() else item._replace(base=None)
