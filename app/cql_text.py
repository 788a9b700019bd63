"""CQL text of the draft, as GDAL writes it (`filter-lang=cql-text`), as CQL2 text.

GDAL hands a filter down only to servers whose OpenAPI document names this encoding. What it writes
is CQL2 text but for `ILIKE`, and for dates, of which it leaves the time out after the T.
"""

import re

_TOKENS = re.compile(
    r"""
    (?P<name>[A-Za-z_][\w:.\-]*) \s+ ILIKE \s+ (?P<pattern>'(?:[^']|'')*')
    | '(?P<day>\d{4}-\d{2}-\d{2})T'
    | '(?:[^']|'')*'
    | "[^"]*"
    """,
    re.VERBOSE | re.IGNORECASE,
)


def to_cql2(text: str) -> str:
    """Return CQL text as CQL2 text of the same meaning; what stands in quotes is left alone."""
    return _TOKENS.sub(_rewritten, text)


def _rewritten(match: re.Match[str]) -> str:
    if match["name"]:
        return f"CASEI({match['name']}) LIKE CASEI({match['pattern']})"
    if match["day"]:
        return f"'{match['day']}T00:00:00Z'"
    return match[0]
