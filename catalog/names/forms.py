"""Matching a name against the forms of all grammars: which family it follows, and the pieces that it has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.names.grammar import PLACE, Grammar, families

_MAX_NAME = 256
_SUFFIX = re.compile(r"\.(SAFE|SEN3|SEN6|nc|zip|EOF|TGZ|DEM|h5|tif|DAT|bz2|gz)$", re.IGNORECASE)
# Forms are looked up by so many first letters; those that begin with a piece are tried for every name.
_INDEXED = 2


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a grammar.

    Attributes:
        grammar: whose form it is.
        text: the form as it is written.
        beginning: what every name of this form begins with.
        pattern: with a group for every piece.
    """

    grammar: Grammar
    text: str
    beginning: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Match:
    """A name that follows a form.

    Attributes:
        name: without suffixes, in upper case where that means the same.
        parts: its pieces.
    """

    form: Form
    name: str
    parts: dict[str, str]


def stem(name: str) -> str:
    """Return a name without blanks around it and the suffixes of its package."""
    shorter = _SUFFIX.sub("", found := name.strip())
    while len(shorter) < len(found):
        shorter = _SUFFIX.sub("", found := shorter)
    return found


def matches(name: str) -> Iterator[Match]:
    """Give the forms that a name follows, the one that counts first; one at most of each family."""
    exact = stem(name)
    if not exact or len(exact) > _MAX_NAME:
        return
    upper = exact.upper()
    seen: set[str] = set()
    for form in _candidates(upper[:_INDEXED]):
        grammar = form.grammar
        text = upper if grammar.case == "upper" else exact
        if grammar.id in seen or not text.startswith(form.beginning):
            continue
        match = form.pattern.fullmatch(text)
        if match:
            seen.add(grammar.id)
            yield Match(form, text, match.groupdict())


def version_key(grammar: Grammar, form: str, parts: Mapping[str, str]) -> str:
    """Return what is the same for all versions of a product: its name, with a mark where they differ."""
    if any(parts.get(part) in values for part, values in grammar.apart.items()):
        return form.format_map(parts)
    return form.format_map({**parts, **dict.fromkeys(grammar.versions, "*")})


def version_order(grammar: Grammar, parts: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a later version has a greater one of; empty where names do not tell which is later."""
    return tuple(parts.get(part) or "" for part in grammar.versions) if grammar.ordered else ()


@cache
def _candidates(beginning: str) -> tuple[Form, ...]:
    """Return the forms that a name may follow that begins like this, in the order in which they count."""
    return tuple(
        form
        for form in _forms()
        if form.beginning[:_INDEXED].upper() == beginning[: len(form.beginning[:_INDEXED])]
    )


@cache
def _forms() -> tuple[Form, ...]:
    found = [(grammar, form) for grammar in families().values() for form in grammar.forms]
    return tuple(
        Form(grammar, form, form.partition("{")[0], _pattern(form, grammar.parts)) for grammar, form in found
    )


def _pattern(form: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    expression, at = "", 0
    for place in PLACE.finditer(form):
        expression += re.escape(form[at : place.start()])
        expression += f"(?P<{place.group(1)}>{parts[place.group(1)]})"
        at = place.end()
    return re.compile(expression + re.escape(form[at:]), re.ASCII)
