"""Checking items and collections against the STAC core and extension schemas, offline.

The schemas are bundled by URL under `schemas/`; validators are compiled once and kept.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from catalog.about import STAC_VERSION
from catalog.errors import RecordRefused
from catalog.light_schemas import LightSchema, Names, lighten

_CORE = "https://schemas.stacspec.org/"
_ITEM = "item-spec/json-schema/item.json"
_COLLECTION = "collection-spec/json-schema/collection.json"
_PROJJSON = "https://proj.org/schemas/v0.7/projjson.schema.json"
_SCHEMAS = Path(__file__).parent / "schemas"
# Where the lighter forms of schemas are, for references: nowhere else refers to them.
_LIGHT = "https://light.invalid/"
_MAX_REASON = 300
# Different addresses that documents of one run may make us ask for.
_MOST_LEARNED = 200
# Addresses of schemas that may be files; others are of no schema that there is.
_ADDRESS = re.compile(r"[\w.~/+-]{1,200}", re.ASCII)


class Validator:
    """Validates documents against the schemas that they declare.

    Attributes:
        unknown: extension schemas that documents declared but that are not bundled, with how often;
            such a document is checked against all its other schemas.
    """

    def __init__(self, versions: Collection[str] = (STAC_VERSION,)) -> None:
        """Compiles nothing before it is needed.

        Args:
            versions: of STAC that a document may declare, of those that are bundled.
        """
        self.unknown: Counter[str] = Counter()
        self._versions = versions
        self._learned: dict[str, jsonschema_rs.Validator | None] = {}

    def check_item(self, item: dict[str, Any]) -> None:
        """Validate an item against the core schema and its extensions.

        Raises:
            RecordRefused: `invalid-item`; names the schema, the place in the item and the fault.
        """
        self._check(item, _ITEM, "invalid-item")

    def check_collection(self, collection: dict[str, Any]) -> None:
        """Validate a collection against the core schema and its extensions.

        Raises:
            RecordRefused: `invalid-collection`; names the schema, the place and the fault.
        """
        self._check(collection, _COLLECTION, "invalid-collection")

    def _check(self, document: dict[str, Any], core: str, code: str) -> None:
        declared = document.get("stac_extensions")
        # What is no list is refused by the core schema.
        schemas = (self._core_schema(document, core), *(declared if isinstance(declared, list) else ()))
        bundled = tuple(url for url in schemas if isinstance(url, str) and _is_bundled(url))
        # Nearly all documents are valid, which is told quicker by all their schemas together.
        valid = _compiled_together(bundled).is_valid(document)
        for url in [url for url in schemas if url not in bundled] if valid else schemas:
            validator = _compiled(url) or self._learned.get(url)
            if validator is None:
                self.unknown[url] += 1
                continue
            # Whether is several times quicker to tell than why.
            if not validator.is_valid(document):
                error = _cause(next(validator.iter_errors(document)))
                place = "/".join(str(part) for part in error.instance_path) or "(document)"
                raise RecordRefused(code, f"{place}: {_short(error.message)} [{_schema_name(url)}]")

    def learn(self, url: str, schema: Any) -> None:
        """Take a schema that is not bundled; None, or what is no schema, is remembered as not to be had."""
        validator = None
        if schema is not None:
            try:
                validator = jsonschema_rs.validator_for(schema, retriever=_retrieve)
            except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
                validator = None
        self._learned[url] = validator

    def unlearned(self) -> list[str]:
        """Return schemas that documents declared, that are not bundled and of which nothing was learned yet."""
        if len(self._learned) >= _MOST_LEARNED:
            return []
        return [url for url in self.unknown if url not in self._learned]

    def _core_schema(self, document: dict[str, Any], name: str) -> str:
        declared = document.get("stac_version")
        version = declared if declared in self._versions else STAC_VERSION
        return f"{_CORE}v{version}/{name}"


@dataclass(frozen=True, slots=True)
class _Together:
    """Several schemas as one.

    Attributes:
        validator: of all of them, in their lighter forms where they have one.
        light: those forms, with the rules that are left to be checked.
    """

    validator: jsonschema_rs.Validator
    light: tuple[LightSchema, ...]

    def is_valid(self, document: dict[str, Any]) -> bool:
        """Whether a document is valid; if it is not, the whole schemas must be asked."""
        names = Names(document)
        return all(schema.is_met(names) for schema in self.light) and self.validator.is_valid(document)


@lru_cache(maxsize=2048)
def _is_bundled(url: str) -> bool:
    return _file(url).is_file()


@lru_cache(maxsize=512)
def _light(url: str) -> LightSchema | None:
    """Return the lighter form of a bundled schema, None if it has none."""
    return lighten(orjson.loads(_file(url).read_bytes()))


@lru_cache(maxsize=512)
def _compiled(url: str) -> "jsonschema_rs.Validator | None":
    """Return the validator of a schema, None if it is not bundled."""
    file = _file(url)
    if not file.is_file():
        return None
    return jsonschema_rs.validator_for(orjson.loads(file.read_bytes()), retriever=_retrieve)


@lru_cache(maxsize=512)
def _compiled_together(urls: tuple[str, ...]) -> _Together:
    """Return several bundled schemas as one."""
    together = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [{"$ref": _LIGHT + url.split("://", 1)[-1] if _light(url) else url} for url in urls],
    }
    light = tuple(found for found in map(_light, urls) if found is not None)
    return _Together(jsonschema_rs.validator_for(together, retriever=_retrieve_light), light)


def _retrieve_light(url: str) -> Any:
    """Resolve a reference: to the lighter form of a schema, which has an address of its own, or to a whole one."""
    if not url.startswith(_LIGHT):
        return _retrieve(url)
    whole = "https://" + url.removeprefix(_LIGHT)
    light = _light(whole) if _is_bundled(whole) else None
    if light is None:
        return _retrieve(whole)
    return {name: member for name, member in light.schema.items() if name != "$id"}


def _retrieve(url: str) -> Any:
    """Resolve a reference between schemas; the network is never asked.

    PROJ's schema is bundled once for all the versions of it that extensions refer to. A schema that
    is referred to but not bundled accepts anything: what refers to it is checked all the same.
    """
    file = _file(_PROJJSON if url.startswith("https://proj.org/schemas/") else url)
    return orjson.loads(file.read_bytes()) if file.is_file() else True


def _file(url: str) -> Path:
    """Return where a schema lies if it is bundled; a file that is not there for any other text."""
    address = url.split("://", 1)[-1].split("#", 1)[0]
    if not _ADDRESS.fullmatch(address) or ".." in address or address.startswith("/"):
        return _SCHEMAS / "outside"
    return _SCHEMAS / address


def _cause(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """Of an error that says "none of the alternatives fit", return the one deepest inside the document.

    Extension schemas are alternatives of Item, Collection and Catalog: the deepest fault is of the
    alternative that was meant.
    """
    alternatives = getattr(error.kind, "context", None) or []
    causes = [_cause(cause) for alternative in alternatives for cause in alternative]
    return max(causes, key=lambda cause: len(cause.instance_path), default=error)


def _schema_name(url: str) -> str:
    return (
        f"STAC {url.split('/')[3].removeprefix('v')}"
        if url.startswith(_CORE)
        else "/".join(url.split("/")[-3:-1])
    )


def _short(message: str) -> str:
    return message if len(message) <= _MAX_REASON else message[:_MAX_REASON] + " ..."
