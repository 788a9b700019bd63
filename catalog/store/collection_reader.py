"""Reading the collections: one, a search of them, their titles, and what their items can be asked for."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson

from catalog import queryables
from catalog.collection_search import Candidate, CollectionSearch, find, page_of, sort_values
from catalog.errors import NotFound
from catalog.freetext import Expression, Term, terms_of
from catalog.languages import DEFAULT
from catalog.store.collections import CollectionCache, match_terms
from catalog.store.counts import Count
from catalog.store.hydrate import Document
from catalog.store.page import Page
from catalog.store.pool import Connections
from catalog.store.property_names import PropertyNames, registered_queryables
from catalog.store.token import Position, read_token, write_token

if TYPE_CHECKING:
    from catalog.store.connection import Connection


class CollectionReader:
    """Answers from a copy of all collections, which is asked for changes each time."""

    def __init__(self, pool: Connections, key: "Callable[[Connection], Awaitable[bytes]]") -> None:
        """Read through a pool of the read role.

        Args:
            pool: closed by whoever opened it.
            key: gives the secret that signs page tokens.
        """
        self._pool = pool
        self._key = key
        self._all = CollectionCache()
        self._names = PropertyNames()

    async def one(self, name: str, language: str = DEFAULT) -> Document:
        """Return one collection in a language, if it has a translation to it.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._pool.connection() as connection:
            stored = (await self._all.get(connection)).get(name)
        if stored is None:
            raise NotFound(f"there is no collection {name}")
        return stored.document_in(language)

    async def search(self, search: CollectionSearch) -> Page:
        """Return one page of the collections that match.

        Raises:
            InvalidRequest: unknown sort key, or the token is not one of ours.
        """
        async with self._pool.connection() as connection:
            collections = await self._all.get(connection)
            matches = {} if search.text is None else await match_terms(connection, terms_of(search.text))
            key = b"" if search.token is None and search.limit is None else await self._key(connection)
        position = None if search.token is None else read_token(search.token, key, search.fingerprint)
        candidates = [Candidate(one.id, one.content_in(search.language)) for one in collections.values()]
        found = find(candidates, search, matches)
        page, has_previous, has_next = page_of(found, search, matches, position)

        def beside(one: Candidate, *, forward: bool) -> str:
            values = [orjson.dumps(value).decode() for value in sort_values(one, search, matches)]
            return write_token(Position(forward, search.fingerprint, tuple(values), "", one.id), key)

        return Page(
            [collections[one.id].document_in(search.language) for one in page],
            Count(len(found)),
            beside(page[-1], forward=True) if page and has_next else None,
            beside(page[0], forward=False) if page and has_previous else None,
        )

    async def matches(
        self, connection: "Connection", text: Expression
    ) -> tuple[list[str], dict[Term, dict[str, float]]]:
        """Return the ids of all collections, and for each term of a free text those that have it."""
        collections = await self._all.get(connection)
        return list(collections), await match_terms(connection, terms_of(text))

    async def titles(self, language: str = DEFAULT) -> list[tuple[str, str | None]]:
        """Return id and title of every collection, by id."""
        async with self._pool.connection() as connection:
            collections = await self._all.get(connection)
        return [(one.id, one.content_in(language).get("title")) for one in collections.values()]

    async def item_queryables(
        self, collection: str | None = None, language: str = DEFAULT
    ) -> tuple[dict[str, Any], bool]:
        """Return the properties of items that a filter or sort may name, as JSON Schemas by name.

        And whether it may name others too.

        Args:
            collection: only those that its items have, with the values they take.
            language: of titles.

        Raises:
            NotFound: there is no such collection.
        """
        async with self._pool.connection() as connection:
            collections = await self._all.get(connection)
            if collection is not None and collection not in collections:
                raise NotFound(f"there is no collection {collection}")
            registered, is_open = await registered_queryables(connection, collection)
            if collection is None:
                schemas = queryables.of_all(registered, [one.content for one in collections.values()])
            else:
                present = await self._names.of(connection, collection)
                schemas = queryables.of_collection(registered, collections[collection].content, present)
        return queryables.in_language(schemas, language), is_open

    async def property_names(self, collection: str) -> frozenset[str]:
        """Return the names of properties that a collection's items have, as far as a sample and its summaries tell.

        Raises:
            NotFound: there is no such collection.
        """
        async with self._pool.connection() as connection:
            collections = await self._all.get(connection)
            if collection not in collections:
                raise NotFound(f"there is no collection {collection}")
            present = await self._names.of(connection, collection)
        summaries = collections[collection].content.get("summaries")
        return present | frozenset(summaries if isinstance(summaries, dict) else ())

    async def queryables(self, language: str = DEFAULT) -> dict[str, Any]:
        """Return the properties of collections that a search of them may name, as JSON Schemas by name."""
        async with self._pool.connection() as connection:
            collections = await self._all.get(connection)
        schemas = queryables.of_collections(one.content for one in collections.values())
        return queryables.in_language(schemas, language)
