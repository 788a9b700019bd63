"""Parameters get their meaning: times, boxes, filters, fields, tokens, addresses."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.fields import fields_from_text, read_fields
from app.filters import read_filter, read_query
from app.links import splice
from app.openapi import to_30
from app.proxy import parse_forwarded
from app.search_request import body_of_get, read_body, read_search
from app.settings import ApiSettings
from catalog.absent import ABSENT
from catalog.errors import InvalidRequest
from catalog.instant import parse_instant, parse_interval
from catalog.store.geojson import bbox_geometry, check_geometry
from catalog.store.hydrate import Document, ItemRow, hydrate, read_hydration_base
from catalog.store.search import Search
from catalog.store.token import SORTED_CHARACTERS, Position, read_token, write_token

few = settings(max_examples=60, deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


# --- tokens ---

positions = st.builds(
    Position,
    forward=st.booleans(),
    fingerprint=st.just("fp"),
    values=st.lists(st.none() | texts, max_size=4).map(tuple),
    collection=texts,
    id=texts,
)


@few
@given(positions, st.binary(min_size=1, max_size=40))
def test_a_token_comes_back(position: Position, key: bytes) -> None:
    token = write_token(position, key)
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read_token(token, key, "fp") == position


@few
@given(positions, st.data())
def test_a_changed_token_is_refused(position: Position, data: st.DataObject) -> None:
    token = write_token(position, b"key")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCdef019-_=+/ é"))
    changed = token[:place] + letter + token[place + 1 :]
    for bad in (changed, token[:place], token + letter):
        if bad != token:
            with pytest.raises(InvalidRequest, match="token"):
                read_token(bad, b"key", "fp")
    for key, fingerprint in ((b"other", "fp"), (b"key", "other")):
        with pytest.raises(InvalidRequest, match="token"):
            read_token(token, key, fingerprint)


@few
@given(st.text(max_size=60))
def test_garbage_is_no_token(text: str) -> None:
    with pytest.raises(InvalidRequest, match="token"):
        read_token(text, b"key", "fp")


def test_the_longest_token_is_read() -> None:
    """Ten keys of as many characters as are sorted by, each of which takes six in JSON."""
    position = Position(True, "fp", ("\x01" * SORTED_CHARACTERS,) * 10, "c" * 500, "i" * 500)
    assert read_token(write_token(position, b"key"), b"key", "fp") == position


# --- boxes ---

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


def _covers(geometry: dict[str, Any], x: float, y: float) -> bool:
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    if kind == "GeometryCollection":
        return any(_covers(part, x, y) for part in geometry["geometries"])
    if kind.startswith("Multi"):
        return any(_covers({"type": kind[5:], "coordinates": part}, x, y) for part in coordinates)
    points = {
        "Point": lambda: [coordinates],
        "LineString": lambda: coordinates,
        "Polygon": lambda: coordinates[0],
    }[kind]()
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return bool(min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys))


@few
@given(longitudes, longitudes, latitudes, latitudes, longitudes, latitudes)
def test_a_box_covers_what_it_says(w: float, e: float, s: float, n: float, x: float, y: float) -> None:
    south, north = min(s, n), max(s, n)
    geometry = check_geometry(bbox_geometry([w, south, e, north]))
    assert geometry == bbox_geometry([w, south, -5, e, north, 5])
    inside = south <= y <= north and (w <= x <= e if w <= e else x >= w or x <= e)
    assert _covers(geometry, x, y) == inside
    if south < north:
        with pytest.raises(ValueError, match="south"):
            bbox_geometry([w, north, e, south])


@few
@given(st.lists(st.floats() | st.integers() | st.booleans() | st.none() | texts, max_size=8))
def test_any_list_is_a_box_or_refused(numbers: list[Any]) -> None:
    try:
        geometry = bbox_geometry(numbers)
    except ValueError:
        return
    else:
        assert len(numbers) in (4, 6)
        assert not any(isinstance(number, bool) or math.isnan(number) for number in numbers)
        check_geometry(geometry)


@few
@given(longitudes.filter(lambda x: -180 < x < 180), st.floats(0.001, 359), latitudes)
def test_a_wrapped_box_is_the_box_one_turn_on(west: float, width: float, y: float) -> None:
    east = west + width
    wrapped = bbox_geometry([west, y, east, y])
    if east <= 180:
        assert wrapped == bbox_geometry([west, y, east, y])
    else:
        assert wrapped["type"] in ("MultiLineString", "GeometryCollection")
        assert _covers(wrapped, west, y)
        assert _covers(wrapped, 180, y)


# --- times ---


@few
@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_read_in_any_offset(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = aware.isoformat()
    assert parse_instant(text) == aware
    assert parse_instant(text).tzinfo is UTC


@few
@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        interval = parse_interval(text)
    except ValueError:
        return
    else:
        assert interval.start or interval.end


# --- bodies ---


@few
@given(
    st.dictionaries(
        texts,
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | texts,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
            max_leaves=10,
        ),
        max_size=5,
    ),
    st.sampled_from(
        [
            "bbox",
            "datetime",
            "limit",
            "ids",
            "collections",
            "intersects",
            "sortby",
            "fields",
            "token",
            "query",
            "filter",
        ]
    ),
)
def test_any_body_is_a_search_or_refused(body: dict[str, Any], name: str) -> None:
    """No input raises anything but InvalidRequest."""
    named: set[str] = set()
    for value in body.values():
        try:
            asked = read_search({name: value}, default_limit=10, max_limit=100, posted=True)
        except InvalidRequest as error:
            named.add(error.parameter)
        else:
            assert 1 <= asked.search.limit <= 100
            assert (
                asked.search.fingerprint
                == read_search({name: value}, default_limit=10, max_limit=100, posted=True).search.fingerprint
            )

    assert named <= {name}


def test_get_and_post_mean_the_same() -> None:
    got = body_of_get(
        {
            "bbox": "1,2, 3,4.5",
            "ids": "a, b",
            "sortby": "-datetime,+eo:cloud_cover, platform",
            "fields": "id,-assets",
            "filter_expr": '{"op":"=","args":[{"property":"a"},1]}',
            "query": None,
            "limit": 5,
        }
    )
    assert got == {
        "bbox": [1.0, 2.0, 3.0, 4.5],
        "ids": ["a", "b"],
        "sortby": [
            {"field": "datetime", "direction": "desc"},
            {"field": "eo:cloud_cover", "direction": "asc"},
            {"field": "platform", "direction": "asc"},
        ],
        "fields": {"include": ["id"], "exclude": ["assets"]},
        "filter": {"op": "=", "args": [{"property": "a"}, 1]},
        "limit": 5,
    }


def test_limit_and_token_are_no_part_of_a_search_s_identity() -> None:
    def fingerprint(**body: Any) -> str:
        return read_search(body, default_limit=10, max_limit=100, posted=True).search.fingerprint

    assert fingerprint() == fingerprint(limit=3, token="x", fields={"include": ["id"]})
    different = [
        {"ids": ["a"]},
        {"collections": ["a"]},
        {"datetime": "2020-01-01T00:00:00Z/.."},
        {"bbox": [1, 2, 3, 4]},
    ]
    different += [{"filter": "a = 1"}, {"sortby": [{"field": "id"}]}, {"query": {"a": {"eq": 2}}}]
    assert len({fingerprint(), *(fingerprint(**body) for body in different)}) == len(different) + 1


@pytest.mark.parametrize("raw", [b'{"a": "\\u0000"}', b'{"a\\u0000": 1}', b'{"a": [{"b": "x\\u0000"}]}'])
def test_nul_is_found_anywhere(raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="NUL"):
        read_body(raw)


# --- filters ---


def test_text_and_json_are_the_same_filter() -> None:
    wanted = {"op": "and", "args": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}] * 2}
    assert read_filter("eo:cloud_cover < 10 AND eo:cloud_cover < 10", None, None) == wanted
    assert read_filter(wanted, "cql2-json", "http://www.opengis.net/def/crs/OGC/1.3/CRS84") == wanted
    assert read_filter("", None, None) is None


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1500 + "a=1" + ")" * 1500,
        "NOT " * 3000 + "a=1",
        "a=" + "-" * 3000 + "1",
        "f(" * 3000 + "1" + ")" * 3000,
        "a=" + "- " * 4500 + "1",
        "a=" + "+-" * 3000 + "1",
    ],
    ids=lambda t: t[:8],
)
def test_what_would_crash_the_parser_does_not_reach_it(text: str) -> None:
    with pytest.raises(InvalidRequest, match="filter"):
        read_filter(text, "cql2-text", None)


def test_query_patterns_are_literal() -> None:
    asked = read_query({"a": {"contains": "50%_\\"}})
    assert asked["args"][0]["args"][1] == "%50\\%\\_\\\\%"


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("platform ILIKE 'S%'", "CASEI(platform) LIKE CASEI('S%')"),
        ("(a = 1) OR (eo:x ilike 'b')", "(a = 1) OR (CASEI(eo:x) LIKE CASEI('b'))"),
        ("datetime >= '2024-05-01T'", "datetime >= '2024-05-01T00:00:00Z'"),
        ("t = 'a ILIKE ''b'" + "'' AND c = 1", "t = 'a ILIKE ''b'" + "'' AND c = 1"),
    ],
)
def test_cql_text_of_gdal(draft: str, text: str) -> None:
    assert read_filter(draft, "cql-text", None) == read_filter(text, "cql2-text", None)


# --- fields ---


ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "x",
    "collection": "c",
    "geometry": None,
    "properties": {"datetime": "2024-01-01T00:00:00Z", "a": {"b": 1, "c": 2}, "d.e": 3},
    "links": [],
    "assets": {},
}
ALWAYS = {"type": "Feature", "id": "x", "collection": "c"}
DEFAULT = {**ITEM, "properties": {"datetime": "2024-01-01T00:00:00Z"}}


def without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        # The table of the extension's README, row by row.
        (None, DEFAULT),
        ({}, DEFAULT),
        ({"include": [], "exclude": None}, DEFAULT),
        ({"include": ["links", "assets"]}, ALWAYS | {"links": [], "assets": {}}),
        ({"exclude": ["links", "assets"]}, without(ITEM, "links", "assets")),
        ({"include": None, "exclude": ["links", "assets"]}, without(DEFAULT, "links", "assets")),
        ({"include": [], "exclude": ["properties"]}, without(DEFAULT, "properties")),
        ({"include": ["links", "assets"], "exclude": ["links"]}, ALWAYS | {"links": [], "assets": {}}),
        ({"include": ["links"], "exclude": ["links", "assets"]}, ALWAYS | {"links": []}),
        (
            {"include": ["properties.a.b"], "exclude": ["properties"]},
            ALWAYS | {"properties": {"a": {"b": 1}}},
        ),
        (
            {"include": ["properties"], "exclude": ["properties.a"]},
            ALWAYS | {"properties": without(ITEM["properties"], "a")},
        ),
        # What follows from it.
        ({"include": ["links"], "exclude": ["id"]}, without(ALWAYS, "id") | {"links": []}),
        ({"include": ["properties.d.e", "none"]}, ALWAYS | {"properties": {"d.e": 3}}),
        (
            {"exclude": ["properties.a.b"]},
            {**ITEM, "properties": {**ITEM["properties"], "a": {"c": 2}}},
        ),
    ],
    ids=str,
)
def test_fields(asked: Any, wanted: dict[str, Any]) -> None:
    fields = read_fields(asked)
    assert fields is not None
    before = orjson.dumps(ITEM)
    assert fields.apply(dict(ITEM)) == wanted
    assert orjson.dumps(ITEM) == before


def test_default_fields_of_an_interval_item_keep_it_valid() -> None:
    times = {
        "datetime": None,
        "start_datetime": "2024-01-01T00:00:00Z",
        "end_datetime": "2024-01-02T00:00:00Z",
    }
    fields = read_fields(None)
    assert fields is not None
    assert fields.apply({**ITEM, "properties": {**times, "a": 1}})["properties"] == times


def test_fields_from_text() -> None:
    assert fields_from_text("") == {"include": [], "exclude": []}
    assert fields_from_text(" id,+links, -assets") == {"include": ["id", "links"], "exclude": ["assets"]}


def test_a_search_for_a_number_beyond_64_bits_has_a_fingerprint_of_its_own() -> None:
    def fingerprint(number: int) -> str:
        return Search(filter={"op": "=", "args": [{"property": "gsd"}, number]}).fingerprint

    assert fingerprint(10**20) == fingerprint(10**20) != fingerprint(10**20 + 1)


# --- hydration ---


def test_hydration_restores_what_pgstac_took_out() -> None:
    base = read_hydration_base(
        '{"type":"Feature","stac_version":"1.1.0","collection":"c","assets":{"a":{"t":1,"r":["x","y"],"u":{"v":1}},"b":{"t":2}}}'
    )
    content = (
        '{"properties": {"n": null, "e": {}}, "assets": '
        '{"a": {"h": null, "r": [null, "z"], "u": "ABSENT"}, "b": "ABSENT"}}'
    ).replace("ABSENT", ABSENT)
    row = ItemRow("c", 'i"d', '{"type":"Point","coordinates":[1,2]}', content, None, None, True)
    item = orjson.loads(hydrate(row, base).members)
    assert item == {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": 'i"d',
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [1, 2]},
        "properties": {"n": None, "e": {}},
        "assets": {"a": {"h": None, "t": 1, "r": ["x", "z"]}},
    }


def test_text_that_needs_no_merging_is_not_touched() -> None:
    properties = '"properties": {"long": 12345678901234567890123, "one": 1.0}'
    links = '"links": [{"rel": "self"}, {"rel": "via", "href": "x"}]'
    content = f'{{"bbox": [1, 2], {links}, {properties}, "stac_version": "1.0.0", "pgstac:base_item": 7}}'
    row = ItemRow("c", "i", "null", content, "1.0.0", "7", True)
    document = hydrate(row, read_hydration_base('{"stac_version": "1.1.0", "assets": null}'))
    assert document.members == (
        '{"type":"Feature","id":"i","collection":"c","geometry":null,'
        f'"bbox": [1, 2], {properties}, "stac_version": "1.0.0"}}'
    )
    assert document.links == [{"rel": "via", "href": "x"}]


# --- addresses, OpenAPI, settings ---


@few
@given(st.text(max_size=60))
def test_any_forwarded_header_is_read_or_ignored(text: str) -> None:
    assert all(name == name.lower() for name in parse_forwarded(text))


def test_openapi_31_in_the_words_of_30() -> None:
    node = {
        "anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}],
        "examples": [1, 2],
        "title": "x",
    }
    assert to_30(node) == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "nullable": True,
        "example": 1,
        "title": "x",
    }
    assert to_30({"type": ["string", "null"]}) == {"type": "string", "nullable": True} or to_30(
        {"type": ["string", "null"]}
    ) == {"type": "string"}
    assert to_30({"const": "a"}) == {"enum": ["a"]}


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAKEHASHI_ROOT_PATH", "/a/b/")
    monkeypatch.setenv("KAKEHASHI_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = ApiSettings()
    assert settings.root_path == "/a/b"
    assert settings.cors_origins == ["https://a.example", "https://b.example"]
    for bad in ({"root_path": "x"}, {"root_path": "//x"}, {"default_limit": 20_000}, {"max_limit": 0}):
        with pytest.raises(ValueError):
            ApiSettings(**bad)


def test_stored_links_within_the_catalogue_become_absolute() -> None:
    stored = [
        {"rel": "latest-version", "href": "./collections/c/items/i"},
        {"rel": "via", "href": "https://example.org/i"},
    ]
    text = splice(
        Document("c", "i", '{"id":"i"}', stored),
        '{"rel":"self","href":"x"}',
        "https://catalogue.example/stac",
    )
    hrefs = [link["href"] for link in json.loads(text)["links"][1:]]
    assert hrefs == ["https://catalogue.example/stac/collections/c/items/i", "https://example.org/i"]


def test_what_is_relative_to_where_it_came_from_is_not_put_on_our_address() -> None:
    """Items of a static catalogue that were loaded: `./thumb.json` became an address here that does not exist."""
    stored = [
        {"rel": "preview", "href": "./thumb.json"},
        {"rel": "derived_from", "href": "./collections/other/source.json"},
        {"rel": "latest-version", "href": "./i-2.json"},
        {"rel": ["preview"], "href": 5},
    ]
    text = splice(
        Document("c", "i", '{"id":"i"}', stored), '{"rel":"self","href":"x"}', "https://here.example"
    )
    assert json.loads(text)["links"][1:] == stored


@pytest.mark.parametrize(
    ("fields", "without"),
    [
        (None, False),  # the default set has them
        ({"include": ["id", "properties.datetime"]}, True),
        ({"include": ["id", "assets.data.href"]}, False),
        ({"include": ["assets"], "exclude": ["assets"]}, False),
        ({"exclude": ["assets"]}, True),
        ({"exclude": ["assets.data"]}, False),
        ({"include": [], "exclude": ["assets"]}, True),
        ({"exclude": ["geometry"]}, False),
    ],
    ids=str,
)
def test_assets_are_left_in_the_database_if_nobody_wants_them(fields: Any, without: bool) -> None:
    asked = read_search({"fields": fields}, default_limit=10, max_limit=10, posted=True)
    assert asked.search.without_assets is without
    plain = read_search({}, default_limit=10, max_limit=10, posted=True)
    assert asked.search.fingerprint == plain.search.fingerprint, "a page token goes on with other fields"
