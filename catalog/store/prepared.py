"""An item as it goes into the database: checked, normalised and serialised once.

All that can be said against an item without asking the database is said here, so that a bad one among
thousands is found before its batch is sent.
"""

import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any

from catalog import jsontext
from catalog.absent import ABSENT
from catalog.errors import RecordRefused
from catalog.instant import parse_instant
from catalog.observed import summarised_values
from catalog.store import ewkb
from catalog.store.base_item import BaseItem, strip, without_marks
from catalog.store.copy_rows import microseconds

# Writers of one collection at the same time share its items out by this many parts of it.
SHARDS = 16
# An entry of a btree index holds at most 2,704 bytes (PostgreSQL manual, "B-Tree Indexes").
_MAX_ID_BYTES = 2_600
_APART = frozenset({"id", "geometry", "collection", "type", "properties", "stac_version", "pgstac:base_item"})
_MARK = ABSENT.encode()
# Written anew at every harvest: not a change of the item.
_HARVEST_TIME = "harvest:time"
# An escaped NUL, which no text of PostgreSQL can hold; a backslash before it makes it something else.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """One item, ready to be written.

    Attributes:
        collection: id of its collection.
        id: its id.
        start: in microseconds since 2000 (`catalog.store.copy_rows.microseconds`).
        end: the same; never before the start.
        box: west, south, east, north in degrees.
        geometry: EWKB.
        content: JSON, what pgstac keeps in `content`.
        source: which source it came from (`harvest:source`); empty: it does not say.
        digest: of all that it says but `harvest:time`; text.
        said: what its collection's summaries tell of it (`catalog.observed.summarised_values`).
        text: mark of the text that it was read from (`catalog.store.recognised.text_mark`); None: it was
            not read from a text that is to be recognised.
    """

    collection: str
    id: str
    start: int
    end: int
    box: ewkb.Box
    geometry: bytes
    content: bytes
    source: str
    digest: str
    said: tuple[Any, ...]
    text: str | None = None

    def __reduce__(self) -> tuple[type["PreparedItem"], tuple[Any, ...]]:
        # What dataclasses do by themselves is several times as slow; items come from other processes.
        return PreparedItem, _FIELDS(self)

    @property
    def key(self) -> Key:
        """Collection and id."""
        return self.collection, self.id

    @property
    def shard(self) -> int:
        """Which part of its collection it belongs to, 0 to `SHARDS` - 1."""
        return shard_of(self.id)


_FIELDS = attrgetter(*(field.name for field in fields(PreparedItem)))


def shard_of(identifier: str) -> int:
    """Return which part of its collection the item of this id belongs to."""
    return zlib.crc32(identifier.encode()) % SHARDS


def prepare(item: Mapping[str, Any], base: BaseItem, text: str | None = None) -> PreparedItem:
    """Return an item as it is written.

    Args:
        item: a complete STAC item. It is not changed.
        base: what its collection shares.
        text: mark of the text that it was read from.

    Raises:
        RecordRefused: `bad-id`, `no-geometry`, `bad-geometry`, `no-datetime`, `bad-datetime`,
            `reversed-times`, `bad-structure` or `bad-text`.
    """
    collection, identifier = _name(item, "collection"), _name(item, "id")
    geometry, box = _geometry(item.get("geometry"))
    properties = item.get("properties")
    if not isinstance(properties, dict):
        raise RecordRefused("bad-structure", "properties is no object")
    start, end = _times(properties)
    rest = {key: value for key, value in item.items() if key not in _APART}
    harvested = properties.get(_HARVEST_TIME)
    if harvested is not None:
        properties = {key: value for key, value in properties.items() if key != _HARVEST_TIME}
    try:
        said = jsontext.dumps(rest, sort_keys=True)
        own = jsontext.dumps(properties, sort_keys=True)
        if _MARK in said or _MARK in own:
            said = jsontext.dumps(without_marks(rest), sort_keys=True)
            own = jsontext.dumps(without_marks(properties), sort_keys=True)
        version = jsontext.dumps(item.get("stac_version"))
        content = _content(said, own, version, harvested, base)
    except ValueError as error:
        raise RecordRefused("bad-text", f"the item cannot be written as JSON: {error}") from error
    if b"\\u0000" in content and _NUL.search(content):
        raise RecordRefused("bad-text", "a text has the character NUL, which PostgreSQL cannot hold")
    source = properties.get("harvest:source")
    return PreparedItem(
        collection=collection,
        id=identifier,
        start=start,
        end=end,
        box=box,
        geometry=geometry,
        content=content,
        source=source if isinstance(source, str) else "",
        digest=_digest(said, own, version, geometry),
        said=summarised_values(properties),
        text=text,
    )


def _digest(*parts: bytes) -> str:
    # A NUL stands in no JSON; the geometry, which may hold one, comes last.
    return b64encode(sha256(b"\x00".join(parts)).digest()[:18]).decode()


def _content(said: bytes, own: bytes, version: bytes, harvested: Any, base: BaseItem) -> bytes:
    """Return what pgstac keeps in `content`: the texts joined, unless the base item shares more."""
    if harvested is not None:
        own = _with_member(own, b'"harvest:time":' + jsontext.dumps(harvested))
    content = _with_member(said, b'"properties":' + own)
    if base.shared:
        content = jsontext.dumps(strip(jsontext.loads(content), base.shared))
    if version != jsontext.dumps(base.stac_version):
        kept = version if version != b"null" else jsontext.dumps(ABSENT)
        content = _with_member(content, b'"stac_version":' + kept)
    if base.number is not None:
        content = _with_member(content, b'"pgstac:base_item":%d' % base.number)
    return content


def _with_member(document: bytes, member: bytes) -> bytes:
    return b"{" + member + b"}" if document == b"{}" else document[:-1] + b"," + member + b"}"


def _name(item: Mapping[str, Any], field: str) -> str:
    name = item.get(field)
    if not isinstance(name, str) or not name:
        raise RecordRefused("bad-id", f"{field} is no text: {name!r:.80}")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise RecordRefused("bad-id", f"{field} holds half of a surrogate pair: {name!r:.80}") from error
    if "\x00" in name or size > _MAX_ID_BYTES:
        raise RecordRefused(
            "bad-id", f"{field} holds NUL or has more than {_MAX_ID_BYTES} bytes: {name!r:.80}"
        )
    return name


def _geometry(geometry: Any) -> tuple[bytes, ewkb.Box]:
    if geometry is None:
        raise RecordRefused("no-geometry", "the item has no geometry, which pgstac asks for")
    try:
        return ewkb.encode(geometry)
    except ewkb.BadGeometry as error:
        raise RecordRefused("bad-geometry", f"geometry: {error}") from error


def _times(properties: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and end: of its range if it has one, else of its `datetime` (as `pgstac.stac_daterange`)."""
    first, last = properties.get("start_datetime"), properties.get("end_datetime")
    if first is not None and last is not None:
        start, end = _instant(first, "start_datetime"), _instant(last, "end_datetime")
        if start > end:
            raise RecordRefused("reversed-times", f"start_datetime {first} is after end_datetime {last}")
        return start, end
    single = properties.get("datetime")
    if single is None:
        raise RecordRefused(
            "no-datetime", "the item has neither datetime nor start_datetime and end_datetime"
        )
    instant = _instant(single, "datetime")
    return instant, instant


def _instant(text: Any, field: str) -> int:
    """Return a time in microseconds since 2000: RFC 3339 with any offset; UTC where it has none."""
    if not isinstance(text, str):
        raise RecordRefused("bad-datetime", f"{field} is no text: {text!r:.60}")
    try:
        # The quick way for nearly all; the dashes keep out weeks and days of the year.
        if text[4:5] == text[7:8] == "-":
            found = datetime.fromisoformat(text)
            return microseconds(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        pass
    try:
        return microseconds(parse_instant(text))
    except ValueError as error:
        raise RecordRefused("bad-datetime", f"{field} is not a time: {error}") from error
