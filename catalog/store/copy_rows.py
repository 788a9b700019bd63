"""Rows of pgstac's items in the binary form of COPY (PostgreSQL manual, "COPY", Binary Format)."""

import struct
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

COLUMNS = ("id", "geometry", "collection", "datetime", "end_datetime", "content", "private")
_HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_ID = struct.Struct("!hi")
_LENGTH = struct.Struct("!i")
_TIMES = struct.Struct("!iqiq")
# jsonb is sent as the number of its form, 1, and text.
_JSON = struct.Struct("!ib")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Written to the socket in pieces of this size: large enough to be few, small enough to take turns.
_PIECE = 256 * 1024


def microseconds(moment: datetime) -> int:
    """Return a time as PostgreSQL has it: microseconds since the year 2000, UTC."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(number: int) -> datetime:
    """Return the time that PostgreSQL has as this number."""
    return _EPOCH + timedelta(microseconds=number)


def item_row(
    identifier: bytes,
    geometry: bytes,
    collection: bytes,
    times: tuple[int, int],
    content: bytes,
    private: bytes | None,
) -> bytes:
    """Return one row: texts in UTF-8, the geometry as EWKB, start and end from `microseconds`, JSON."""
    return b"".join(
        (
            _ID.pack(7, len(identifier)),
            identifier,
            _LENGTH.pack(len(geometry)),
            geometry,
            _LENGTH.pack(len(collection)),
            collection,
            _TIMES.pack(8, times[0], 8, times[1]),
            _JSON.pack(len(content) + 1, 1),
            content,
            *((_JSON.pack(len(private) + 1, 1), private) if private is not None else (_NULL,)),
        )
    )


async def copy_stream(rows: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield rows as the bytes of one COPY, in pieces."""
    pieces, size = [_HEADER], len(_HEADER)
    for row in rows:
        pieces.append(row)
        size += len(row)
        if size >= _PIECE:
            yield b"".join(pieces)
            pieces, size = [], 0
    pieces.append(_TRAILER)
    yield b"".join(pieces)
