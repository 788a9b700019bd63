"""Items that the catalogue holds of other sources, for joining what several hubs say of one product."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from catalog import jsontext

if TYPE_CHECKING:
    from catalog.store.writer import Connection

Key = tuple[str, str]


async def hold_shared_items(
    connection: "Connection", source: str, keys: Collection[Key]
) -> dict[Key, dict[str, Any]]:
    """Return those of some items of which the catalogue knows from other sources too, and hold them.

    Two sources that load the same product at the same time must not overwrite each other, so their
    collections stay locked for joining until the transaction ends.

    Args:
        connection: of the ingest role, in a transaction.
        source: whose items are about to be written.
        keys: collection and id of these.

    Returns:
        Complete items, as they were loaded, by key.
    """
    for collection in sorted({collection for collection, _ in keys}):
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('kakehashi join'), hashtext($1))", collection
        )
    rows = await connection.fetch(
        """
        SELECT items.collection, items.id, pgstac.content_hydrate(items)::text AS item
        FROM unnest($1::text[], $2::text[]) AS wanted (collection, id)
        JOIN pgstac.items AS items ON items.collection = wanted.collection AND items.id = wanted.id
        WHERE items.content->'properties'->>'harvest:source' IS DISTINCT FROM $3
            OR items.content @? '$.links[*]."harvest:source" ? (@ != "")'
        """,
        [collection for collection, _ in keys],
        [name for _, name in keys],
        source,
    )
    held = {}
    for row in rows:
        item: dict[str, Any] = jsontext.loads(row["item"])
        # pgstac drops a null, which an item with a start and an end alone must have.
        item["properties"].setdefault("datetime", None)
        held[row["collection"], row["id"]] = item
    return held
