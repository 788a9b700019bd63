"""Planning a search: what is asked for, and the one SELECT that answers it.

ids, collections, time and place are predicates of ours with bound parameters; pgstac's
`stac_search_to_where` gives the meaning of a CQL2 filter and `queryable` how a property is read
and compared. pgstac's `search()` is not used: it writes, and it drops `datetime: null`.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import orjson

from catalog.errors import InvalidRequest
from catalog.store.filter_terms import strip_prefix
from catalog.store.instant import Interval
from catalog.store.keyset import Expression, Parameters, Statement, beyond, ordered
from catalog.store.token import Position

_COLUMNS = {
    "id": "id",
    "collection": "collection",
    "datetime": "datetime",
    "start_datetime": "datetime",  # pgstac's column holds the start of an item that has one
    "end_datetime": "end_datetime",
}
_COLUMN_TYPES = {
    "id": "text",
    "collection": "text",
    "datetime": "timestamptz",
    "end_datetime": "timestamptz",
}


@dataclass(frozen=True)
class SortKey:
    """A property to sort by; items that have no value for it come last in either direction."""

    name: str
    descending: bool = False

    @property
    def column(self) -> str | None:
        """The column of pgstac's items that it is, if it is one."""
        return _COLUMNS.get(strip_prefix(self.name))


NEWEST_FIRST = (SortKey("datetime", descending=True),)


@dataclass(frozen=True)
class Search:
    """What a client asks for, checked and in one form whichever way it was asked.

    Attributes:
        collections: ids; empty: all.
        ids: of items; empty: all.
        geometry: GeoJSON geometry to intersect, longitude first, degrees.
        interval: time span in UTC that an item's own span must touch, both ends included.
        filter: CQL2-JSON from `prepare_filter`.
        sort: keys in order; ties are broken by collection and id.
        limit: most items of a page, at least 1.
        token: page token of an earlier answer.
    """

    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    geometry: dict[str, Any] | None = None
    interval: Interval | None = None
    filter: Any = None
    sort: tuple[SortKey, ...] = NEWEST_FIRST
    limit: int = 10
    token: str | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of everything but limit and token: pages of one walk share it."""
        text = orjson.dumps(
            replace(self, limit=0, token=None),
            default=str,
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        return hashlib.sha256(text).hexdigest()[:16]

    @property
    def needs_pgstac(self) -> bool:
        """Whether pgstac has to be asked how a property is read before the SELECT can be written."""
        return self.filter is not None or any(key.column is None for key in self.sort)


# How pgstac reads the properties that a search sorts by, and its SQL for the filter. One round trip.
ASK_PGSTAC = """
SELECT
    CASE WHEN $1::jsonb IS NOT NULL THEN pgstac.stac_search_to_where($1::jsonb) END AS condition,
    ARRAY(
        SELECT CASE WHEN (q.found).registered THEN (q.found).expression END
        FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, position)
        CROSS JOIN LATERAL (SELECT pgstac.queryable(wanted.name, $3::text[]) AS found) AS q
        ORDER BY wanted.position
    ) AS expressions,
    ARRAY(
        SELECT (
            SELECT format_type(p.prorettype, NULL)
            FROM pg_proc AS p
            WHERE p.pronamespace = 'pgstac'::regnamespace AND p.proname = (q.found).wrapper
            LIMIT 1
        )
        FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, position)
        CROSS JOIN LATERAL (SELECT pgstac.queryable(wanted.name, $3::text[]) AS found) AS q
        ORDER BY wanted.position
    ) AS types
"""


def questions_to_pgstac(search: Search) -> tuple[str | None, list[str], list[str] | None]:
    """Return the parameters of `ASK_PGSTAC`."""
    collections = list(search.collections) or None
    asked = None
    if search.filter is not None:
        question = {"filter": search.filter, "filter-lang": "cql2-json"}
        if collections:
            question["collections"] = collections
        asked = orjson.dumps(question).decode()
    return asked, [key.name for key in search.sort if key.column is None], collections


def sort_expressions(search: Search, answers: list[tuple[str | None, str | None]]) -> list[Expression]:
    """Return the sort keys in SQL, with collection and id behind them so that no two items tie.

    Args:
        search: whose `sort` is meant.
        answers: pgstac's expression and type of each key that is not a column, in order.

    Raises:
        InvalidRequest: a key is not a queryable.
    """
    unread = iter(answers)
    expressions = []
    for key in search.sort:
        if key.column:
            sql, kind = key.column, _COLUMN_TYPES[key.column]
            expressions.append(Expression(sql, kind, key.descending, nullable=False))
            continue
        found, found_type = next(unread)
        if not found or not found_type:
            raise InvalidRequest("sortby", f"{key.name[:80]!r} is not a queryable (see /queryables)")
        if strip_prefix(key.name) == "geometry":
            raise InvalidRequest("sortby", "a geometry has no order")
        expressions.append(Expression(found, found_type, key.descending))
    present = {expression.sql for expression in expressions}
    descending = search.sort[0].descending if search.sort else False
    ties = [name for name in ("collection", "id") if name not in present]
    return expressions + [Expression(name, "text", descending, nullable=False) for name in ties]


def conditions(search: Search, from_pgstac: str | None) -> Statement:
    """Return the WHERE of a search, without paging.

    Args:
        search: what is asked for.
        from_pgstac: SQL of its filter.
    """
    parameters = Parameters()
    terms = []
    if search.collections:
        terms.append(f"collection = ANY ({parameters.add(list(search.collections), '::text[]')})")
    if search.ids:
        terms.append(f"id = ANY ({parameters.add(list(search.ids), '::text[]')})")
    if search.interval and search.interval.end:
        terms.append(f"datetime <= {parameters.add(search.interval.end, '::timestamptz')}")
    if search.interval and search.interval.start:
        terms.append(f"end_datetime >= {parameters.add(search.interval.start, '::timestamptz')}")
    if search.geometry:
        shape = parameters.add(orjson.dumps(search.geometry).decode(), "::text")
        # A bow tie is legal JSON; made valid, it cannot raise inside GEOS.
        terms.append(f"ST_Intersects(geometry, ST_MakeValid(ST_GeomFromGeoJSON({shape})))")
    if from_pgstac:
        terms.append(f"({from_pgstac})")
    return Statement(" AND ".join(terms) or "TRUE", tuple(parameters.values))


def page_statement(
    search: Search, where: Statement, keys: list[Expression], position: Position | None
) -> Statement:
    """Return the SELECT of one page: at most one item more than the limit, to see whether more follow.

    Its columns are those of `hydrate.ItemRow`, and `sort_values`, which a token needs.
    """
    parameters = Parameters(list(where.parameters))
    condition = where.sql
    backward = position is not None and not position.forward
    if position is not None:
        condition = f"{condition} AND {beyond(keys, position, parameters)}"
    order = ", ".join(ordered(key, backward) for key in keys)
    values = ", ".join(f"({key.sql})::text" for key in keys)
    sql = f"""
        SELECT
            id, collection, sort_values,
            ST_AsGeoJSON(geometry, 20) AS geometry,
            content->>'stac_version' AS stac_version,
            (content->'links')::text AS links,
            content->>'pgstac:base_item' AS base,
            {CONTENT_TEXT} AS content
        FROM (
            SELECT id, collection, geometry, content, ARRAY[{values}] AS sort_values
            FROM pgstac.items
            WHERE {condition}
            ORDER BY {order}
            LIMIT {parameters.add(search.limit + 1, "::int")}
        ) AS page
    """  # noqa: S608 - values are bound; expressions come from pgstac, names from this module
    return Statement(sql, tuple(parameters.values))


# STAC demands `datetime: null` of an item that has a start and an end alone; pgstac's loader drops it.
CONTENT_TEXT = """(
    CASE
        WHEN content->'properties' ? 'datetime' THEN content
        ELSE jsonb_set(content, '{properties,datetime}', 'null')
    END - '{links,stac_version,pgstac:base_item}'::text[]
)::text"""


def count_statement(where: Statement) -> Statement:
    """Return the SELECT that counts all items of a search."""
    return Statement(
        f"SELECT count(*) FROM pgstac.items WHERE {where.sql}",  # noqa: S608
        where.parameters,
    )
