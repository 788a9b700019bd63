"""Writing collections of our own definitions, with all that they are found by."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from catalog.languages import NO_LANGUAGE
from catalog.store.writer import upsert_collections, upsert_translations

if TYPE_CHECKING:
    from catalog.definitions import Definitions
    from catalog.store.connection import Connection


async def upsert_defined(
    connection: "Connection", definitions: "Definitions", names: Collection[str]
) -> None:
    """Insert or replace collections that are defined, in both languages, and what upstreams call them.

    Args:
        connection: of the ingest role.
        definitions: where they are defined.
        names: ids of collections.

    Raises:
        NotFound: one of them is not defined.
    """
    await upsert_collections(connection, [definitions.render(name) for name in names])
    await upsert_translations(connection, "ja", {name: definitions.translated(name, "ja") for name in names})
    native = {name: definitions.native_names(name) for name in names}
    await upsert_translations(connection, NO_LANGUAGE, native)
