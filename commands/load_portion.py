"""Pieces of a file some at a time, with all that can be known of their texts without parsing them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from catalog.store.recognised import Sighting, sight, text_digest
from ingest.stac_files import Found, Unread

# So many pieces are looked up together.
_PIECES = 3000
_BYTES = 24_000_000


@dataclass(slots=True)
class Portion:
    """Some pieces of a file, in order.

    Attributes:
        pieces: texts, or documents where the file has no texts.
        digests: of the texts; empty for documents.
        sightings: by place in the portion, where the rows of texts seem to be.
    """

    pieces: list[Unread | Found] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    sightings: dict[int, Sighting] = field(default_factory=dict)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no further piece goes in."""
        return len(self.pieces) >= _PIECES or self.size >= _BYTES

    def add(self, piece: Unread | Found, *, sighted: bool) -> None:
        """Take in the next piece; look for where its row seems to be if `sighted`."""
        digest = ""
        if isinstance(piece, Unread):
            self.size += len(piece.text)
            digest = text_digest(piece.text)
            sighting = sight(piece.text, digest) if sighted else None
            if sighting is not None:
                self.sightings[len(self.pieces)] = sighting
        self.pieces.append(piece)
        self.digests.append(digest)


def portions(pieces: Iterable[Unread | Found], *, sighted: bool) -> Iterator[Portion]:
    """Yield the pieces of a file in portions of bounded size."""
    portion = Portion()
    for piece in pieces:
        portion.add(piece, sighted=sighted)
        if portion.is_full:
            yield portion
            portion = Portion()
    if portion.pieces:
        yield portion
