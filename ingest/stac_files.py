"""STAC documents from files: JSON in any arrangement, newline-delimited or not, and stac-geoparquet.

Files are recognised by what is in them, not by their names. All of them are read in pieces, so that
memory does not grow with the file.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from catalog import jsontext
from catalog.errors import ConfigurationError, RecordRefused
from ingest.json_stream import NotJson, split

STDIN = Path("-")
_KINDS = {"Feature", "Collection", "FeatureCollection"}
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
# How much is looked at to tell newline-delimited JSON from a document of many lines.
_PEEK = 1 << 20
_PARQUET_ROWS = 500
# What is packed may be a thousand times as large.
_PACKED = 1 << 15


@dataclass(frozen=True, slots=True)
class Found:
    """A document of a file, or why there is none at this place.

    Attributes:
        document: an Item or a Collection as a dict, or whatever else stood there; None: it is no JSON.
        place: file and line or row, for messages.
        fault: why there is no document.
        is_whole: whether it is all that its text holds.
    """

    document: Any
    place: str
    fault: RecordRefused | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A text of a file, not parsed yet; most often one document.

    Attributes:
        text: its bytes, with white space around it perhaps.
        place: file and line, for messages.
    """

    text: bytes
    place: str

    def documents(self) -> Iterator[Found]:
        """Yield what it holds; the members of lists and of FeatureCollections one by one."""
        try:
            document = jsontext.loads(self.text)
        except ValueError as error:
            yield Found(None, self.place, RecordRefused("bad-json", f"it is no JSON: {error}"))
            return
        for member in ("features", "collections"):
            members = document.get(member) if isinstance(document, dict) else None
            if isinstance(members, list):
                yield from (Found(one, self.place) for one in members)
                return
        yield Found(document, self.place, is_whole=True)


class StacFile:
    """One file, or standard input, that is read once from front to back."""

    def __init__(self, path: Path) -> None:
        """Name a file; `-` is standard input."""
        self.path = path
        self._raw: IO[bytes] | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is something to be read, also if that is no file: a pipe, such as `<(zcat items.gz)`."""
        return self.path == STDIN or (self.path.exists() and not self.path.is_dir())

    @property
    def size(self) -> int | None:
        """Bytes of the file, None if nobody knows."""
        try:
            return self.path.stat().st_size if self._is_regular else None
        except OSError:
            return None

    @property
    def position(self) -> int:
        """How many bytes of it are read."""
        try:
            return self._raw.tell() if self._raw is not None and self.path != STDIN else 0
        except (OSError, ValueError):
            return 0

    @property
    def _is_regular(self) -> bool:
        return self.path != STDIN and self.path.is_file()

    def pieces(self) -> Iterator[Unread | Found]:
        """Yield what the file holds: texts as they stand, or documents where it has no texts.

        Raises:
            ConfigurationError: it cannot be read, or from some place on it is not what it began as; names
                file and place. What was yielded before is right.
        """
        name = "standard input" if self.path == STDIN else str(self.path)
        try:
            with self._opened() as raw:
                self._raw = raw
                if raw.peek(4)[:4] == _PARQUET:
                    yield from self._rows(name)
                else:
                    yield from _texts(_unpacked(raw), name)
        except OSError as error:
            raise ConfigurationError(f"{name} cannot be read: {error.strerror or error}") from error
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise ConfigurationError(f"{name}: what is compressed in it is damaged: {error}") from error

    @contextmanager
    def _opened(self) -> Iterator["io.BufferedReader[io.FileIO]"]:
        if self.path == STDIN:
            yield io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False), _PEEK)
            return
        with io.BufferedReader(io.FileIO(self.path), _PEEK) as file:
            yield file

    def _rows(self, name: str) -> Iterator[Found]:
        """Yield the items of a stac-geoparquet file, some rows at a time."""
        # Imported when there is such a file: they are large.
        import rustac
        from arro3.core import Table
        from arro3.io import read_parquet

        if not self._is_regular:
            raise ConfigurationError(f"{name}: GeoParquet cannot be read from a pipe: name the file")
        with self.path.open("rb") as file:
            file.seek(-len(_PARQUET), io.SEEK_END)
            if file.read() != _PARQUET:  # the library crashes on it, loudly
                raise ConfigurationError(f"{name}: the end of the Parquet file is missing")
        row = 0
        try:
            for batch in read_parquet(str(self.path), batch_size=_PARQUET_ROWS):
                for item in rustac.from_arrow(Table.from_batches([batch]))["features"]:
                    row += 1
                    yield Found(item, f"{name}, row {row}")
        except BaseException as error:
            # The libraries raise Exception itself, and what a crash in Rust becomes is not even that.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ConfigurationError(
                f"{name}, after row {row}: it is no stac-geoparquet: {' '.join(str(error).split())[:300]}"
            ) from error


def _unpacked(raw: "io.BufferedReader[io.FileIO]") -> "io.BufferedReader[Any]":
    head = raw.peek(4)[:4]
    if head.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _PEEK)
    if head.startswith(_ZSTD):
        return io.BufferedReader(_Zstd(raw), _PEEK)
    return raw


class _Zstd(io.RawIOBase):
    """What is compressed in a stream, frame by frame; the library's own reader takes a cut file for a whole one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            rest = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
            packed = rest or self._raw.read(_PACKED)
            if not packed:
                if self._frame is not None and not self._frame.eof:
                    raise EOFError("it ends in the middle")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(packed))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _texts(stream: "io.BufferedReader[Any]", name: str) -> Iterator[Unread]:
    if _is_by_line(stream.peek(_PEEK)):
        for number, line in enumerate(stream, 1):
            if not line.isspace():
                yield Unread(line, f"{name}, line {number}")
        return
    try:
        for piece in split(stream):
            yield Unread(piece.text, f"{name}, line {piece.line}")
    except NotJson as error:
        raise ConfigurationError(f"{name}, line {error.line}: {error}") from error


def _is_by_line(head: bytes) -> bool:
    """Whether one of the first lines is a STAC document by itself."""
    lines = [line for line in head.split(b"\n")[:-1] if not line.isspace()][:3]
    for line in lines:
        try:
            document = jsontext.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and document.get("type") in _KINDS:
            return True
    return False
