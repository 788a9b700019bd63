"""Pages of lists, joined from stored texts."""

from collections.abc import Iterable
from typing import Any

import orjson

from app.links import Link
from catalog.store.page import Page


def listing(head: str, documents: Iterable[bytes], links: list[Link], page: Page) -> bytes:
    """Return a page of a list as JSON: documents joined, never parsed.

    Args:
        head: how the JSON begins, up to the opening bracket of the list.
        documents: members of the list, as JSON.
        links: of the page.
        page: for how many there are in all.
    """
    tail: dict[str, Any] = {"links": links, "numberReturned": len(page.documents)}
    if page.matched is not None:
        tail["numberMatched"] = page.matched.items
        if not page.matched.is_exact:
            tail["numberMatchedIsEstimate"] = True
    # Joined once: a page may have megabytes.
    parts = [head.encode()]
    for document in documents:
        parts += (document, b",")
    if len(parts) > 1:
        parts.pop()
    return b"".join((*parts, b"],", orjson.dumps(tail)[1:]))
