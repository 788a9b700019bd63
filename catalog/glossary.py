"""Japanese for collections that an upstream describes itself, in English, from a list of terms.

No sentence is translated: the title names in Japanese what the English one names, and keeps it; the
terms that are found are keywords, so that a search in Japanese finds the collection.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError

_WORD = re.compile(r"[a-z0-9]+")
_JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")
_MAX_TITLE_TERMS = 4

Terms = Mapping[tuple[str, ...], str]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: dict[str, str]
    quiet: tuple[str, ...]
    lead: str


@dataclass(frozen=True, slots=True)
class Glossary:
    """English terms and their Japanese.

    Attributes:
        terms: by their words in lower case.
        quiet: Japanese of terms that are no keywords.
        lead: sentence that introduces an English description.
    """

    terms: Terms = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    lead: str = ""

    def found(self, text: str) -> list[str]:
        """Return the Japanese of the terms in an English text, each once, in their order."""
        return list(dict.fromkeys(self._matches(text)))

    def keywords(self, collection: Mapping[str, Any]) -> list[str]:
        """Return Japanese keywords of a collection, from its title and keywords."""
        texts = [collection.get("title"), *(collection.get("keywords") or ())]
        terms = [term for text in texts if isinstance(text, str) for term in self.found(text)]
        return [term for term in dict.fromkeys(terms) if term not in self.quiet]

    def translation(self, collection: Mapping[str, Any]) -> dict[str, Any]:
        """Return title, description and keywords for readers of Japanese.

        The keywords of both languages are there, so that a free-text search finds either.
        """
        title, description = str(collection.get("title") or collection["id"]), str(collection["description"])
        named = [term for term in self.found(title) if term not in self.quiet][:_MAX_TITLE_TERMS]
        japanese = self.keywords(collection)
        own = [word for word in collection.get("keywords") or () if word not in japanese]
        return {
            "title": title if _JAPANESE.search(title) or not named else f"{'・'.join(named)}（{title}）",
            "description": f"{self.lead}\n\n{description}" if self.lead else description,
            "keywords": [*japanese, *own],
        }

    def bilingual(self, collection: Mapping[str, Any]) -> dict[str, Any]:
        """Return a collection with its Japanese keywords after its own; a second time changes nothing."""
        own = list(collection.get("keywords") or ())
        added = [term for term in self.keywords(collection) if term not in own]
        return {**collection, "keywords": [*own, *added]} if added else dict(collection)

    def _matches(self, text: str) -> Iterator[str]:
        words = _WORD.findall(text.lower())
        longest = max(map(len, self.terms), default=0)
        at = 0
        while at < len(words):
            for length in range(min(longest, len(words) - at), 0, -1):
                term = self._term(words[at : at + length])
                if term is not None:
                    yield term
                    at += length
                    break
            else:
                at += 1

    def _term(self, words: list[str]) -> str | None:
        found = self.terms.get(tuple(words))
        if found is None and words[-1].endswith("s"):
            found = self.terms.get((*words[:-1], words[-1][:-1]))
        return found


def build_glossary(document: Any, file: str = "glossary.yaml") -> Glossary:
    """Make the glossary from its parsed document.

    Raises:
        DefinitionError: a member is wrong, a term has no letters, or two are the same.
    """
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(f"{file}: {where}: {first['msg']}") from None
    terms: dict[tuple[str, ...], str] = {}
    for english, japanese in parsed.terms.items():
        words = tuple(_WORD.findall(english.lower()))
        if not words or terms.setdefault(words, japanese) != japanese:
            raise DefinitionError(f"{file}: terms: {english!r} is empty, or there twice")
    for english in parsed.quiet:
        if tuple(_WORD.findall(english.lower())) not in terms:
            raise DefinitionError(f"{file}: quiet: {english!r} is no term")
    quiet = frozenset(terms[tuple(_WORD.findall(english.lower()))] for english in parsed.quiet)
    return Glossary(terms=terms, quiet=quiet, lead=parsed.lead)
