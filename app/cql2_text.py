"""CQL2 text as CQL2 JSON.

The `cql2` package reads it. Its parser recurses: 2,000 parentheses crash the process, so nesting is
measured before it sees a text. It also reads every number as a float and rounds wrongly in the last
digit (139.12345678901234 becomes ...235), so it is given whole numbers to stand for them, which it
keeps, and the client's own are put back into what it returns; so it is with lists of nothing, which it
does not know. And it takes times without an offset for UTC, which CQL2 JSON and RFC 3339 do not.
"""

import re
from typing import Any

import cql2

from catalog.errors import InvalidRequest
from catalog.instant import parse_instant

_MAX_TEXT = 100_000
_MAX_OPEN = 100
_MAX_NOTS = 200
_MAX_SIGNS = 4_000
_LITERALS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
# Texts, quoted names, times, plain names (which may hold digits), numbers, and a list of nothing as an argument.
_PARTS = re.compile(
    r"""
    '(?:[^']|'')*' | "[^"]*"
    | (?i:TIMESTAMP|INTERVAL) \s* \( (?P<times> [^()]* ) \)
    | [^\W\d][\w.:-]*
    | (?P<number> (?: \d+\.?\d* | \.\d+ ) (?: [eE][-+]?\d+ )? )
    | (?P<before> [(,] \s* ) (?P<nothing> \( \s* \) )
    """,
    re.VERBOSE,
)
_TIME = re.compile(r"'(\d{4}-\d\d-\d\d[^'\d][^']*)'")
# A list of nothing, and what it leaves where it stands alone.
_NOTHING, _NO_VALUE = "()", {"list": "of nothing"}
# Greater than any number that the parser makes itself, such as the -1 of a negation.
_FIRST_STAND_IN = 1_000_000


def parse_text(text: str) -> Any:
    """Return CQL2 text as CQL2 JSON.

    Raises:
        InvalidRequest: names `filter`: it is no CQL2, too long or nested too deep.
    """
    _check_size(text)
    numbers: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match["nothing"]:
            return f"{match['before']}({number(_NOTHING)})"
        if match["times"]:
            _check_times(match["times"])
        return match[0] if match["number"] is None else number(match[0])

    def number(text: str) -> str:
        if text not in known:
            known[text] = _FIRST_STAND_IN + len(numbers)
            numbers.append(text)
        return str(known[text])

    known: dict[str, int] = {}
    prepared = _PARTS.sub(stand_in, text)
    try:
        parsed = cql2.parse_text(prepared).to_json()
    except Exception as error:
        # Not by its type: of a geometry that JSON has no form for (POINT EMPTY), the parser raises a bare one.
        raise InvalidRequest("filter", f"is not CQL2 text: {_complaint(text, error)}") from error
    return _put_back(parsed, numbers)


def _check_size(text: str) -> None:
    if len(text) > _MAX_TEXT:
        raise InvalidRequest("filter", f"is longer than {_MAX_TEXT} characters; POST it as CQL2 JSON")
    bare = _LITERALS.sub("''", text)
    deepest = depth = 0
    for character in bare:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    nots = len(re.findall(r"(?i)\bnot\b", bare)) + len(re.findall(r"[-+](?=\s*[-+(])", bare))
    if deepest > _MAX_OPEN or nots > _MAX_NOTS:
        raise InvalidRequest("filter", "is nested too deep")
    if (
        sum(map(bare.count, "+-*/^%")) > _MAX_SIGNS
        or len(re.findall(r"(?i)\b(and|or|div)\b", bare)) > _MAX_SIGNS
    ):
        raise InvalidRequest("filter", "has too many parts")


def _check_times(text: str) -> None:
    for time in _TIME.findall(text):
        try:
            parse_instant(time)
        except ValueError as error:
            raise InvalidRequest("filter", str(error)) from error


def _put_back(node: Any, numbers: list[str]) -> Any:
    """Return parsed CQL2 with the client's numbers in place of those that stood for them."""
    if isinstance(node, dict):
        return {key: _put_back(value, numbers) for key, value in node.items()}
    if isinstance(node, list):
        values = [_put_back(value, numbers) for value in node]
        return [] if values == [_NO_VALUE] else values
    if isinstance(node, bool) or not isinstance(node, int | float) or abs(node) < _FIRST_STAND_IN:
        return node
    text = numbers[int(abs(node)) - _FIRST_STAND_IN]
    if text == _NOTHING:
        return _NO_VALUE
    number = _number(text)
    return -number if node < 0 else number


def _number(text: str) -> float:
    """Return a number of the text; a whole one stays whole as far as JSON's readers keep it."""
    return int(text) if text.isdecimal() and len(text) < 19 else float(text)


def _complaint(text: str, error: BaseException) -> str:
    """Return what the parser says of the text itself, not of the one with numbers replaced."""
    try:
        cql2.parse_text(text)
    except (cql2.ParseError, ValueError) as own:
        error = own
    return " ".join(str(error).split())[:200]
