"""Counting items by what they have: one statement for all aggregations that a client asks for.

What is counted is selected once, with no more of each item than the aggregations need; each of them
then reads that. Buckets that do not fit are counted together as overflow, so that nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from catalog.aggregation import Aggregation, Asked, Form
from catalog.store.cql2.terms import path_of, read
from catalog.store.parameters import Parameters, Statement
from catalog.store.planning import conditions, source
from catalog.store.queryables import Kind, Queryables
from catalog.store.search import Search

if TYPE_CHECKING:
    from catalog.store.connection import Connection

MOST_BUCKETS = 10_000
# The finest interval of which the items span no more than so many.
_SUITABLE_INTERVALS = 100
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "month": 2_629_746}
_MOST_FIRST = 'frequency DESC, key COLLATE "C"'
# Web Mercator ends where a square does.
_MERCATOR_LIMIT = 85.0511287798066
# Of a footprint cut at the antimeridian, the middle lies at the cut and not on the other side of the globe.
_CENTRE = """
    CASE WHEN ST_NumGeometries(geometry) > 1 AND ST_XMax(geometry) - ST_XMin(geometry) > 180
        THEN ST_WrapX(ST_Centroid(ST_ShiftLongitude(geometry)), 180, -360)
        ELSE ST_Centroid(geometry) END
"""


async def aggregate(
    connection: "Connection", parts: Sequence[Search], asked: Sequence[Asked], queryables: Queryables
) -> list[dict[str, Any]]:
    """Return aggregations of items in the form of the extension, in the order asked.

    Args:
        connection: of the read role.
        parts: searches without free text that find what is counted, each item once.
        asked: what to count by.
        queryables: how properties are read.
    """
    if not asked:
        return []
    statement = _statement(parts, asked, queryables)
    row = await connection.fetchrow(statement.sql, *statement.parameters)
    assert row is not None
    # Of no items there is neither a first nor a last.
    return [_answer(one, orjson.loads(row[f"answer{number}"] or "null")) for number, one in enumerate(asked)]


def _statement(parts: Sequence[Search], asked: Sequence[Asked], queryables: Queryables) -> Statement:
    parameters = Parameters()
    columns = [_column(one, queryables, parameters) for one in asked]
    chosen = ", ".join(f"{column.sql} AS column{number}" for number, column in enumerate(columns))
    selects = []
    for part in parts:
        where = conditions(part, queryables, parameters)
        selects.append(f"SELECT {chosen} FROM {source(where, chosen)} WHERE {where}")  # noqa: S608
    if not selects:
        selects.append(f"SELECT {chosen} FROM {source(chosen)} WHERE FALSE")  # noqa: S608
    answers = ", ".join(
        f"({_sql_of(one, columns[number], f'column{number}', parameters)}) AS answer{number}"
        for number, one in enumerate(asked)
    )
    found = " UNION ALL ".join(selects)
    # PostgreSQL reads the table once, however many aggregations look at it; for a mere count it need not even
    # keep what it read.
    return Statement(f"WITH found AS ({found}) SELECT {answers}", tuple(parameters.values))


@dataclass(frozen=True)
class _Column:
    """What has to be known of each item, in SQL; a list if an item may have several values."""

    sql: str
    is_list: bool = False


def _column(one: Asked, queryables: Queryables, parameters: Parameters) -> _Column:
    aggregation = one.of
    if aggregation.form is Form.GEOHASH:
        return _Column(f"({_geohash(one.precision)})")
    if aggregation.form is Form.GEOTILE:
        return _Column(f"({_tile(one.precision)})")
    if aggregation.form in (Form.FIRST, Form.LAST, Form.TIMES):
        return _Column("datetime")
    if aggregation.queryable is None:
        return _Column("1")
    found = queryables.find(aggregation.queryable)
    if aggregation.form is Form.RANGES:
        is_number = found.kind in (Kind.NUMBER, Kind.ANY)
        return _Column(f"({read(found, Kind.NUMBER, parameters).sql})" if is_number else "NULL::numeric")
    if found.column:
        return _Column(found.column)
    path = path_of(found, parameters)
    if found.kind is Kind.TEXT:
        return _Column(path.text)
    values = (
        f"CASE jsonb_typeof({path.json}) WHEN 'array' THEN pgstac.to_text_array({path.json})"
        f" WHEN 'null' THEN NULL ELSE ARRAY[{path.text}] END"
    )
    return _Column(values, is_list=True)


def _geohash(characters: int) -> str:
    """Return the geohash of the centre in SQL; PostGIS raises for places that are none on Earth."""
    x, y = "greatest(-180, least(180, ST_X(centre)))", "greatest(-90, least(90, ST_Y(centre)))"
    return f"SELECT ST_GeoHash(ST_Point({x}, {y}), {characters}) FROM (SELECT {_CENTRE} AS centre OFFSET 0) AS middle"  # noqa: S608


def _tile(zoom: int) -> str:
    """Return the tile of the centre as zoom/x/y, y from the north, in SQL."""
    tiles = 2**zoom
    latitude = f"radians(greatest(-{_MERCATOR_LIMIT}, least({_MERCATOR_LIMIT}, ST_Y(centre))))"
    x = f"least({tiles - 1}, greatest(0, floor((ST_X(centre) + 180) / 360 * {tiles})))::bigint"
    y = f"least({tiles - 1}, greatest(0, floor((1 - asinh(tan({latitude})) / pi()) / 2 * {tiles})))::bigint"
    return f"SELECT concat_ws('/', {zoom}, {x}, {y}) FROM (SELECT {_CENTRE} AS centre OFFSET 0) AS middle"  # noqa: S608


def _sql_of(one: Asked, column: _Column, name: str, parameters: Parameters) -> str:
    """Return the SELECT of one aggregation from `found`, as JSON."""
    form = one.of.form
    if form is Form.COUNT:
        return "SELECT to_json(count(*)) FROM found"
    if form in (Form.FIRST, Form.LAST):
        instant = f"{'min' if form is Form.FIRST else 'max'}({name})"
        return f"SELECT to_json({_rfc3339(instant)}) FROM found"  # noqa: S608
    if form is Form.TIMES:
        return _times(one, name, parameters)
    if form is Form.RANGES:
        return _ranges(one, name, parameters)
    if column.is_list:
        return _members(name)
    buckets = f"SELECT {name} AS key, count(*) AS frequency FROM found WHERE {name} IS NOT NULL GROUP BY 1"  # noqa: S608
    return _single(buckets, _MOST_FIRST)


def _members(column: str) -> str:
    """An item with several values counts for each, but once for one that it repeats."""
    return f"""
        WITH buckets AS (
            SELECT value AS key, count(*) AS frequency
            FROM found CROSS JOIN LATERAL (SELECT DISTINCT unnest({column}) AS value) AS members
            WHERE value IS NOT NULL
            GROUP BY value ORDER BY frequency DESC, value COLLATE "C" LIMIT {MOST_BUCKETS}
        )
        SELECT json_build_object(
            'buckets', coalesce((SELECT json_agg(json_build_object('key', key, 'frequency', frequency)
                ORDER BY {_MOST_FIRST}) FROM buckets), '[]'),
            'overflow', (SELECT count(*) FROM found WHERE NOT EXISTS (
                SELECT FROM unnest({column}) AS value WHERE value IN (SELECT key FROM buckets)))
        )
    """  # noqa: S608


def _times(one: Asked, column: str, parameters: Parameters) -> str:
    if one.interval:
        unit = parameters.add(one.interval, "::text")
    else:
        tests = " ".join(
            f"WHEN span <= {seconds * _SUITABLE_INTERVALS} THEN '{name}'"
            for name, seconds in _SECONDS.items()
        )
        span = f"extract(epoch FROM max({column}) - min({column}))"
        unit = f"(SELECT CASE {tests} ELSE 'year' END FROM (SELECT {span} AS span FROM found) AS whole)"  # noqa: S608
    key = _rfc3339(f"date_trunc({unit}, {column}, 'UTC')")
    buckets = f"SELECT {key} AS key, count(*) AS frequency FROM found GROUP BY 1"  # noqa: S608
    return _single(buckets, "key", f"'interval', {unit},")


def _ranges(one: Asked, column: str, parameters: Parameters) -> str:
    edges = parameters.add(list(one.of.edges), "::float8[]")
    buckets = f"""
        SELECT width_bucket({column}::float8, {edges}) AS key, count(*) AS frequency
        FROM found WHERE {column} IS NOT NULL GROUP BY 1
    """  # noqa: S608
    return _single(buckets, "key")


def _single(buckets: str, order: str, more: str = "") -> str:
    """Return an answer whose items lie in one bucket each."""
    return f"""
        WITH buckets AS (SELECT * FROM ({buckets}) AS counted ORDER BY {order} LIMIT {MOST_BUCKETS})
        SELECT json_build_object(
            {more}
            'buckets', coalesce((SELECT json_agg(json_build_object('key', key, 'frequency', frequency)
                ORDER BY {order}) FROM buckets), '[]'),
            'overflow', (SELECT count(*) FROM found) - coalesce((SELECT sum(frequency) FROM buckets), 0)
        )
    """  # noqa: S608 - made of constants of this module


def _rfc3339(instant: str) -> str:
    # The session's time zone is UTC.
    return f'to_char({instant}, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'


def _answer(one: Asked, found: Any) -> dict[str, Any]:
    """Return an aggregation in the form of the extension."""
    aggregation = one.of
    answer: dict[str, Any] = {"name": aggregation.name, "data_type": aggregation.data_type}
    if aggregation.form in (Form.COUNT, Form.FIRST, Form.LAST):
        return {**answer, "value": _plain_time(found)}
    if aggregation.form is Form.RANGES:
        frequencies = {bucket["key"]: bucket["frequency"] for bucket in found["buckets"]}
        return {**answer, "buckets": _range_buckets(aggregation, frequencies), "overflow": found["overflow"]}
    if aggregation.form is Form.TIMES:
        answer["data_type"] = f"interval_{found['interval']}"
    buckets = [
        {
            "key": _plain_time(bucket["key"]),
            "data_type": aggregation.data_type,
            "frequency": bucket["frequency"],
        }
        for bucket in found["buckets"]
    ]
    return {**answer, "buckets": buckets, "overflow": found["overflow"]}


def _range_buckets(aggregation: Aggregation, frequencies: dict[int, int]) -> list[dict[str, Any]]:
    """Return all ranges, also those without items; `from` belongs to a range, `to` does not."""
    bounds = [None, *aggregation.edges, None]
    buckets = []
    for number, (low, high) in enumerate(pairwise(bounds)):
        bucket: dict[str, Any] = {"key": f"{'*' if low is None else low}-{'*' if high is None else high}"}
        if low is not None:
            bucket["from"] = low
        if high is not None:
            bucket["to"] = high
        buckets.append({**bucket, "data_type": "numeric", "frequency": frequencies.get(number, 0)})
    return buckets


def _plain_time(value: Any) -> Any:
    """Return a time without a fraction that is none."""
    return value.replace(".000000Z", "Z") if isinstance(value, str) else value
