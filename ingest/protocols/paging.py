"""What guards paging in every dialect."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from catalog import jsontext
from catalog.errors import UpstreamChanged


class SeenPages:
    """Notices a page that came before: the upstream's paging then leads nowhere."""

    def __init__(self) -> None:
        """Start with no page seen; keeps 32 bytes of each."""
        self._digests: set[bytes] = set()

    def add(self, features: Sequence[Any], where: str) -> None:
        """Remember a page by its records.

        Args:
            features: the records; a page without any is not remembered.
            where: address and place of the page, for the message.

        Raises:
            UpstreamChanged: the same records came before, in the same order.
        """
        if not features:
            return
        digest = hashlib.sha256()
        for feature in features:
            digest.update(_text(feature))
        if digest.digest() in self._digests:
            raise UpstreamChanged(f"{where}: the same page comes again")
        self._digests.add(digest.digest())


# So often pages are walked again whose records shift meanwhile.
MOST_WALKS = 3


class Walk:
    """One walk through pages that are counted from the first record, and may shift while they are walked.

    A record that goes from a page that was read makes the next one begin too late by one. The count of
    records that match tells: where it is not the same on all pages, they are to be walked once more.

    Attributes:
        has_shifted: whether the count changed.
    """

    def __init__(self) -> None:
        """Begin a walk."""
        self.has_shifted = False
        self._matched: int | None = None

    def note(self, matched: int | None) -> None:
        """Take note of the count on a page; None if it has none."""
        if self._matched is not None and matched is not None and matched != self._matched:
            self.has_shifted = True
        self._matched = matched if self._matched is None else self._matched


class Given:
    """The records that were given before, so that a further walk gives only what the ones before missed."""

    def __init__(self) -> None:
        """Start with none; keeps 32 bytes of each."""
        self._digests: set[bytes] = set()

    def fresh(self, features: Sequence[Any]) -> list[Any]:
        """Return the records that were not given yet, and remember them."""
        found = []
        for feature in features:
            digest = hashlib.sha256(_text(feature)).digest()
            if digest not in self._digests:
                self._digests.add(digest)
                found.append(feature)
        return found


def _text(feature: Any) -> bytes:
    try:
        return jsontext.dumps(feature)
    except ValueError:  # halves of surrogate pairs, or too deep: rare, and refused later
        try:
            return json.dumps(feature).encode()
        except RecursionError:
            return b""
