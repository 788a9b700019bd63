"""Which properties items have: those that are registered, and those that a collection's items really use."""

import time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# The newest and the oldest items of a collection: a product changes its properties with time.
_PRESENT = """
    SELECT DISTINCT jsonb_object_keys(item.properties) AS name
    FROM (
        (SELECT content -> 'properties' AS properties FROM pgstac.items
         WHERE collection = $1 ORDER BY datetime DESC LIMIT 50)
        UNION ALL
        (SELECT content -> 'properties' FROM pgstac.items
         WHERE collection = $1 ORDER BY datetime LIMIT 50)
    ) AS item
"""
_KEPT_S = 60.0


async def registered_queryables(
    connection: "Connection", collection: str | None
) -> tuple[dict[str, Any], bool]:
    """Return the JSON Schemas of the properties that pgstac knows for a collection, or for any, by name.

    And whether others may be asked for too.
    """
    names = None if collection is None else [collection]
    text = await connection.fetchval("SELECT pgstac.get_queryables($1::text[])", names)
    document = orjson.loads(text) if text else {}
    return document.get("properties") or {}, document.get("additionalProperties") is not False


class PropertyNames:
    """Names of properties that a sample of each collection's items has, remembered for a minute."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    async def of(self, connection: "Connection", collection: str) -> frozenset[str]:
        """Return the names for one collection, which exists."""
        until, names = self._known.get(collection, (0.0, frozenset()))
        if until < time.monotonic():
            rows = await connection.fetch(_PRESENT, collection)
            names = frozenset(row["name"] for row in rows)
            self._known[collection] = (time.monotonic() + _KEPT_S, names)
        return names
