"""CQL2 by its words: what is refused and why, what is bound, and that text keeps its digits."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cql2_text import parse_text
from catalog.errors import InvalidRequest
from catalog.store.cql2.compiler import compile_filter
from catalog.store.parameters import Parameters
from catalog.store.queryables import Kind, Queryables
from tests.oracle.strategies import FILTERS


def _row(
    name: str, kind: str, form: str | None = None, collections: Any = None, path: Any = None
) -> dict[str, Any]:
    return {
        "name": name,
        "types": [kind],
        "format": form,
        "collection_ids": collections,
        "path": path,
        "wrapper": None,
    }


QUERYABLES = Queryables(
    [
        _row("num", "number"),
        _row("text", "string"),
        _row("list", "array"),
        _row("made", "string", "date-time"),
        _row("flag", "boolean"),
        _row("split", "number", None, ["a"]),
        _row("split", "string", None, ["b"]),
        _row("moved", "number", None, None, ["properties", "else", "where"]),
    ]
)
P = {
    name: {"property": name}
    for name in ("num", "text", "list", "made", "flag", "geometry", "unknown", "datetime")
}
POINT = {"type": "Point", "coordinates": [1, 2]}
LINE = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}


def compiled(node: Any, collections: tuple[str, ...] = ()) -> tuple[str, list[Any]]:
    parameters = Parameters()
    return compile_filter(node, QUERYABLES, parameters, collections), parameters.values


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


REFUSED: list[tuple[Any, str]] = [
    (op("=", P["num"], "many"), "'many' is not a number"),
    (op("=", P["num"], True), "is not a number"),
    (op("=", P["num"], P["text"]), "'text' is a string, not a number"),
    (op("<", P["made"], "yesterday"), "is not an RFC 3339 date-time"),
    (op("<", P["made"], "2024-02-30"), "is not a date"),
    (op("<", P["made"], 5), "is not a time"),
    (op("<", P["datetime"], "now"), "is not an RFC 3339 date-time"),
    (op("=", P["flag"], "maybe"), "is not a boolean"),
    (op("<", P["list"], ["a"]), "lists are not compared by '<'"),
    (op("a_contains", P["list"], [{"property": "num"}]), "a list holds strings, numbers and booleans"),
    (op("a_contains", P["list"], "a"), "compares properties and lists"),
    (op("a_contains", P["text"], ["a"]), "'text' is a string, not a list"),
    (op("like", P["text"], "a\\"), "ends in an escape character"),
    (op("like", P["text"], P["text"]), "the pattern of 'like' is a string"),
    (op("like", P["num"], "1%"), "'num' is a number, not a string"),
    (op("between", P["num"], 1), "takes 3 arguments, not 2"),
    (op("between", P["flag"], True, False), "compares numbers, times and strings"),
    (op("in", P["num"], []), "a list that is not empty"),
    (op("in", P["num"], [1, "x"]), "'x' is not a number"),
    (op("isNull", 5), "needs a property"),
    (op("=", P["geometry"], POINT), "is not a value that can be compared"),
    (op("=", P["geometry"], "x"), "spatial operators"),
    (op("s_within", P["text"], POINT), "the one spatial property is `geometry`"),
    (
        op("s_within", P["geometry"], {"type": "GeometryCollection", "geometries": [POINT, LINE]}),
        "points, of lines",
    ),
    (op("s_within", P["geometry"], {"bbox": [1, 2, 3]}), "has 3 numbers"),
    (op("t_after", P["num"], {"date": "2024-01-01"}), "'num' is a number, not a time"),
    (op("t_after", P["made"], 5), "temporal operators compare"),
    (op("t_during", P["made"], {"interval": ["2024-01-02", "2024-01-01"]}), "ends before it starts"),
    (op("t_during", P["made"], {"interval": ["2024-01-02"]}), "has two ends"),
    (op("+", P["num"], 1), "operator '+' is not supported here"),
    (op("=", op("sqrt", P["num"]), 1), "'sqrt' is not supported"),
    (op("=", op("+", P["text"], 1), 1), "'text' is a string, not a number"),
    (op("=", op("casei", P["num"]), "a"), "'num' is a number, not a string"),
    (op("and"), "'and' needs arguments"),
    (op("not", True, False), "takes 1 argument, not 2"),
    (P["num"], "'num' is a number, not a boolean"),
    ({"property": "properties."}, "a property has a name"),
    ({"op": "=", "args": 5}, "needs a list `args`"),
    ({"op": 5, "args": []}, "is not a CQL2 expression"),
    (5, "is not a CQL2 expression"),
    (None, "is not a CQL2 expression"),
    (op("=", P["num"], float("nan")), "a number is finite"),
    (op("=", P["num"], 10**400), "a number is finite"),
]


@pytest.mark.parametrize(("node", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_is_wrong_is_said(node: Any, why: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(why)) as raised:
        compiled(node)
    assert raised.value.parameter == "filter"


def test_size_is_bounded() -> None:
    deep: Any = True
    for _ in range(1000):
        deep = op("not", deep)
    with pytest.raises(InvalidRequest, match="nested more than 100 deep"):
        compiled(deep)
    with pytest.raises(InvalidRequest, match="more than 5000 parts"):
        compiled(op("or", *[op("=", P["num"], n) for n in range(3000)]))
    power: Any = P["num"]
    for _ in range(6):
        power = op("^", power, 2)
    with pytest.raises(InvalidRequest, match="powers"):
        compiled(op("=", power, 1))


@given(condition=FILTERS)
def test_no_text_of_a_client_stands_in_the_sql(condition: Any) -> None:
    sql, values = compiled(condition)
    assert not re.search(r"だ|é|ñ|衛|a017|B055|x:", sql)
    placeholders = {int(number) for number in re.findall(r"\$(\d+)", sql)}
    assert placeholders == set(range(1, len(values) + 1)), "a parameter that stands nowhere is an error"


def test_quotes_are_only_quotes() -> None:
    name = "x'; DROP TABLE pgstac; --"
    sql, values = compiled(op("=", {"property": name}, "'"))
    assert "DROP" not in sql
    assert name in values


def test_kinds_follow_the_collections() -> None:
    assert QUERYABLES.find("split", ["a"]).kind is Kind.NUMBER
    assert QUERYABLES.find("split", ["b"]).kind is Kind.TEXT
    assert QUERYABLES.find("split").kind is Kind.ANY
    assert QUERYABLES.find("properties.properties.num").kind is Kind.NUMBER
    assert QUERYABLES.find("moved").path == ("properties", "else", "where")
    assert QUERYABLES.find("assets.data.href").path == ("assets", "data", "href")
    assert not QUERYABLES.find("unknown").is_registered


def test_where_only_queryables_are_taken_others_are_refused() -> None:
    closed = Queryables([_row("num", "number")], is_open=False)
    assert compile_filter(op("=", P["num"], 1), closed, Parameters())
    with pytest.raises(InvalidRequest, match="'unknown' is not a queryable"):
        compile_filter(op("=", P["unknown"], 1), closed, Parameters())


# --- text ---


def test_coordinates_keep_their_last_digit() -> None:
    node = parse_text("S_INTERSECTS(geometry, POINT(139.12345678901234 -35.123456789012345))")
    assert node["args"][1]["coordinates"] == [139.12345678901234, -35.123456789012345]
    node = parse_text("S_INTERSECTS(geometry, BBOX(-139.12345678901234, 1e-3, .5, 80.00000000000001))")
    assert node["args"][1]["bbox"] == [-139.12345678901234, 0.001, 0.5, 80.00000000000001]


@given(st.floats(-1e15, 1e15) | st.integers(-(10**17), 10**17))
def test_numbers_keep_their_digits(number: float) -> None:
    text = repr(number)
    (_, found) = parse_text(f"a1 = {text} ")["args"]
    assert repr(found) == text or found == number == 0


def test_only_numbers_are_taken_for_numbers() -> None:
    node = parse_text("\"b 12\" = '3.14159' AND sentinel2 > 2 AND a.b5 < 1 AND eo:band8 BETWEEN 1 AND 2 * x3")
    assert node == op(
        "and",
        op("=", {"property": "b 12"}, "3.14159"),
        op(">", {"property": "sentinel2"}, 2),
        op("<", {"property": "a.b5"}, 1),
        op("between", {"property": "eo:band8"}, 1, op("*", 2, {"property": "x3"})),
    )
    assert parse_text("a = -(b + 1)")["args"][1] == op("*", -1.0, op("+", {"property": "b"}, 1))


@pytest.mark.parametrize("empty", ["()", "( )"])
def test_lists_of_nothing(empty: str) -> None:
    """The parser knows none, but CQL2 does (`arrayExpression`)."""
    assert parse_text(f"A_CONTAINS(x,{empty}) AND y > 7") == op(
        "and", op("a_contains", {"property": "x"}, []), op(">", {"property": "y"}, 7)
    )
    assert parse_text(f"A_EQUALS({empty}, x)") == op("a_equals", [], {"property": "x"})
    assert parse_text("x = ',()'") == op("=", {"property": "x"}, ",()")
    for text in (f"x IN {empty}", f"x = {empty}", empty, f"x > f({empty})"):
        with pytest.raises(InvalidRequest):
            compile_filter(parse_text(text), QUERYABLES, Parameters())


@pytest.mark.parametrize(
    "time", ["2024-01-01T00:00:00", "2024-01-01 00:00:00", "2024-01-01T00:00:00+0900", "2024-01-01T00:00Z"]
)
def test_times_of_text_have_an_offset_as_those_of_json_do(time: str) -> None:
    """The parser takes them for UTC; in Japan they are nine hours before that."""
    for text in (
        f"made > TIMESTAMP('{time}')",
        f"made > timestamp ( '{time}' )",
        f"T_DURING(made, INTERVAL('{time}', '..'))",
        f"T_DURING(made, INTERVAL('2023-01-01', '{time}'))",
    ):
        with pytest.raises(InvalidRequest, match="not an RFC 3339 date-time"):
            parse_text(text)
    assert parse_text(f"x = 'TIMESTAMP(''{time}'')'")["args"][1] == f"TIMESTAMP('{time}')"
    whole = parse_text("T_DURING(made, INTERVAL('2024-01-01T09:00:00+09:00', '2024-01-02'))")
    assert whole["args"][1] == {"interval": ["2024-01-01T00:00:00Z", "2024-01-02"]}


def test_a_complaint_shows_the_clients_own_text() -> None:
    with pytest.raises(InvalidRequest, match="not CQL2 text") as raised:
        parse_text("a = 3.5 AND AND 7")
    assert "100000" not in str(raised.value)
    assert orjson.dumps(str(raised.value))
