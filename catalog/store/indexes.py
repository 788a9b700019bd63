"""Properties that an index on every partition is for, and the expression it is on.

An expression finds its index only if both are the same, letter by letter: a test compares these with what
the migrations made. A single function reads the document, so that it is taken out of storage once.
"""


def indexed_number(name: str) -> str | None:
    """Return the indexed expression of a numeric property in SQL, or None if it has no index."""
    return _EXPRESSIONS.get(name)


def _expression(name: str) -> str:
    path = f'strict $."properties"."{name}" ? (@.type() == "number")'
    return f"jsonb_path_query_first(content, '{path}', '{{}}', true)::numeric"


_EXPRESSIONS = {name: _expression(name) for name in ("eo:cloud_cover",)}
