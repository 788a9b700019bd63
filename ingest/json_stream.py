"""Cutting a stream of JSON into its documents, in memory for one of them, however long the stream is.

A document is an object at the top: one after the other (newline-delimited or not), in an array, or in
the member `features` or `collections` of an object.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_CHUNK = 1 << 20
# Everything up to the next bracket; it stops before a text that does not end yet.
_SKIP = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*+")
_LIST = re.compile(rb'"(?:features|collections)"\s*:\s*\Z')
_BOM = b"\xef\xbb\xbf"
_CLOSED_BY = {ord("{"): ord("}"), ord("["): ord("]")}


class NotJson(ValueError):
    """The stream is no JSON.

    Attributes:
        line: number of the line where that is noticed, from 1.
    """

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one document.

    Attributes:
        text: JSON of an object; not parsed yet.
        line: number of the line where it starts, from 1.
    """

    text: bytes
    line: int


def split(stream: IO[bytes]) -> Iterator[Piece]:
    """Yield the documents of a stream.

    Raises:
        NotJson: brackets do not match, or there is something else than objects and lists of them.
    """
    splitter = _Splitter()
    chunk = stream.read(_CHUNK).removeprefix(_BOM)
    while chunk:
        yield from splitter.feed(chunk)
        chunk = stream.read(_CHUNK)
    splitter.end()


class _Splitter:
    """The state between two pieces of the stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0  # everything before is looked at
        self._line = 1  # at the place up to which lines were counted
        self._counted = 0
        self._open: list[int] = []  # the brackets that are open
        self._start = 0  # of the document that is being read
        self._within = 0  # so many brackets are open around a document
        self._is_wrapper = False  # the object at the top held a list of documents

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Take more of the stream; yield the documents that are complete by now."""
        self._buffer += chunk
        while (at := self._next_bracket()) is not None:
            sign = self._buffer[at]
            self._at = at + 1
            if sign in b"{[":
                self._opened(sign, at)
            elif (piece := self._closed(sign, at + 1)) is not None:
                yield piece
        self._forget(self._start if len(self._open) > self._within else self._at)

    def end(self) -> None:
        """Take note that the stream is over."""
        if self._open:
            raise NotJson(self._line_of(len(self._buffer)), "it ends in the middle of a document")

    def _next_bracket(self) -> int | None:
        """Return where the next bracket is, None if more of the stream is needed."""
        if len(self._open) == self._within:
            found = _BETWEEN.match(self._buffer, self._at)
            at = found.end() if found else self._at
            if at < len(self._buffer) and self._buffer[at] not in b"{}[]":
                raise NotJson(self._line_of(at), "it is no JSON: an object should stand here")
        else:
            found = _SKIP.match(self._buffer, self._at)
            at = found.end() if found else self._at
            if at < len(self._buffer) and self._buffer[at] == ord('"'):
                self._at = at
                return None
        self._at = at
        return at if at < len(self._buffer) else None

    def _opened(self, sign: int, at: int) -> None:
        depth = len(self._open)
        if depth == self._within:
            if sign == ord("{"):
                self._start = at
            elif depth == 0:
                self._within = 1
            else:
                raise NotJson(self._line_of(at), "a list stands where a document should")
        elif depth == 1 and self._within == 0 and sign == ord("[") and self._names_list(at):
            self._within = 2
            self._is_wrapper = True
        self._open.append(sign)

    def _closed(self, sign: int, end: int) -> Piece | None:
        if not self._open or _CLOSED_BY[self._open.pop()] != sign:
            raise NotJson(self._line_of(end), "its brackets do not match")
        depth = len(self._open)
        if depth < self._within:  # the list of documents is over
            self._within = 0
            self._start = end
            if depth == 0:
                self._is_wrapper = False
            return None
        if depth > self._within:
            return None
        if depth == 0 and self._is_wrapper:
            self._is_wrapper = False
            return None
        return Piece(self._buffer[self._start : end], self._line_of(self._start))

    def _names_list(self, at: int) -> bool:
        return _LIST.search(self._buffer[max(self._start, at - 100) : at]) is not None

    def _line_of(self, at: int) -> int:
        """Return the number of the line of a place; places are asked for in order, or nearly so."""
        if at < self._counted:
            return self._line - self._buffer.count(b"\n", at, self._counted)
        self._line += self._buffer.count(b"\n", self._counted, at)
        self._counted = at
        return self._line

    def _forget(self, until: int) -> None:
        """Drop what is behind us."""
        self._line_of(until)
        self._buffer = self._buffer[until:]
        self._at -= until
        self._start -= until
        self._counted -= until
