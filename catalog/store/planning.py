"""From a search to SQL over pgstac's items: which, in what order, and the one page of them.

Nothing is asked of the database for this. pgstac's `search()` is not used: it writes, and it drops
`datetime: null`; nor is its `stac_search_to_where`, see `catalog.store.cql2`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog.errors import InvalidRequest
from catalog.store.cql2.compiler import compile_filter
from catalog.store.cql2.spatial import intersects
from catalog.store.cql2.terms import index_of, path_of, read
from catalog.store.item_text import own_text_condition
from catalog.store.keyset import Expression, beyond, ordered
from catalog.store.parameters import Parameters, Statement
from catalog.store.queryables import Kind, Queryable, Queryables, strip_prefix
from catalog.store.rows import DOCUMENT, ITEM_COLUMNS, ITEM_COLUMNS_WITHOUT_ASSETS
from catalog.store.search import Search, SortKey
from catalog.store.token import SORTED_CHARACTERS, Position

_TYPES = {
    Kind.NUMBER: "numeric",
    Kind.TEXT: "text",
    Kind.TIME: "timestamptz",
    Kind.BOOLEAN: "boolean",
    Kind.ARRAY: "text[]",
}
# The document is large and stored out of line: taking the properties out once per row, whatever number
# of conditions reads them, halves the time of most filters. OFFSET 0 keeps the planner from undoing it.
_PROPERTIES = " CROSS JOIN LATERAL (SELECT content->'properties' AS properties OFFSET 0) AS document"

# Between the texts of a list, while it is cut to a length.
_BETWEEN = "chr(31)"


@dataclass(frozen=True)
class Selection:
    """The items that a search is about, and their order.

    Attributes:
        source: FROM clause that the WHERE clause and the keys can be read from.
        where: WHERE clause without paging, and its parameters.
        keys: ORDER BY, with collection and id at its end so that no two items tie.
        parameters: of the WHERE clause and the keys.
        with_assets: whether the items' assets are wanted.
    """

    source: str
    where: Statement
    keys: tuple[Expression, ...]
    parameters: tuple[Any, ...]
    with_assets: bool = True

    def count(self) -> Statement:
        """Return the SELECT that counts all items of the search."""
        sql = f"SELECT count(*) FROM {self.source} WHERE {self.where.sql}"  # noqa: S608
        return Statement(sql, self.where.parameters)


@dataclass(frozen=True)
class Part:
    """A part of what a search selects; parts are searched one after the other until a page is full.

    Attributes:
        start: only items whose `datetime` (pgstac's column) is not before it.
        end: only items whose `datetime` is before it.
        has_value: only items that have a value to sort by first, or only those that have none. Apart,
            each can be read in the order of an index, which has no place for "none last" in descending order.
    """

    start: datetime | None = None
    end: datetime | None = None
    has_value: bool | None = None


EVERYTHING = Part()


def source(*expressions: str, items: str = "pgstac.items") -> str:
    """Return the FROM clause that expressions of this module and of `cql2` can be read from.

    Args:
        expressions: in SQL.
        items: table of items, or what stands for it.
    """
    # Names are bound, so that this text cannot come from a client.
    return items + _PROPERTIES * any("properties->" in sql for sql in expressions)


def select_items(search: Search, queryables: Queryables) -> Selection:
    """Return what a search selects and in what order.

    Raises:
        InvalidRequest: the filter is wrong, or a sort key is no queryable.
    """
    parameters = Parameters()
    condition = conditions(search, queryables, parameters)
    where = Statement(condition, tuple(parameters.values))
    items = _items_by_id(search, parameters) if search.ids else "pgstac.items"
    keys = sort_expressions(search, queryables, parameters)
    needed = source(condition, *(key.sql for key in keys), items=items)
    return Selection(needed, where, keys, tuple(parameters.values), not search.without_assets)


def _items_by_id(search: Search, parameters: Parameters) -> str:
    """Return the items of given ids in place of the table.

    Left to itself, PostgreSQL expects more of them than a page takes and reads all items in the order of
    the page until it has met enough. OFFSET 0 keeps it to their index.
    """
    terms = " AND ".join(_names(search, parameters))
    return f"(SELECT * FROM pgstac.items WHERE {terms} OFFSET 0) AS items"  # noqa: S608


def _names(search: Search, parameters: Parameters) -> list[str]:
    """Return the conditions on collections and ids."""
    terms = []
    if len(search.collections) == 1:
        # Said as an equality, so that the collection drops out of the order.
        terms.append(f"collection = {parameters.add(search.collections[0], '::text')}")
    elif search.collections:
        terms.append(f"collection = ANY ({parameters.add(list(search.collections), '::text[]')})")
    if search.ids:
        terms.append(f"id = ANY ({parameters.add(list(search.ids), '::text[]')})")
    return terms


def conditions(search: Search, queryables: Queryables, parameters: Parameters) -> str:
    """Return the WHERE clause of a search, without paging.

    Raises:
        InvalidRequest: the filter is wrong.
    """
    terms = _names(search, parameters)
    if search.interval and search.interval.end:
        terms.append(f"datetime <= {parameters.add(search.interval.end, '::timestamptz')}")
    if search.interval and search.interval.start:
        terms.append(f"end_datetime >= {parameters.add(search.interval.start, '::timestamptz')}")
    if search.geometry:
        terms.append(intersects(search.geometry, parameters))
    if search.filter is not None:
        terms.append(compile_filter(search.filter, queryables, parameters, search.collections))
    if search.own_text:
        terms.append(own_text_condition(search.own_text, parameters))
    return " AND ".join(terms) or "TRUE"


def sort_expressions(
    search: Search, queryables: Queryables, parameters: Parameters
) -> tuple[Expression, ...]:
    """Return the sort keys in SQL, with collection and id behind them.

    Raises:
        InvalidRequest: a key is not a queryable, or has no order.
    """
    expressions = [_sort_expression(key, queryables, search, parameters) for key in search.sort]
    present = {expression.sql for expression in expressions}
    descending = search.sort[0].descending if search.sort else False
    ties = [name for name in ("collection", "id") if name not in present]
    return (*expressions, *(Expression(name, "text", descending, nullable=False) for name in ties))


def _sort_expression(
    key: SortKey, queryables: Queryables, search: Search, parameters: Parameters
) -> Expression:
    found = queryables.find(key.name, search.collections)
    if not found.is_registered:
        raise InvalidRequest(
            "sortby", f"{strip_prefix(key.name)[:80]!r} is not a queryable (see /queryables)"
        )
    if found.kind is Kind.GEOMETRY:
        raise InvalidRequest("sortby", "a geometry has no order")
    if found.column:
        return Expression(found.column, _TYPES[found.kind], key.descending, nullable=False)
    return Expression(*_value(found, parameters), key.descending, is_indexed=index_of(found) is not None)


def _value(found: Queryable, parameters: Parameters) -> tuple[str, str]:
    """Return a property's value to sort by, and its PostgreSQL type; texts are cut so that tokens are short."""
    if found.kind is Kind.ARRAY:
        json = path_of(found, parameters).json
        joined = f"array_to_string(pgstac.to_text_array(NULLIF({json}, 'null')), {_BETWEEN})"
        return f"string_to_array(left({joined}, {SORTED_CHARACTERS}), {_BETWEEN})", "text[]"
    if found.kind in (Kind.ANY, Kind.TEXT):
        is_text = found.kind is Kind.TEXT
        text = read(found, Kind.TEXT, parameters).sql if is_text else path_of(found, parameters).text
        return f"left({text}, {SORTED_CHARACTERS})", "text"
    return f"({read(found, found.kind, parameters).sql})", _TYPES[found.kind]


def _has_value(position: Position) -> bool:
    """Whether the item that a position is next to has a value to sort by first."""
    return position.values[0] is not None


def page_statement(
    selection: Selection, limit: int, position: Position | None, part: Part = EVERYTHING
) -> Statement:
    """Return the SELECT of the items of one page that lie in one part of the whole.

    Its columns are `ITEM_COLUMNS`, and then `sort_values`, which a token needs.

    Args:
        selection: what is searched.
        limit: most items.
        position: place that the page lies behind, or before; None: the first page.
        part: of the whole.
    """
    parameters = Parameters(list(selection.parameters))
    terms = [selection.where.sql]
    keys = selection.keys
    backward = position is not None and not position.forward
    if part.has_value is not None:
        terms.append(f"{keys[0].sql} IS {'NOT ' * part.has_value}NULL")
        if part.has_value:
            keys = (replace(keys[0], nullable=False), *keys[1:])
    if position is not None and (part.has_value is None or part.has_value == _has_value(position)):
        terms.append(beyond(keys, position, parameters))
    if part.start is not None:
        terms.append(f"datetime >= {parameters.add(part.start, '::timestamptz')}")
    if part.end is not None:
        terms.append(f"datetime < {parameters.add(part.end, '::timestamptz')}")
    order = ", ".join(ordered(key, backward) for key in keys)
    columns = ", ".join(f"{key.sql} AS key{number}" for number, key in enumerate(keys))
    values = ", ".join(f"key{number}::text" for number in range(len(keys)))
    wanted = ITEM_COLUMNS if selection.with_assets else ITEM_COLUMNS_WITHOUT_ASSETS
    # What is written out of an item is made behind the LIMIT: for the page's rows alone.
    sql = f"""
        SELECT {wanted}, ARRAY[{values}] AS sort_values
        FROM (
            SELECT id, collection, geometry, content, {columns}
            FROM {selection.source}
            WHERE {" AND ".join(terms)}
            ORDER BY {order}
            LIMIT {parameters.add(limit, "::int")}
        ) AS item
        {DOCUMENT}
    """  # noqa: S608 - values are bound; everything else comes from the modules of this package
    return Statement(sql, tuple(parameters.values))
