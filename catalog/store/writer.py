"""Writing collections and items into pgstac, so that other pgstac tools read the same database.

A few items at a time are written here; loads of many are `catalog.store.loader`, of which this is the
small end.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog import jsontext
from catalog.errors import RecordRefused, WriteRefused
from catalog.store.batch import BatchWriter
from catalog.store.following import remember_declared, with_data_followed
from catalog.store.prepared import prepare
from catalog.store.written import Written

if TYPE_CHECKING:
    from catalog.store.connection import Connection

_INSERT_COLLECTION = "INSERT INTO pgstac.collections (content, partition_trunc) VALUES ($1::jsonb, $2)"
# Not in one statement: ON CONFLICT DO UPDATE takes a stronger lock, since `id` is made of `content`, and would
# wait for loads of the collection's items, and for whoever brings its figures up to date and waits for us.
_UPDATE_COLLECTION = """
    UPDATE pgstac.collections SET content = $2::jsonb WHERE id = $1 AND content IS DISTINCT FROM $2::jsonb
"""
# pgstac's own columns (id, geometry, datetime ...) need no registration.
_WANTED_QUERYABLES = """
WITH wanted AS (
    SELECT pgstac.strip_properties_prefix(key) AS name, value AS definition
    FROM jsonb_each($1::jsonb -> 'properties')
    WHERE pgstac.queryable_column(key) IS NULL
)
"""
_QUERYABLES = (
    """
    DELETE FROM pgstac.queryables USING wanted
    WHERE queryables.name = wanted.name AND queryables.collection_ids IS NOT NULL
    """,
    """
    UPDATE pgstac.queryables SET definition = wanted.definition, property_wrapper = NULL, property_path = NULL
    FROM wanted
    WHERE queryables.name = wanted.name
        AND (queryables.definition, queryables.property_wrapper, queryables.property_path)
            IS DISTINCT FROM (wanted.definition, NULL, NULL)
    """,
    """
    INSERT INTO pgstac.queryables (name, definition)
    SELECT name, definition FROM wanted
    WHERE NOT EXISTS (SELECT FROM pgstac.queryables WHERE queryables.name = wanted.name)
    """,
)


async def upsert_items(connection: "Connection", items: Sequence[Mapping[str, Any]]) -> Written:
    """Insert or update items, all of them or none.

    Args:
        connection: of the ingest role.
        items: complete STAC items whose collections exist; times in UTC with `Z`. Of two with the
            same collection and id, the last one counts.

    Returns:
        Counts; an item that differs in nothing but `harvest:time` is unchanged.

    Raises:
        WriteRefused: an item's collection does not exist, or an item cannot be stored.
    """
    writer = BatchWriter(connection)
    async with connection.transaction():
        try:
            prepared = [
                prepare(item, (await writer.target(str(item.get("collection")))).base) for item in items
            ]
        except RecordRefused as error:
            raise WriteRefused(f"an item cannot be stored: {error.reason}") from error
        outcome = await writer.write(prepared)
        for item, refusal in outcome.refused:
            raise WriteRefused(f"item {item.id} cannot be stored: {refusal.reason}") from refusal
    return outcome.total()


async def upsert_collections(
    connection: "Connection", collections: Iterable[Mapping[str, Any]], *, replace: bool = True
) -> int:
    """Insert or replace collections; return how many were new or different.

    Where a collection has items, its extent and summaries are widened by what these say.

    Args:
        connection: of the ingest role.
        collections: complete STAC Collections without structural links. Items of a large
            collection are kept in one partition per month if it says `"kakehashi:partition": "month"`.
        replace: whether one that is there is replaced.

    Raises:
        UniqueViolationError: one is there and is not to be replaced.
    """
    changed = 0
    insert = f"{_INSERT_COLLECTION} ON CONFLICT (id) DO NOTHING" if replace else _INSERT_COLLECTION
    for collection in collections:
        declared = dict(collection)
        partition = declared.pop("kakehashi:partition", None)
        async with connection.transaction():
            content, followed = await with_data_followed(connection, declared)
            text = jsontext.dumps(content).decode()
            status = await connection.execute(insert, text, partition)
            if status.endswith(" 0"):
                status = await connection.execute(_UPDATE_COLLECTION, declared["id"], text)
            if followed is not None:
                await remember_declared(connection, declared["id"], followed)
        changed += int(status.rsplit(" ", 1)[1])
    return changed


async def upsert_translations(
    connection: "Connection", language: str, translations: Mapping[str, Mapping[str, Any]]
) -> None:
    """Store title, description and keywords of collections in another language.

    Args:
        connection: of the ingest role.
        language: RFC 5646 tag, such as `ja`.
        translations: by collection id; the collections exist.
    """
    await connection.executemany(
        """
        INSERT INTO kakehashi.collection_translation (collection, language, content)
        VALUES ($1, $2, $3::jsonb)
        ON CONFLICT (collection, language) DO UPDATE SET content = excluded.content
        WHERE kakehashi.collection_translation.content IS DISTINCT FROM excluded.content
        """,
        [(name, language, jsontext.dumps(content).decode()) for name, content in translations.items()],
    )


async def upsert_queryables(connection: "Connection", definitions: Mapping[str, Any]) -> int:
    """Register the typed properties of the vocabulary, so that numbers compare as numbers.

    In three statements for all of them: pgstac's own function goes through all partitions again for
    every property. An index that an administrator asked for (`property_index_type`) stays.

    Args:
        connection: of the account that migrates, since pgstac builds indexes from them.
        definitions: JSON Schema document with `properties`.

    Returns:
        How many were new or different.
    """
    document = jsontext.dumps(definitions).decode()
    changed = 0
    async with connection.transaction():
        for statement in _QUERYABLES:
            status = await connection.execute(_WANTED_QUERYABLES + statement, document)
            changed += int(status.rsplit(" ", 1)[1])
    return changed


async def existing_collections(connection: "Connection") -> set[str]:
    """Return the ids of all collections that are in the catalogue."""
    return {row["id"] for row in await connection.fetch("SELECT id FROM pgstac.collections")}
