"""A page of a list, as the store gives it."""

from dataclasses import dataclass

from catalog.store.counts import Count
from catalog.store.hydrate import Document


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        documents: items or collections.
        matched: how many there are on all pages; None if that cannot be told quickly.
        next: token of the page after it, if there is one.
        previous: token of the page before it, if there is one.
    """

    documents: list[Document]
    matched: Count | None
    next: str | None
    previous: str | None
