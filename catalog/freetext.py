"""The free-text language of STAC API: from the text of `q` to a tree of terms.

    query    = run { ("OR" | ",") run }
    run      = operand { operand }           terms side by side: any of them, as the extension asks
    operand  = unary { "AND" unary }
    unary    = { "NOT" } [ "+" | "-" ] ( word | '"' phrase '"' | "(" query ")" )

In a run, what has a `+` must be there, what has a `-` or `NOT` must not, and the rest is free once
something must be there. Words are operators in capitals only. A query with commas and no operators is
the basic form of the extension: what stands between two commas is one phrase. What a term matches is the
database's affair (`kakehashi.text_query`).

Source: STAC API Free-Text Search extension, v1.0.0-rc.1.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from catalog.errors import InvalidRequest

MAX_TERMS = 50
_MAX_LENGTH = 2_000
_MAX_DEPTH = 20
_TOKEN = re.compile(r'"([^"]*)"|([(),]|[+-](?=[\w"(]))|([^\s"(),]+)')
_OPERATORS = frozenset({"AND", "OR", "NOT"})
# Side by side with other words they would find nearly everything.
_FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "with",
    ]
)
# As people write them in Japanese; full-width forms become plain ones by NFKC.
_SAME = str.maketrans({"、": ",", "“": '"', "”": '"', "„": '"'})


@dataclass(frozen=True)
class Term:
    """A word, or several that stand side by side in the text that is searched."""

    text: str


@dataclass(frozen=True)
class Not:
    """What must not be."""

    part: "Expression"


@dataclass(frozen=True)
class Both:
    """All of the parts; none of them is true of everything."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Either:
    """One of the parts at least; none of them is true of nothing."""

    parts: tuple["Expression", ...]


Expression = Term | Not | Both | Either
EVERYTHING = Both(())
NOTHING = Either(())


def read_free_text(value: Any) -> Expression | None:
    """Return what `q` asks for, None if it was not given.

    Args:
        value: text in the language above, or a list of phrases, as a POST of the basic form has it.

    Raises:
        InvalidRequest: names `q` and says where it stops making sense.
    """
    if value is None:
        return None
    if isinstance(value, list):
        if not value or not all(isinstance(part, str) for part in value):
            raise InvalidRequest("q", "is not a text, nor a list of texts that is not empty")
        if len(value) > MAX_TERMS or sum(map(len, value)) > _MAX_LENGTH:
            raise InvalidRequest("q", f"has more than {MAX_TERMS} terms or {_MAX_LENGTH} characters")
        return _either([_term(" ".join(_normal(part).split())) for part in value])
    if not isinstance(value, str):
        raise InvalidRequest("q", "is not a text, nor a list of texts")
    if len(value) > _MAX_LENGTH:
        raise InvalidRequest("q", f"is longer than {_MAX_LENGTH} characters")
    expression = _Parser(list(_tokens(_normal(value)))).whole()
    if len(terms_of(expression)) > MAX_TERMS:
        raise InvalidRequest("q", f"has more than {MAX_TERMS} terms")
    return expression


def terms_of(expression: Expression) -> list[Term]:
    """Return the terms of a tree, each once, in order."""
    return list(dict.fromkeys(_walk(expression)))


def positive_terms(expression: Expression, *, positive: bool = True) -> set[Term]:
    """Return the terms whose presence makes something a better match, for ranking."""
    if isinstance(expression, Term):
        return {expression} if positive else set()
    if isinstance(expression, Not):
        return positive_terms(expression.part, positive=not positive)
    return {term for part in expression.parts for term in positive_terms(part, positive=positive)}


def settle(expression: Expression, known: Callable[[Term], bool | None]) -> Expression:
    """Return what is left of a tree once the truth of some of its terms is known.

    Args:
        expression: the tree.
        known: whether a term is true or false; None: it stays open.

    Returns:
        `EVERYTHING` if no open term matters and it holds, `NOTHING` if it cannot hold, else a tree of
        open terms.
    """
    if isinstance(expression, Term):
        truth = known(expression)
        return expression if truth is None else EVERYTHING if truth else NOTHING
    if isinstance(expression, Not):
        part = settle(expression.part, known)
        if part == EVERYTHING:
            return NOTHING
        return EVERYTHING if part == NOTHING else Not(part)
    parts = [settle(part, known) for part in expression.parts]
    return _both(parts) if isinstance(expression, Both) else _either(parts)


def holds(expression: Expression, truth: Mapping[Term, bool]) -> bool:
    """Return whether a tree is true, given all of its terms."""
    if isinstance(expression, Term):
        return truth[expression]
    if isinstance(expression, Not):
        return not holds(expression.part, truth)
    together = all if isinstance(expression, Both) else any
    return together(holds(part, truth) for part in expression.parts)


def _walk(expression: Expression) -> Iterator[Term]:
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, Not):
        yield from _walk(expression.part)
    else:
        for part in expression.parts:
            yield from _walk(part)


def _both(parts: Iterable[Expression]) -> Expression:
    needed = [part for part in dict.fromkeys(parts) if part != EVERYTHING]
    if NOTHING in needed:
        return NOTHING
    return needed[0] if len(needed) == 1 else Both(tuple(needed))


def _either(parts: Iterable[Expression]) -> Expression:
    possible = [part for part in dict.fromkeys(parts) if part != NOTHING]
    if EVERYTHING in possible:
        return EVERYTHING
    return possible[0] if len(possible) == 1 else Either(tuple(possible))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SAME)


def _term(text: str) -> Term:
    if not any(character.isalnum() for character in text):
        raise InvalidRequest("q", f"{text[:40]!r} has no letter and no digit to search for")
    return Term(text)


@dataclass(frozen=True)
class _Token:
    kind: Literal["word", "phrase", "sign", "operator"]
    text: str


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    for match in _TOKEN.finditer(text):
        if text[place : match.start()].strip():
            raise InvalidRequest("q", f"a quotation mark is not closed: {text[place : place + 40]!r}")
        place = match.end()
        phrase, sign, word = match.groups()
        if phrase is not None:
            yield _Token("phrase", " ".join(phrase.split()))
        elif sign is not None:
            yield _Token("sign", sign)
        else:
            yield _Token("operator" if word in _OPERATORS else "word", word)
    if text[place:].strip():
        raise InvalidRequest("q", f"a quotation mark is not closed: {text[place : place + 40]!r}")


class _Parser:
    """Recursive descent over tokens; the depth is bounded, since it is the client's."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        plain = all(token.kind == "word" or token == _Token("sign", ",") for token in tokens)
        # The basic form of the extension, where spaces have no special meaning.
        self._is_basic = plain and _Token("sign", ",") in tokens

    def whole(self) -> Expression:
        """Read all tokens."""
        if not self._tokens:
            raise InvalidRequest("q", "is empty")
        expression = self._query(0)
        if self._place < len(self._tokens):
            raise InvalidRequest("q", f"there is no opening parenthesis to {self._peek_text()!r}")
        return expression

    def _query(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise InvalidRequest("q", f"is nested more than {_MAX_DEPTH} deep")
        runs = [self._run(depth)]
        while self._take("OR", ","):
            runs.append(self._run(depth))
        return _either(runs)

    def _run(self, depth: int) -> Expression:
        required: list[Expression] = []
        excluded: list[Expression] = []
        free: list[Expression] = []
        words: list[str] = []
        while self._more_in_run():
            token = self._tokens[self._place]
            if self._is_basic:
                words.append(token.text)
                self._place += 1
                continue
            operand = self._operand(depth)
            if isinstance(operand, Not):
                excluded.append(operand)
            else:
                (required if token.text == "+" else free).append(operand)
        if words:
            return _term(" ".join(words))
        if not (required or excluded or free):
            raise InvalidRequest("q", f"a word is missing {self._where()}")
        telling = [part for part in free if not (isinstance(part, Term) and part.text.lower() in _FILLERS)]
        return _both([*(required or ([_either(telling or free)] if free else [])), *excluded])

    def _operand(self, depth: int) -> Expression:
        parts = [self._unary(depth)]
        while self._take("AND"):
            parts.append(self._unary(depth))
        return _both(parts)

    def _unary(self, depth: int) -> Expression:
        negated = False
        while self._take("NOT"):
            negated = not negated
        if self._take("-"):
            negated = not negated
        else:
            self._take("+")
        atom = self._atom(depth)
        return Not(atom) if negated else atom

    def _atom(self, depth: int) -> Expression:
        if self._take("("):
            expression = self._query(depth + 1)
            if not self._take(")"):
                raise InvalidRequest("q", "a parenthesis is not closed")
            return expression
        if self._place < len(self._tokens) and self._tokens[self._place].kind in ("word", "phrase"):
            self._place += 1
            return _term(self._tokens[self._place - 1].text)
        raise InvalidRequest("q", f"a word is missing {self._where()}")

    def _more_in_run(self) -> bool:
        if self._place == len(self._tokens):
            return False
        token = self._tokens[self._place]
        return token.kind in ("word", "phrase") or token.text in ("(", "+", "-", "NOT")

    def _take(self, *texts: str) -> bool:
        if self._place < len(self._tokens):
            token = self._tokens[self._place]
            if token.kind in ("sign", "operator") and token.text in texts:
                self._place += 1
                return True
        return False

    def _where(self) -> str:
        return f"before {self._peek_text()!r}" if self._place < len(self._tokens) else "at the end"

    def _peek_text(self) -> str:
        return self._tokens[self._place].text[:40]
