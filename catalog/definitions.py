"""Collections, vocabulary and queryables: the catalogue's definitions, loaded from data files.

`load_definitions()` reads everything under `catalog/`; keep its result. A file under
`catalog/collections/` holds one mission family:

    about:        what the file holds; not used
    defaults:     members that every collection of the file starts from
    collections:  the collections; a member given here replaces the default of that name, but
                  `summaries`, `sources` and `extent` are merged key by key and `keywords` appended

The files are data: no expressions, no inheritance beyond `defaults`. What people write is YAML; what
`scripts/generate_collections.py` writes is JSON in `generated/`, as there is much of it and JSON loads
far faster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from catalog.about import STAC_VERSION
from catalog.access import EXTENSIONS as ACCESS_EXTENSIONS
from catalog.access import load_access
from catalog.collection import CollectionDefinition, Language, Link
from catalog.errors import DefinitionError, NotFound
from catalog.glossary import Glossary, build_glossary
from catalog.languages import LANGUAGE_EXTENSION, LANGUAGES
from catalog.vocabulary import Label, Vocabulary, build_vocabulary

THEME_SCHEME = "urn:kakehashi:themes"

_EXTENSIONS = "https://stac-extensions.github.io/"
_MEMBER_EXTENSIONS = {
    "sci:citation": f"{_EXTENSIONS}scientific/v1.0.0/schema.json",
    "attribution": f"{_EXTENSIONS}attribution/v0.1.0/schema.json",
    "themes": f"{_EXTENSIONS}themes/v1.0.0/schema.json",
}
_SUMMARY_EXTENSIONS = {
    "processing": f"{_EXTENSIONS}processing/v1.2.0/schema.json",
    "product": f"{_EXTENSIONS}product/v1.0.0/schema.json",
    "sar": f"{_EXTENSIONS}sar/v1.3.0/schema.json",
    "sat": f"{_EXTENSIONS}sat/v1.1.0/schema.json",
}


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything the catalogue defines.

    Attributes:
        collections: by id, in the order of the files.
        vocabulary: canonical values; it counts the unknown ones.
        queryables: JSON Schema document with one typed property per queryable.
        glossary: Japanese for the collections that upstreams describe.
    """

    collections: Mapping[str, CollectionDefinition]
    vocabulary: Vocabulary
    queryables: dict[str, Any]
    glossary: Glossary = field(default_factory=Glossary)

    def by_native(self, source: str) -> Mapping[str, CollectionDefinition]:
        """Return the collections of one source by the id they have there; empty if it has none."""
        return MappingProxyType(
            {
                native: collection
                for collection in self.collections.values()
                for native in collection.sources.get(source, ())
            }
        )

    def render(self, collection_id: str, language: Language = "en") -> dict[str, Any]:
        """Return a complete STAC Collection; the links between documents are left to the API.

        Raises:
            NotFound: no such collection is defined.
        """
        collection = self._get(collection_id)
        document: dict[str, Any] = {
            "type": "Collection",
            "stac_version": STAC_VERSION,
            "id": collection.id,
            **self.translation(collection_id, language),
            "language": dict(LANGUAGES[language]),
            "languages": [dict(other) for code, other in LANGUAGES.items() if code != language],
            "license": collection.license,
            "providers": [
                provider.model_dump(exclude_none=True, mode="json") for provider in collection.providers
            ],
            "extent": {
                "spatial": {"bbox": [list(collection.extent.bbox)]},
                "temporal": {"interval": [[collection.extent.start, collection.extent.end]]},
            },
            "links": [_render_link(link, language) for link in collection.links],
        }
        if collection.citation:
            document["sci:citation"] = collection.citation
        if collection.attribution:
            document["attribution"] = collection.attribution
        if collection.themes:
            document["themes"] = [
                {"scheme": THEME_SCHEME, "concepts": self._concepts(collection.themes, language)}
            ]
        for kind, schemes in load_access().of(collection.sources).items():
            document[f"{kind}:schemes"] = schemes
        if collection.summaries:
            document["summaries"] = {name: value.copy() for name, value in collection.summaries.items()}
        document["stac_extensions"] = _extensions_of(document)
        return document

    def translation(self, collection_id: str, language: Language) -> dict[str, Any]:
        """Return title, description and keywords in one language.

        The keywords of the other language follow, so that a free-text search finds both.

        Raises:
            NotFound: no such collection is defined.
        """
        collection = self._get(collection_id)
        words = [
            getattr(collection.keywords, code)
            for code in sorted(LANGUAGES, key=lambda code: code != language)
        ]
        return {
            "title": getattr(collection.title, language),
            "description": getattr(collection.description, language),
            "keywords": list(dict.fromkeys(word for part in words for word in part)),
        }

    def translated(self, collection_id: str, language: Language) -> dict[str, Any]:
        """Return all that differs in a language: the members of `translation`, themes, and titles of links by address.

        Raises:
            NotFound: no such collection is defined.
        """
        document = self.render(collection_id, language)
        names = ("title", "description", "keywords", "themes")
        return {
            **{name: document[name] for name in names if name in document},
            "link_titles": {link["href"]: link["title"] for link in document["links"] if "title" in link},
        }

    def native_names(self, collection_id: str) -> dict[str, Any]:
        """Return the ids that a collection has at its upstreams, as keywords: they are searched for, never shown.

        Raises:
            NotFound: no such collection is defined.
        """
        sources = self._get(collection_id).sources
        return {"keywords": list(dict.fromkeys(native for ids in sources.values() for native in ids))}

    def bilingual(self, collection: Mapping[str, Any]) -> dict[str, Any]:
        """Return an upstream's own description of a collection with what makes it one of two languages.

        Its Japanese texts are `glossary.translation`.
        """
        document = self.glossary.bilingual(collection)
        document.setdefault("language", dict(LANGUAGES["en"]))
        document.setdefault("languages", [dict(LANGUAGES["ja"])])
        extensions = [*(document.get("stac_extensions") or ()), LANGUAGE_EXTENSION]
        document["stac_extensions"] = list(dict.fromkeys(extensions))
        return document

    def _get(self, collection_id: str) -> CollectionDefinition:
        try:
            return self.collections[collection_id]
        except KeyError:
            raise NotFound(f"no collection {collection_id!r} is defined") from None

    def _concepts(self, themes: tuple[str, ...], language: Language) -> list[dict[str, str]]:
        labels: Mapping[str, Label] = self.vocabulary.themes
        return [{"id": theme, "title": getattr(labels[theme], language)} for theme in themes]


def load_definitions(directory: Path | None = None) -> Definitions:
    """Read and check all definition files.

    Args:
        directory: what to read instead of this package; for tests.

    Raises:
        DefinitionError: a file is not valid; the text names file and member.
    """
    root = directory or Path(__file__).parent
    vocabulary = build_vocabulary(_read(root / "vocabulary.yaml"))
    collections: dict[str, CollectionDefinition] = {}
    owners: dict[tuple[str, str], str] = {}
    files = [*(root / "collections").glob("*.yaml"), *(root / "collections" / "generated").glob("*.json")]
    for path in sorted(files, key=lambda path: (path.stem, path.suffix)):
        for where, collection in _collections_of(path):
            if collection.id in collections:
                raise DefinitionError(f"{where}: id: defined twice")
            for theme in collection.themes:
                if theme not in vocabulary.themes:
                    raise DefinitionError(f"{where}: themes: {theme!r} is not in vocabulary.yaml")
            for native in ((source, one) for source, ids in collection.sources.items() for one in ids):
                if native in owners:
                    raise DefinitionError(
                        f"{where}: sources.{native[0]}: {native[1]} is also in {owners[native]}"
                    )
                owners[native] = collection.id
            collections[collection.id] = collection
    return Definitions(
        collections=MappingProxyType(collections),
        vocabulary=vocabulary,
        queryables=_queryables_of(root / "queryables.yaml"),
        glossary=_glossary_of(root / "glossary.yaml"),
    )


def _collections_of(path: Path) -> Iterator[tuple[str, CollectionDefinition]]:
    """Give every collection of a file, with the words that name it in an error."""
    document = _read(path)
    if not isinstance(document, dict) or document.keys() - {"about", "defaults", "collections"}:
        raise DefinitionError(
            f"{path.name}: must have the members `about`, `defaults` and `collections` only"
        )
    defaults, entries = document.get("defaults") or {}, document.get("collections")
    if not isinstance(defaults, dict) or not isinstance(entries, list):
        raise DefinitionError(f"{path.name}: `defaults` must be a mapping and `collections` a list")
    for index, entry in enumerate(entries):
        where = f"{path.name}: collections[{index}]"
        if not isinstance(entry, dict):
            raise DefinitionError(f"{where}: must be a mapping")
        where = f"{where} ({entry.get('id', 'no id')})"
        try:
            yield where, CollectionDefinition.model_validate(_with_defaults(defaults, entry))
        except ValidationError as error:
            first = error.errors()[0]
            member = ".".join(str(part) for part in first["loc"]) or "collection"
            raise DefinitionError(f"{where}: {member}: {first['msg']}") from None


def _with_defaults(defaults: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **entry}
    for name in ("summaries", "sources", "extent"):
        if isinstance(defaults.get(name), dict) and isinstance(entry.get(name), dict):
            merged[name] = {**defaults[name], **entry[name]}
    common, own = defaults.get("keywords"), entry.get("keywords")
    if isinstance(common, dict) and isinstance(own, dict):
        merged["keywords"] = {
            code: list(dict.fromkeys([*common.get(code, []), *own.get(code, [])])) for code in {*common, *own}
        }
    return merged


def _queryables_of(path: Path) -> dict[str, Any]:
    properties = _read(path)
    if not isinstance(properties, dict):
        raise DefinitionError(f"{path.name}: must be a mapping of queryables")
    for name, schema in properties.items():
        if not isinstance(schema, dict) or not schema.keys() & {"type", "format"} or "title" not in schema:
            raise DefinitionError(f"{path.name}: {name}: needs a title, and a type or format")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": True,
    }


def _glossary_of(path: Path) -> Glossary:
    """Read the glossary; a directory of definitions may do without."""
    return build_glossary(_read(path)) if path.exists() else Glossary()


def _render_link(link: Link, language: Language) -> dict[str, str]:
    rendered = {"rel": link.rel, "href": link.href}
    if link.type:
        rendered["type"] = link.type
    if link.title:
        rendered["title"] = getattr(link.title, language)
    return rendered


def _extensions_of(document: Mapping[str, Any]) -> list[str]:
    prefixes = {name.partition(":")[0] for name in document.get("summaries", {}) if ":" in name}
    members = [schema for member, schema in _MEMBER_EXTENSIONS.items() if member in document]
    summaries = [schema for prefix, schema in _SUMMARY_EXTENSIONS.items() if prefix in prefixes]
    access = [schema for kind, schema in ACCESS_EXTENSIONS.items() if f"{kind}:schemes" in document]
    return [LANGUAGE_EXTENSION, *members, *summaries, *access]


def _read(path: Path) -> Any:
    try:
        content = path.read_bytes()
        return (
            orjson.loads(content) if path.suffix == ".json" else yaml.load(content, Loader=yaml.CSafeLoader)
        )
    except OSError as error:
        raise DefinitionError(f"{path.name}: {error.strerror}") from None
    except (yaml.YAMLError, orjson.JSONDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path.name}: cannot be read: {' '.join(str(error).split())}") from None
