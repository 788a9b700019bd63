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


def _text(feature: Any) -> bytes:
    try:
        return jsontext.dumps(feature)
    except ValueError:  # halves of surrogate pairs, or too deep: rare, and refused later
        try:
            return json.dumps(feature).encode()
        except RecursionError:
            return b""
