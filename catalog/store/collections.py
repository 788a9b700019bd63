"""All collections at once, kept in memory: there are hundreds, not millions.

A search of collections looks at every one of them (`catalog.collection_search`), which takes a
millisecond or two, and so needs no index and no SQL of its own. Whether the copy is still true is asked
each time, in one statement that reads no document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from catalog import jsontext
from catalog.freetext import Term
from catalog.languages import in_language, own_language
from catalog.store.hydrate import Document, stored_links

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

# A transaction that changes a row gives it its own number, so that the sums tell any change.
_STATE = """
    SELECT concat_ws(' ', count(*), sum(xmin::text::numeric),
        (SELECT concat_ws(' ', count(*), sum(xmin::text::numeric)) FROM kakehashi.collection_translation))
    FROM pgstac.collections
"""
_COLUMNS = """
        id,
        (content - 'links')::text AS members,
        (content -> 'links')::text AS links,
        (
            SELECT jsonb_object_agg(language, translation.content)::text
            FROM kakehashi.collection_translation AS translation WHERE collection = collections.id
        ) AS translations
"""
_ALL = f'SELECT {_COLUMNS} FROM pgstac.collections ORDER BY id COLLATE "C"'  # noqa: S608 - constants
_ONE = f"SELECT {_COLUMNS} FROM pgstac.collections WHERE id = $1"  # noqa: S608
_MATCHES = """
    SELECT wanted.place, found.collection, ts_rank('{0.1, 0.2, 0.5, 1}', found.words, wanted.query) AS rank
    FROM (
        SELECT place, kakehashi.text_query(term) AS query
        FROM unnest($1::text[]) WITH ORDINALITY AS terms (term, place)
    ) AS wanted
    JOIN kakehashi.collection_text AS found ON found.words @@ wanted.query
"""


@dataclass(frozen=True)
class StoredCollection:
    """One collection and what is known of it in other languages.

    Attributes:
        document: as it is stored, in English or in its upstream's language.
        translations: members that differ in another language, by its tag.
    """

    document: Document
    translations: Mapping[str, Mapping[str, Any]]
    _contents: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    _documents: dict[str, Document] = field(default_factory=dict, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Its id."""
        return self.document.id

    def content_in(self, language: str) -> Mapping[str, Any]:
        """Return the collection as an object in a language, in its own if it has no translation to it."""
        if language not in self._contents:
            self._contents[language] = MappingProxyType(
                in_language(self.content, self.translations, language)
            )
        return self._contents[language]

    def document_in(self, language: str) -> Document:
        """Return the collection as text in a language, in its own if it has no translation to it."""
        if language not in self._documents:
            content = self.content_in(language)
            spoken = own_language(content)
            languages = tuple(dict.fromkeys([spoken, own_language(self.content), *self.translations]))
            if content == self.content:
                self._documents[language] = self.document._replace(languages=languages)
            else:
                named = self.translations[language].get("link_titles", {})
                links = [
                    {**link, "title": named[link["href"]]} if link.get("href") in named else link
                    for link in self.document.links
                ]
                members = jsontext.dumps(dict(content)).decode()
                self._documents[language] = self.document._replace(
                    members=members, links=links, languages=languages
                )
        return self._documents[language]

    @cached_property
    def content(self) -> dict[str, Any]:
        """The collection as an object; not to be changed."""
        members: dict[str, Any] = orjson.loads(self.document.members)
        return members


async def match_terms(connection: "Connection", terms: Sequence[Term]) -> dict[Term, dict[str, float]]:
    """Return for each term the collections whose text has it, and how much it tells of them (0 to 1)."""
    found: dict[Term, dict[str, float]] = {term: {} for term in terms}
    for row in await connection.fetch(_MATCHES, [term.text for term in terms]):
        found[terms[row["place"] - 1]][row["collection"]] = row["rank"]
    return found


async def read_collection(connection: "Connection", name: str) -> StoredCollection | None:
    """Return a collection as the database has it now, None if there is none of this id."""
    row = await connection.fetchrow(_ONE, name)
    return None if row is None else _stored(row)


def _stored(row: "asyncpg.Record") -> StoredCollection:
    return StoredCollection(
        Document(row["id"], row["id"], row["members"], stored_links(row["links"])),
        MappingProxyType(orjson.loads(row["translations"] or "{}")),
    )


class CollectionCache:
    """The collections of a database, read again when one has changed."""

    def __init__(self) -> None:
        self._state: str | None = None
        self._collections: Mapping[str, StoredCollection] = MappingProxyType({})

    async def get(self, connection: "Connection") -> Mapping[str, StoredCollection]:
        """Return all collections by id, in order of their ids."""
        state = await connection.fetchval(_STATE)
        if state != self._state:
            rows = await connection.fetch(_ALL)
            self._collections = MappingProxyType({row["id"]: _stored(row) for row in rows})
            self._state = state
        return self._collections
