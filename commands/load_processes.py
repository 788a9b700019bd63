"""Reading a file by several processes: parsing and checking are hard work, and one process is one processor.

What is read comes back in the order of the file, so that nothing else needs to know of the processes.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from commands.load_reading import DocumentReader, Reading
from commands.say import say
from ingest.stac_files import Found, Unread

if TYPE_CHECKING:
    from catalog.store.base_item import BaseItem

# A piece, and the digest of its text.
Piece = tuple[Unread | Found, str]
# So many pieces, of at most so many bytes, go to a process at once.
_PIECES = 50
_BYTES = 1_000_000
# So many shares per process are on their way, so that none waits for the next.
_AHEAD = 3
# More of them than this are not fed fast enough by the one that reads the file.
_MOST = 12


@dataclass(frozen=True, slots=True)
class _Share:
    """Pieces that went to a process, with the bases that it was given; `read` is None where none took them."""

    pieces: Sequence[Piece]
    bases: "Mapping[str, BaseItem]"
    read: "Future[tuple[list[list[Reading]], Counter[str]]] | None"


class Readers:
    """Reads pieces here, or in processes of their own once there are enough of them.

    Attributes:
        unknown_schemas: extensions that documents declared and that could not be checked, with how often.
    """

    def __init__(self, *, validate: bool, processes: int | None = None) -> None:
        """Start no process yet.

        Args:
            validate: whether documents are checked against the STAC schemas.
            processes: how many; none or one: all is read here. None: as many as there are processors. But of two,
                one is needed by the database: there it is worth it only where checking makes much work.
        """
        self.unknown_schemas: Counter[str] = Counter()
        self._validate = validate
        self._here = DocumentReader(validate=validate)
        processors = os.cpu_count() or 1
        usual = min(_MOST, processors) if validate or processors > 2 else 1
        self._count = usual if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Readers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self) -> None:
        """Have processes made, which takes them a moment: there is much to read."""
        if self._pool is not None or self._count < 2:
            return
        self._pool = ProcessPoolExecutor(
            self._count,
            # Not a copy of this process: it has threads and connections.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(self._validate,),
        )
        for _ in range(self._count):
            self._pool.submit(_read, [], {})

    def read_here(self, piece: Piece, bases: "Mapping[str, BaseItem]") -> list[Reading]:
        """Return what one piece says, document by document."""
        read = self._here.read(*piece, bases)
        self.unknown_schemas.update(self._here.take_unknown_schemas())
        return read

    async def read(
        self, pieces: Sequence[Piece], bases: "Mapping[str, BaseItem]"
    ) -> AsyncGenerator[list[Reading], None]:
        """Yield what each piece says, in their order.

        Args:
            pieces: texts or documents.
            bases: what the items of collections share, of those that are known; looked at again for each
                piece, so that none is prepared by what was changed meanwhile.
        """
        waiting = deque(_shares(pieces))
        under_way: deque[_Share] = deque()
        while waiting or under_way:
            while self._pool is not None and waiting and len(under_way) < self._count * _AHEAD:
                under_way.append(_hand_over(self._pool, waiting.popleft(), dict(bases)))
            if not under_way:
                for piece in waiting.popleft():
                    yield self.read_here(piece, bases)
                continue
            share = under_way.popleft()
            for piece, read in zip(share.pieces, await self._taken_back(share), strict=True):
                is_good = read is not None and all(
                    one.prepared is None or share.bases[one.key[0]] is bases.get(one.key[0]) for one in read
                )
                yield read if read is not None and is_good else self.read_here(piece, bases)

    async def _taken_back(self, share: _Share) -> "Sequence[list[Reading] | None]":
        """Return what each piece of a share says; None where it has to be read here."""
        if share.read is not None:
            with suppress(BrokenProcessPool):
                read, unknown = await asyncio.wrap_future(share.read)
                self.unknown_schemas.update(unknown)
                return read
        if self._pool is not None:
            say("a process that helped to read ended; the rest is read by one")
            self._pool, self._count = None, 0
        return [None] * len(share.pieces)


def _hand_over(pool: ProcessPoolExecutor, pieces: Sequence[Piece], bases: "Mapping[str, BaseItem]") -> _Share:
    try:
        return _Share(pieces, bases, pool.submit(_read, pieces, bases))
    except BrokenProcessPool:
        return _Share(pieces, bases, None)


def _shares(pieces: Sequence[Piece]) -> list[list[Piece]]:
    shares: list[list[Piece]] = []
    size = 0
    for piece in pieces:
        if not shares or len(shares[-1]) >= _PIECES or size >= _BYTES:
            shares.append([])
            size = 0
        shares[-1].append(piece)
        size += len(piece[0].text) if isinstance(piece[0], Unread) else 0
    return shares


class _Worker:
    """What a process keeps from one share to the next."""

    reader: DocumentReader


def _start(validate: bool) -> None:
    """Set up a process that reads."""
    _Worker.reader = DocumentReader(validate=validate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(
    pieces: Sequence[Piece], bases: "Mapping[str, BaseItem]"
) -> tuple[list[list[Reading]], Counter[str]]:
    """Read pieces, in a process of its own."""
    read = [_Worker.reader.read(piece, digest, bases) for piece, digest in pieces]
    return read, _Worker.reader.take_unknown_schemas()
