"""Linking the versions of a product, in whatever order they are loaded.

Each product whose names tell its versions has a row with the ids of its items. Whoever writes an item puts its
id there and so meets the other versions; a new version changes what the older ones say, in the same
transaction. An item without other versions, which nearly all are, costs an entry in one index.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from hashlib import md5
from typing import TYPE_CHECKING, Any
from uuid import UUID

from catalog import jsontext
from catalog.names import Version, version_of
from catalog.versioned import with_versions

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Member of pgstac's `private` that says that a row's `deprecated` is ours. It changes with each change of
# the links, so that the row's digest of its record stays (migration 0006, `forget_digest`).
_MARK = "kakehashi_versions"


async def link_versions(
    connection: "Connection", collection: str, table: str, identifiers: Collection[str]
) -> int:
    """Link items that were just written with the other versions of their products.

    Args:
        connection: of the ingest role, in the transaction that wrote them.
        collection: of the items.
        table: of `pgstac` that holds the collection's items.
        identifiers: of the items.

    Returns:
        How many items, of these and of others, say something else than before.
    """
    members: dict[UUID, set[str]] = defaultdict(set)
    for identifier in identifiers:
        version = version_of(identifier)
        if version is not None:
            members[_key(collection, version)].add(identifier)
    if not members:
        return 0
    # In the order of keys, so that two loads never wait for each other here.
    pairs = [(key, identifier) for key in sorted(members) for identifier in sorted(members[key])]
    await connection.execute(
        """
        INSERT INTO kakehashi.product_version AS there (key, ids)
        SELECT key, array_agg(id) FROM unnest($1::uuid[], $2::text[]) AS new (key, id) GROUP BY key ORDER BY key
        ON CONFLICT (key) DO UPDATE SET
            ids = there.ids || ARRAY(SELECT id FROM unnest(excluded.ids) AS new (id) WHERE id <> ALL (there.ids))
        WHERE NOT there.ids @> excluded.ids
        """,
        [key for key, _ in pairs],
        [identifier for _, identifier in pairs],
    )
    rows = await connection.fetch(
        "SELECT ids FROM kakehashi.product_version WHERE key = ANY ($1::uuid[]) AND cardinality(ids) > 1",
        list(members),
    )
    return await _relink(connection, collection, table, [row["ids"] for row in rows])


async def unlink_versions(
    connection: "Connection", collection: str, table: str, identifiers: Iterable[str]
) -> int:
    """Link anew the versions that are left of products of which items were just taken out.

    Args:
        connection: of the ingest role, in the transaction that took them out.
        collection: of the items.
        table: of `pgstac` that holds the collection's items.
        identifiers: of the items that are gone.

    Returns:
        How many items say something else than before.
    """
    gone = list(identifiers)
    versions = [version for version in map(version_of, gone) if version is not None]
    keys = sorted({_key(collection, version) for version in versions})
    if not keys:
        return 0
    rows = await connection.fetch(
        """
        UPDATE kakehashi.product_version
        SET ids = ARRAY(SELECT id FROM unnest(ids) AS one (id) WHERE id <> ALL ($2::text[]))
        WHERE key = ANY ($1::uuid[]) RETURNING ids
        """,
        keys,
        gone,
    )
    await connection.execute(
        "DELETE FROM kakehashi.product_version WHERE key = ANY ($1::uuid[]) AND ids = '{}'", keys
    )
    return await _relink(connection, collection, table, [row["ids"] for row in rows if row["ids"]])


async def _relink(connection: "Connection", collection: str, table: str, products: list[list[str]]) -> int:
    """Write into items what they have to say of the other versions, where that is not there yet."""
    if not products:
        return 0
    rows = await connection.fetch(
        f"SELECT id, content::text, private::text FROM pgstac.{table} WHERE id = ANY ($1::text[])",  # noqa: S608
        [identifier for product in products for identifier in product],
    )
    there = {row["id"]: row for row in rows}
    changed: list[tuple[str, str, str]] = []
    for product in products:
        chain = sorted((name for name in product if name in there), key=_age)
        for place, identifier in enumerate(chain):
            row = there[identifier]
            content = jsontext.loads(row["content"])
            mark = (jsontext.loads(row["private"]) if row["private"] else {}).get(_MARK)
            new = with_versions(content, collection, chain, place, marked=mark is not None)
            if new != _with_members(content):
                changed.append((identifier, jsontext.dumps(new).decode(), f"{place + 1} of {chain!r}"))
    if not changed:
        return 0
    await connection.execute(
        "DELETE FROM pgstac.format_item_cache WHERE collection = $1 AND id = ANY ($2::text[])",
        collection,
        [identifier for identifier, _, _ in changed],
    )
    await connection.execute(
        f"""
        UPDATE pgstac.{table} AS items
        SET content = changed.content,
            private = coalesce(items.private, '{{}}'::jsonb) || jsonb_build_object('{_MARK}', md5(changed.mark))
        FROM unnest($1::text[], $2::jsonb[], $3::text[]) AS changed (id, content, mark) WHERE items.id = changed.id
        """,  # noqa: S608 - names of a table and a member, both ours
        *([row[column] for row in changed] for column in range(3)),
    )
    return len(changed)


def _with_members(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with the members that `with_versions` gives, for comparison."""
    return {"links": [], "properties": {}, "stac_extensions": [], **content}


def _age(identifier: str) -> tuple[tuple[str, ...], str]:
    version = version_of(identifier)
    return (version.order if version else (), identifier)


def _key(collection: str, version: Version) -> UUID:
    text = f"{collection}\n{version.key}".encode()
    return UUID(bytes=md5(text, usedforsecurity=False).digest())
