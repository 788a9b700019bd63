"""Random searches that mean something for the items of `items`."""

from typing import Any

from hypothesis import strategies as st

from tests.oracle.items import COLLECTIONS, MEMBERS, NUMBERS, TEXTS, box

_COMPARE = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
_EQUAL = st.sampled_from(["=", "<>"])
_NUMERIC = st.sampled_from(["num", "count", "x:num", "x:mixed"]).map(lambda name: {"property": name})
_TEXTUAL = st.sampled_from(["text", "id", "collection", "x:text", "x:mixed"]).map(
    lambda name: {"property": name}
)
_TEMPORAL = st.sampled_from(["datetime", "start_datetime", "end_datetime", "made", "x:time"]).map(
    lambda name: {"property": name}
)
_LISTS = st.sampled_from(["list", "x:list"]).map(lambda name: {"property": name})
_number = st.sampled_from(NUMBERS) | st.integers(-5, 100) | st.floats(-100, 100).map(lambda n: round(n, 2))
_text = st.sampled_from([*TEXTS, *COLLECTIONS, "a017", "B055"]) | st.text("aAbBéÉßẞΣςだ%_", max_size=3)
_day = st.sampled_from(["2022-01-01", "2023-01-01", "2023-03-02", "2023-06-15", "2024-02-29", "2024-12-31"])
_instant = _day.flatmap(
    lambda day: st.sampled_from(["T00:00:00Z", "T12:00:00Z", "T21:00:00+09:00", "T18:00:00.5Z"]).map(
        day.__add__
    )
)


def _op(op: str, *args: Any) -> dict[str, Any]:
    return {"op": op, "args": list(args)}


def _arithmetic(depth: int) -> st.SearchStrategy[Any]:
    plain = _NUMERIC | _number
    if not depth:
        return plain
    inner = _arithmetic(depth - 1)
    operator = st.sampled_from(["+", "-", "*", "/", "%", "div"])
    power = st.builds(_op, st.just("^"), inner, st.sampled_from([0, 1, 2, 3, -1, 0.5]))
    return plain | st.builds(_op, operator, inner, inner) | power


_function = st.builds(_op, st.sampled_from(["casei", "accenti"]), _TEXTUAL)
_pattern = st.sampled_from(["a%", "%b", "_", "%é%", "A\\%%", "%\\_%", "だ%", "9._", "%"]) | _text.map(
    lambda text: text.replace("\\", "")
)
_time = st.builds(lambda t: {"timestamp": t}, _instant) | st.builds(lambda d: {"date": d}, _day)
_literal_interval = st.tuples(st.one_of(_instant, _day), st.one_of(_instant, _day)).map(sorted)
_interval = st.builds(
    lambda ends: {"interval": list(ends)},
    _literal_interval.filter(lambda ends: ends[0][:10] < ends[1][:10])
    | st.tuples(st.just(".."), _instant)
    | st.tuples(_instant, st.just(".."))
    | st.tuples(_TEMPORAL, _TEMPORAL),
)
_moment = _TEMPORAL | _time | _interval
TEMPORAL = [
    "after",
    "before",
    "contains",
    "disjoint",
    "during",
    "equals",
    "finishedBy",
    "finishes",
    "intersects",
]
TEMPORAL += ["meets", "metBy", "overlappedBy", "overlaps", "startedBy", "starts"]

# --- geometries: on the same grid as the items ---

_grid = st.integers(-4, 5).map(lambda step: step * 5)


@st.composite
def _boxes(draw: Any) -> list[float]:
    west, south = draw(_grid), draw(_grid)
    width, height = draw(st.sampled_from([5, 10, 20])), draw(st.sampled_from([5, 10]))
    return [west, south, west + width, south + height]


BBOXES = st.one_of(
    _boxes(),
    st.builds(lambda south: [170, south, -170, south + 10], _grid),
    st.just([-180, 80, 180, 90]),
    st.just([-180, -90, 180, 90]),
    st.builds(lambda b: [b[0], b[1], -50, b[2], b[3], 100], _boxes()),
)
_points = st.tuples(_grid, _grid).map(list)
_simple = st.one_of(
    st.builds(lambda b: {"type": "Polygon", "coordinates": box(*b)}, _boxes()),
    st.builds(lambda p: {"type": "Point", "coordinates": p}, _points),
    st.builds(lambda p: {"type": "MultiPoint", "coordinates": p}, st.lists(_points, min_size=1, max_size=3)),
    st.builds(
        lambda a, b: {"type": "LineString", "coordinates": [a, [a[0] + b[0] + 30, a[1] + b[1]]]},
        _points,
        _points,
    ),
)
GEOMETRIES = _simple | st.builds(
    lambda parts: {"type": "GeometryCollection", "geometries": parts},
    st.lists(_simple, min_size=1, max_size=3),
)
_areas = st.builds(
    lambda boxes: {
        "type": "GeometryCollection",
        "geometries": [{"type": "Polygon", "coordinates": box(*one)} for one in boxes],
    },
    st.lists(_boxes(), min_size=1, max_size=3),
)
_geometry = st.just({"property": "geometry"})
_spatial_literal = _simple | st.builds(lambda b: {"bbox": b}, BBOXES) | _areas
SPATIAL = ["intersects", "disjoint", "equals", "touches", "within", "contains", "overlaps", "crosses"]


def _in_any_order(op: st.SearchStrategy[str], left: Any, right: Any) -> st.SearchStrategy[Any]:
    return st.builds(_op, op, left, right) | st.builds(_op, op, right, left)


_predicate = st.one_of(
    st.booleans(),
    st.sampled_from(["flag", "x:flag"]).map(lambda name: {"property": name}),
    _in_any_order(_COMPARE, _NUMERIC, _number),
    st.builds(_op, _COMPARE, _arithmetic(2), _arithmetic(1)),
    _in_any_order(_COMPARE, _TEXTUAL, _text),
    st.builds(_op, _EQUAL, _function, st.builds(_op, st.just("casei"), _text) | _text),
    _in_any_order(_COMPARE, _TEMPORAL, _time),
    _in_any_order(_EQUAL, st.sampled_from(["flag", "x:flag"]).map(lambda n: {"property": n}), st.booleans()),
    st.builds(_op, _COMPARE, _NUMERIC, _NUMERIC),
    st.builds(_op, _COMPARE, _TEXTUAL, _TEXTUAL),
    st.builds(_op, _COMPARE, _TEMPORAL, _TEMPORAL),
    st.builds(_op, st.just("like"), _TEXTUAL | _function, _pattern),
    st.builds(_op, st.just("between"), _NUMERIC, _number, _number),
    st.builds(_op, st.just("between"), _TEMPORAL, _time, _time),
    st.builds(_op, st.just("in"), _NUMERIC, st.lists(_number, min_size=1, max_size=4)),
    st.builds(_op, st.just("in"), _TEXTUAL, st.lists(_text, min_size=1, max_size=4)),
    st.builds(_op, st.just("isNull"), st.one_of(_NUMERIC, _TEXTUAL, _TEMPORAL, _LISTS)),
    st.builds(
        _op,
        st.sampled_from(["a_contains", "a_containedBy", "a_equals", "a_overlaps"]),
        _LISTS,
        st.lists(st.sampled_from([*MEMBERS, 1, True]), max_size=3) | _LISTS,
    ),
    st.builds(_op, st.sampled_from([f"t_{name}" for name in TEMPORAL]), _moment, _moment),
    _in_any_order(st.sampled_from([f"s_{name}" for name in SPATIAL]), _geometry, _spatial_literal),
    _in_any_order(st.sampled_from(["s_intersects", "s_disjoint"]), _geometry, GEOMETRIES),
)

FILTERS = st.recursive(
    _predicate,
    lambda inner: st.one_of(
        st.builds(_op, st.just("not"), inner),
        st.builds(
            lambda op, parts: _op(op, *parts),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=5,
)
SORTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["datetime", "end_datetime", "id", "collection", "num", "count", "text", "made", "flag"]
        ),
        st.booleans(),
    ),
    max_size=3,
    unique_by=lambda key: key[0],
)
INTERVALS = st.one_of(
    _instant,
    _literal_interval.map(lambda ends: [end if len(end) > 10 else end + "T00:00:00Z" for end in ends])
    .filter(lambda ends: ends[0][:10] < ends[1][:10])
    .map("/".join),
    _instant.map("../{}".format),
    _instant.map("{}/..".format),
)
