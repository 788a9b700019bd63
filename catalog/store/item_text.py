"""Free text of items: an item matches a term if it says so itself, its id begins so, or its collection says so.

Collections are few, so that which of them match is found first. What they leave open is asked of the
items: of those whose collection has all that is wanted nothing, of the others what is missing. Only a
few collections have items with texts of their own (migration `item_text`); the rest are not looked into.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.freetext import (
    EVERYTHING,
    NOTHING,
    Both,
    Expression,
    Not,
    Term,
    positive_terms,
    settle,
    terms_of,
)
from catalog.store.parameters import Parameters
from catalog.store.search import OwnText, Search

if TYPE_CHECKING:
    from catalog.store.connection import Connection

_ID_LENGTH = 6
# An underscore tells as much as two digits.
_ID_DIGITS, _ID_DIGITS_BESIDE_UNDERSCORE = 3, 1
_LAST_CHARACTER = 0x10FFFF
_WITH_TEXT = "SELECT collection FROM kakehashi.collection_with_item_text"


async def collections_with_item_text(connection: "Connection") -> frozenset[str]:
    """Return the collections some of whose items have a title, a description or keywords."""
    return frozenset(row["collection"] for row in await connection.fetch(_WITH_TEXT))


def divide(
    search: Search,
    collections: Sequence[str],
    matches: dict[Term, dict[str, float]],
    with_text: frozenset[str],
) -> list[Search]:
    """Return searches without free text that find between them, each once, what a search with it finds.

    Args:
        search: with `text`.
        collections: ids of all collections.
        matches: for each term the collections that have it.
        with_text: collections some of whose items have texts of their own.
    """
    assert search.text is not None
    wanted = [name for name in collections if not search.collections or name in search.collections]
    groups: dict[Expression, list[str]] = {}
    for name in wanted:

        def known(term: Term, name: str = name) -> bool | None:
            if name in matches[term]:
                return True
            return None if name in with_text or may_be_id(term) else False

        groups.setdefault(settle(search.text, known), []).append(name)
    sure = groups.pop(EVERYTHING, [])
    groups.pop(NOTHING, None)
    parts = []
    if sure:
        everywhere = len(sure) == len(collections) and not search.collections
        parts.append(replace(search, text=None, collections=() if everywhere else tuple(sure)))
    if groups:
        own = tuple(OwnText(tuple(names), expression) for expression, names in groups.items())
        names = tuple(name for part in own for name in part.collections)
        parts.append(replace(search, text=None, collections=names, own_text=own))
    return parts


def may_be_id(term: Term) -> bool:
    """Whether a term can be the id of an item or its beginning: one longer word with digits, as names of products have.

    An id says nothing of where its item is kept, so that looking for one has its price: for ALOS-2 or L2A
    it would be paid for nothing.
    """
    digits = sum(character.isdigit() for character in term.text)
    wanted = _ID_DIGITS_BESIDE_UNDERSCORE if "_" in term.text else _ID_DIGITS
    return " " not in term.text and len(term.text) >= _ID_LENGTH and digits >= wanted


def is_selective(own_text: Sequence[OwnText]) -> bool:
    """Whether the index helps to find what matches: not where it is enough that something is missing."""
    return all(positive_terms(part.expression) for part in own_text)


def own_text_condition(own_text: Sequence[OwnText], parameters: Parameters) -> str:
    """Return the SQL condition that the own text of an item matches."""
    placeholders: dict[Term, str] = {}
    for part in own_text:
        for term in terms_of(part.expression):
            placeholders.setdefault(term, parameters.add(term.text, "::text"))
    parts = [
        f"(collection = ANY ({parameters.add(list(part.collections), '::text[]')})"
        f" AND {_condition(part.expression, placeholders)})"
        for part in own_text
    ]
    return "(" + " OR ".join(parts) + ")"


def _condition(expression: Expression, placeholders: dict[Term, str]) -> str:
    if isinstance(expression, Term):
        text = placeholders[expression]
        # As the index has it, so that it is used.
        words = (
            "kakehashi.has_item_text(content)"
            f" AND kakehashi.item_words(content) @@ kakehashi.text_query({text})"
        )
        return f"({_begins(text)} OR ({words}))" if may_be_id(expression) else f"({words})"
    if isinstance(expression, Not):
        return f"({_condition(expression.part, placeholders)} IS NOT TRUE)"
    word = " AND " if isinstance(expression, Both) else " OR "
    return "(" + word.join(_condition(part, placeholders) for part in expression.parts) + ")"


def _begins(text: str) -> str:
    """Return the condition that an id begins so.

    The bounds are what the index of ids is read by, whatever its collation; none of them makes it true by itself.
    """
    return f"(id >= {text} AND id < {text} || chr({_LAST_CHARACTER}) AND starts_with(id, {text}))"
