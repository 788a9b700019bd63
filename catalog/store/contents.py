"""How much is in the catalogue."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Beyond this many items, PostgreSQL's own estimate is good enough and a count is not quick any more.
_COUNT_UP_TO = 100_000


@dataclass(frozen=True)
class Contents:
    """Numbers of collections and items; those of a large catalogue are estimates.

    Attributes:
        is_exact: whether the items were counted.
    """

    collections: int
    items: int
    is_exact: bool


async def count_contents(connection: "Connection") -> Contents:
    """Count what is in the catalogue, in a time that does not grow with it."""
    collections: int = await connection.fetchval("SELECT count(*) FROM pgstac.collections")
    items: int = await connection.fetchval(
        "SELECT count(*) FROM (SELECT 1 FROM pgstac.items LIMIT $1) AS counted", _COUNT_UP_TO
    )
    if items < _COUNT_UP_TO:
        return Contents(collections, items, is_exact=True)
    estimate: int = await connection.fetchval(
        """
        SELECT sum(greatest(reltuples, 0))::bigint FROM pg_partition_tree('pgstac.items')
        JOIN pg_class ON pg_class.oid = relid WHERE isleaf
        """
    )
    return Contents(collections, max(estimate, items), is_exact=False)
