"""Pages from files: recorded answers, and the starter catalogue that ships with Kakehashi.

A file may be compressed by gzip, begin with a byte order mark, and hold one answer, several as a list, or one
per line (NDJSON).
"""

import zlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from catalog import jsontext
from catalog.errors import ConfigurationError, UpstreamChanged
from ingest.contract import HasCompanions, Page, ReadsFiles, Source

STARTER = Path(__file__).parent / "starter"

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What is unpacked of one file at most: whole catalogues are far smaller.
_MAX_BYTES = 2_000_000_000


def read_pages(source: Source, files: Sequence[Path]) -> list[Page]:
    """Read recorded answers of a source, all of them before the first is used.

    Raises:
        ConfigurationError: a file cannot be read, or is no JSON.
        UpstreamChanged: a file is not an answer of this source.
    """
    pages = [page for file in files for page in _checked(source, file)]
    if isinstance(source, HasCompanions):
        beside = {file.parent / name for file in files for name in source.companions}
        for companion in sorted(beside - set(files)):
            if companion.is_file():
                _checked(source, companion)
    return pages


def _checked(source: Source, file: Path) -> list[Page]:
    """Read one file and look whether it is of the source; a source may learn of others from it."""
    try:
        content = _unpacked(file.read_bytes())
    except (OSError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is no gzip: {error}"
        raise ConfigurationError(f"{file} cannot be read: {reason}") from error
    try:
        document = _parsed(source, content)
    except ValueError as error:
        lines = _by_line(source, content)
        if lines is None:
            raise ConfigurationError(f"{file} is no JSON: {error}") from error
        pages = [Page(line, f"{file}:{number}") for number, line in lines]
        for page in pages:
            _recognised(source, page)
        return pages
    page = Page(document, str(file))
    try:
        _recognised(source, page)
    except UpstreamChanged:
        pages = _entries(source, document, file)
        if not pages:
            raise
        return pages
    return [page]


def _entries(source: Source, document: Any, file: Path) -> list[Page]:
    """Return the answers in a list, of a source whose answers are no lists; none if it is no such list.

    Raises:
        UpstreamChanged: it begins with an answer, and holds something else too.
    """
    if not isinstance(document, list) or not document:
        return []
    pages = [Page(entry, f"{file}[{index}]") for index, entry in enumerate(document)]
    for index, page in enumerate(pages):
        try:
            _recognised(source, page)
        except UpstreamChanged as error:
            if index == 0:
                return []
            raise UpstreamChanged(f"{file} is a list, and {error}") from error
    return pages


def _unpacked(content: bytes) -> bytes:
    """Return content without compression and byte order mark.

    Raises:
        zlib.error: it begins like gzip and is none, is cut off, or is absurdly large.
    """
    while content.startswith(_GZIP):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        unpacked = unpacker.decompress(content, _MAX_BYTES)
        if not unpacker.eof:
            raise zlib.error("it is cut off, or larger than 2 GB")
        content = unpacked
    return content.removeprefix(_BYTE_ORDER_MARK)


def _parsed(source: Source, content: bytes) -> Any:
    return source.parse(content) if isinstance(source, ReadsFiles) else jsontext.loads(content)


def _by_line(source: Source, content: bytes) -> list[tuple[int, Any]] | None:
    """Return the documents of the lines that have one, with their numbers; None if a line is no JSON."""
    lines = [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if len(lines) < 2:
        return None
    try:
        return [(number, _parsed(source, line)) for number, line in lines]
    except ValueError:
        return None


def _recognised(source: Source, page: Page) -> None:
    """Look whether a page is of the source.

    Raises:
        UpstreamChanged: it is not.
    """
    for _ in source.records(page):
        break  # the first record is enough to know the form


async def as_stream(pages: Sequence[Page]) -> AsyncIterator[Page]:
    """Give pages that are there already as a source gives them."""
    for page in pages:
        yield page


def starter_files(source: str) -> list[Path]:
    """Return the starter documents of a source, none if it has none."""
    return sorted((STARTER / source).glob("*.json"))
