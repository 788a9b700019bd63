"""Versions of one product: which names are of the same product, and which of them is later."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.names.forms import matches, version_key, version_order


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a product.

    Attributes:
        key: the same for all versions of the product.
        order: a later version has a greater one; never empty.
        name: of this version, without suffixes.
    """

    key: str
    order: tuple[str, ...]
    name: str


def version_of(name: str) -> Version | None:
    """Return which version of which product a name is of; much quicker than reading the whole name.

    None for names that follow no grammar, of auxiliary files, and of families whose names do not tell
    which version is later (Sentinel-1: the check sum alone differs, and two different slices may share
    all the rest) or that have no versions.
    """
    match = next(matches(name), None)
    if match is None:
        return None
    grammar = match.form.grammar
    if not grammar.versions or not grammar.ordered or grammar.auxiliary:
        return None
    key = version_key(grammar, match.form.text, match.parts)
    return Version(key, version_order(grammar, match.parts), match.name)


def version_chains(names: Iterable[str]) -> dict[str, tuple[Version, ...]]:
    """Find the versions of each product among names: by version key, the oldest first, the latest last.

    Left out are names without versions (see `version_of`).
    """
    found: dict[str, dict[str, Version]] = defaultdict(dict)
    for name in names:
        version = version_of(name)
        if version is not None:
            found[version.key][version.name] = version
    return {
        key: tuple(sorted(versions.values(), key=lambda version: (version.order, version.name)))
        for key, versions in found.items()
    }
