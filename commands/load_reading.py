"""What the pieces of a file say: parsed, checked and prepared, without the database."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from catalog.about import STAC_VERSIONS
from catalog.errors import RecordRefused
from catalog.store.prepared import Key, PreparedItem, prepare
from catalog.store.recognised import text_mark
from catalog.validation import Validator
from ingest.foreign import bring_in_collection, bring_in_item
from ingest.stac_files import Found, Unread

if TYPE_CHECKING:
    from catalog.store.base_item import BaseItem


class Kind(Enum):
    """What a document says that it is."""

    ITEM = "Feature"
    COLLECTION = "Collection"
    OTHER = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One document of a file. It is refused, or prepared, or there is a document to go on with.

    Attributes:
        kind: what it says that it is.
        place: file and line, for messages.
        key: its collection and id, as it says; of anything but an object what no item has.
        refused: code and reason.
        prepared: an item of a collection that is known.
        document: an item whose collection has to be asked for, or a collection.
        text: mark of the text that the item was read from.
    """

    kind: Kind
    place: str
    key: Key
    refused: tuple[str, str] | None = None
    prepared: PreparedItem | None = None
    document: dict[str, Any] | None = None
    text: str | None = None


class DocumentReader:
    """Reads pieces of files."""

    def __init__(self, *, validate: bool) -> None:
        """Compiles schemas when they are needed.

        Args:
            validate: whether documents are checked against the STAC schemas.
        """
        self._validate = validate
        self._validator = Validator(STAC_VERSIONS)

    def take_unknown_schemas(self) -> Counter[str]:
        """Return the extensions that could not be checked since the last call, and how often."""
        found = self._validator.unknown.copy()
        self._validator.unknown.clear()
        return found

    def read(self, piece: Unread | Found, digest: str, bases: "Mapping[str, BaseItem]") -> list[Reading]:
        """Return what a piece says, document by document.

        Args:
            piece: a text, or a document.
            digest: of the text.
            bases: what the items of collections share, of those that are known.
        """
        mark = text_mark(digest, checked=self._validate)
        documents: Iterator[Found] = piece.documents() if isinstance(piece, Unread) else iter((piece,))
        return [self._read(found, mark if found.is_whole else None, bases) for found in documents]

    def _read(self, found: Found, text: str | None, bases: "Mapping[str, BaseItem]") -> Reading:
        kind, key = _kind(found.document), _key(found.document)
        fault = found.fault
        if fault is None and kind is Kind.OTHER:
            said = found.document.get("type") if isinstance(found.document, dict) else None
            fault = RecordRefused("no-stac", f"it is no Item and no Collection: type {said!r:.60}")
        if fault is not None:
            return Reading(kind, found.place, key, refused=(fault.code, fault.reason))
        try:
            if kind is Kind.COLLECTION:
                return Reading(kind, found.place, key, document=self._collection(found.document))
            item = self._item(found.document)
            base = bases.get(key[0])
            if base is None:
                return Reading(kind, found.place, key, document=item, text=text)
            return Reading(kind, found.place, key, prepared=prepare(item, base, text))
        except RecordRefused as error:
            return Reading(kind, found.place, key, refused=(error.code, error.reason))

    def _item(self, document: dict[str, Any]) -> dict[str, Any]:
        return bring_in_item(document, self._validator.check_item if self._validate else None)

    def _collection(self, document: dict[str, Any]) -> dict[str, Any]:
        return bring_in_collection(document, self._validator.check_collection if self._validate else None)


def _kind(document: Any) -> Kind:
    said = document.get("type") if isinstance(document, dict) else None
    return next((kind for kind in (Kind.ITEM, Kind.COLLECTION) if kind.value == said), Kind.OTHER)


def _key(document: Any) -> Key:
    if not isinstance(document, dict):
        return "", ""
    return str(document.get("collection", "")), str(document.get("id", ""))
