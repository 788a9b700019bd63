"""Aggregations against counting by hand."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from catalog.aggregation import AGGREGATIONS
from tests.api.data import ITEMS, boxes, span, touches

Items = list[dict[str, Any]]

SEARCHES: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda item: True),
    ({"collections": ["gcom-c", "alos-2"]}, lambda item: item["collection"] in ("gcom-c", "alos-2")),
    ({"bbox": [170, -30, -170, 0]}, lambda item: touches(item, 170, -30, -170, 0)),
    (
        {"datetime": "2023-02-01T00:00:00Z/2023-03-10T00:00:00Z"},
        lambda item: span(item)[0] <= "2023-03-10T00:00:00.000000" and span(item)[1] >= "2023-02-01T00:00:00.000000",
    ),
    (
        {"filter": {"op": ">", "args": [{"property": "eo:cloud_cover"}, 9]}},
        lambda item: (item["properties"].get("eo:cloud_cover") or 0) > 9,
    ),
    ({"ids": ["gcom-c_001", "alos-2_003", "none"]}, lambda item: item["id"] in ("gcom-c_001", "alos-2_003")),
    ({"collections": ["empty"]}, lambda item: False),
    ({"q": "だいち2号"}, lambda item: item["collection"] == "alos-2"),
    ({"q": "観測 AND だいち2号", "collections": ["alos-2", "gcom-c"]}, lambda item: item["collection"] == "alos-2"),
    ({"q": "観測 -だいち2号"}, lambda item: item["collection"] != "alos-2"),
]  # fmt: skip


def ask(
    http: httpx.Client, body: dict[str, Any], *names: str, path: str = "/aggregate"
) -> list[dict[str, Any]]:
    answer = http.post(path, json={**body, "aggregations": list(names)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["type"] == "AggregationCollection"
    assert [one["name"] for one in found["aggregations"]] == list(names)
    aggregations: list[dict[str, Any]] = found["aggregations"]
    return aggregations


def counted(aggregation: dict[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket["frequency"] for bucket in aggregation["buckets"]}


def start_of(item: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(span(item)[0]).replace(tzinfo=UTC)


def moment(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("body", "wanted"), SEARCHES, ids=[str(body)[:40] for body, _ in SEARCHES])
def test_counts_times_and_terms(
    http: httpx.Client, body: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]
) -> None:
    items: Items = [item for item in ITEMS if wanted(item)]
    names = ("total_count", "datetime_min", "datetime_max", "collection_frequency", "platform_frequency",
             "instruments_frequency", "cloud_cover_frequency")  # fmt: skip
    total, least, greatest, collections, platforms, instruments, clouds = ask(http, body, *names)
    assert total["value"] == len(items)
    times = sorted(start_of(item) for item in items)
    assert least["value"] == (moment(times[0]) if times else None)
    assert greatest["value"] == (moment(times[-1]) if times else None)
    assert counted(collections) == Counter(item["collection"] for item in items)
    known = [item["properties"]["platform"] for item in items if "platform" in item["properties"]]
    assert counted(platforms) == Counter(known)
    assert platforms["overflow"] == len(items) - len(known)
    each = [set(item["properties"].get("instruments", ())) for item in items]
    assert counted(instruments) == Counter(name for members in each for name in members)
    assert instruments["overflow"] == sum(not members for members in each)
    frequencies = [bucket["frequency"] for bucket in platforms["buckets"]]
    assert frequencies == sorted(frequencies, reverse=True)
    values = [
        item["properties"]["eo:cloud_cover"] for item in items if "eo:cloud_cover" in item["properties"]
    ]
    assert clouds["overflow"] == len(items) - len(values)
    for bucket in clouds["buckets"]:
        low, high = bucket.get("from", -math.inf), bucket.get("to", math.inf)
        assert bucket["frequency"] == sum(low <= value < high for value in values)
    assert sum(bucket["frequency"] for bucket in clouds["buckets"]) == len(values)


def _truncated(instant: datetime, interval: str) -> datetime:
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    parts = {
        "year": {"month": 1, "day": 1},
        "quarter": {"month": (instant.month - 1) // 3 * 3 + 1, "day": 1},
        "month": {"day": 1},
        "day": {},
    }
    if interval in parts:
        return day.replace(**parts[interval])
    return instant.replace(
        **{"hour": {"minute": 0, "second": 0}, "minute": {"second": 0}, "second": {}}[interval], microsecond=0
    )


@pytest.mark.parametrize(
    "interval", ["year", "quarter", "month", "week", "day", "hour", "minute", "second", None]
)
def test_histogram_of_times(http: httpx.Client, interval: str | None) -> None:
    asked = {"datetime_frequency_interval": interval} if interval else {}
    (found,) = ask(http, asked, "datetime_frequency")
    # Of 118 days, the finest interval of at most a hundred is the month.
    assert found["data_type"] == f"interval_{interval or 'month'}"
    expected = Counter(moment(_truncated(start_of(item), interval or "month")) for item in ITEMS)
    assert counted(found) == expected
    assert [bucket["key"] for bucket in found["buckets"]] == sorted(expected)
    assert found["overflow"] == 0


def _centre(item: dict[str, Any]) -> tuple[float, float]:
    parts = boxes(item["geometry"])
    if len(parts) == 2:
        # Cut at the antimeridian: what is west of it is taken round the globe.
        parts = [(w + 360, s, e + 360, n) if w < 0 else (w, s, e, n) for w, s, e, n in parts]
    areas = [(e - w) * (n - s) for w, s, e, n in parts]
    x = sum((w + e) / 2 * area for (w, s, e, n), area in zip(parts, areas, strict=True)) / sum(areas)
    y = sum((s + n) / 2 * area for (w, s, e, n), area in zip(parts, areas, strict=True)) / sum(areas)
    return (x - 360 if x > 180 else x), y


def _geohash(longitude: float, latitude: float, length: int) -> str:
    bounds = [[-180.0, 180.0], [-90.0, 90.0]]
    bits: list[int] = []
    for number in range(length * 5):
        low, high = bounds[number % 2]
        value, middle = (longitude, latitude)[number % 2], (low + high) / 2
        bits.append(int(value >= middle))
        bounds[number % 2][1 - bits[-1]] = middle
    digits = "0123456789bcdefghjkmnpqrstuvwxyz"
    return "".join(digits[int("".join(map(str, bits[n : n + 5])), 2)] for n in range(0, len(bits), 5))


def _tile(longitude: float, latitude: float, zoom: int) -> str:
    tiles = 2**zoom
    angle = math.radians(max(-85.0511287798066, min(85.0511287798066, latitude)))
    x = math.floor((longitude + 180) / 360 * tiles)
    y = math.floor((1 - math.asinh(math.tan(angle)) / math.pi) / 2 * tiles)
    return f"{zoom}/{min(tiles - 1, x)}/{min(tiles - 1, max(0, y))}"


def test_grids_also_across_the_antimeridian(http: httpx.Client) -> None:
    for precision in (1, 2, 4):
        name = "centroid_geohash_grid_frequency"
        (found,) = ask(http, {f"{name}_precision": precision}, name)
        assert counted(found) == Counter(_geohash(*_centre(item), precision) for item in ITEMS)
    for zoom in (0, 3, 8):
        name = "centroid_geotile_grid_frequency"
        (found,) = ask(http, {f"{name}_precision": zoom}, name)
        assert counted(found) == Counter(_tile(*_centre(item), zoom) for item in ITEMS)


def test_get_asks_the_same(http: httpx.Client) -> None:
    params = {
        "aggregations": "total_count, collection_frequency,datetime_frequency",
        "collections": "gcom-c,alos-2",
        "bbox": "170,-30,-170,0",
        "filter": "eo:cloud_cover > 0",
        "datetime_frequency_interval": "day",
    }
    got = http.get("/aggregate", params=params).json()["aggregations"]
    body = {**params, "collections": ["gcom-c", "alos-2"], "bbox": [170, -30, -170, 0]}
    names = [name.strip() for name in body.pop("aggregations").split(",")]
    assert got == ask(http, body, *names)
    assert got[0]["value"] > 0


def test_within_a_collection(http: httpx.Client) -> None:
    offered = http.get("/collections/gcom-c/aggregations").json()["aggregations"]
    names = [one["name"] for one in offered]
    assert "cloud_cover_frequency" in names
    assert "sun_azimuth_frequency" not in names
    for one in ask(http, {}, *names, path="/collections/gcom-c/aggregate"):
        if one["name"] == "total_count":
            assert one["value"] == sum(item["collection"] == "gcom-c" for item in ITEMS)
    refused = http.get("/collections/gcom-c/aggregate", params={"aggregations": "sun_azimuth_frequency"})
    assert refused.status_code == 400
    assert "aggregations" in refused.json()["description"]
    for path in ("/collections/none/aggregations", "/collections/none/aggregate?aggregations=total_count"):
        assert http.get(path).status_code == 404


def test_what_is_offered_can_be_asked_for_all_at_once(http: httpx.Client) -> None:
    listed = http.get("/aggregations").json()
    assert listed["type"] == "AggregationCollection"
    assert [one["name"] for one in listed["aggregations"]] == list(AGGREGATIONS)
    found = ask(http, {}, *AGGREGATIONS)
    for one, offered in zip(found, listed["aggregations"], strict=True):
        assert ("value" in one) != ("buckets" in one)
        assert one["data_type"] == offered["data_type"] or one["data_type"].startswith("interval_")


def test_nothing_is_counted_unasked(http: httpx.Client) -> None:
    assert http.get("/aggregate").json()["aggregations"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("aggregations", "none_frequency"), ("datetime_frequency_interval", "fortnight"),
     ("centroid_geohash_grid_frequency_precision", "13"), ("bbox", "1,2,3"), ("filter", "x ="), ("q", "a AND"),
     ("collections", None)],
)  # fmt: skip
def test_what_is_malformed_is_named(http: httpx.Client, name: str, value: str | None) -> None:
    params = {"aggregations": "datetime_frequency,centroid_geohash_grid_frequency"} | (
        {name: value} if value else {}
    )
    if value is None:
        answer = http.post("/aggregate", json={name: 3})
    else:
        answer = http.get("/aggregate", params=params)
    assert answer.status_code == 400, answer.text
    assert name in answer.json()["description"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("datetime_frequency_interval", "fortnight"),
        ("centroid_geohash_grid_frequency_precision", 13),
        ("centroid_geotile_grid_frequency_precision", "7"),
    ],
)
def test_an_option_is_checked_though_nothing_asks_for_it(http: httpx.Client, name: str, value: Any) -> None:
    for path in ("/aggregate", "/collections/gcom-c/aggregate"):
        for asked in ({}, {"aggregations": ["total_count"]}):
            answer = http.post(path, json={**asked, name: value})
            assert answer.status_code == 400
            assert name in answer.json()["description"]


def test_a_wrong_filter_is_wrong_also_where_nothing_has_the_text(http: httpx.Client) -> None:
    params = {"aggregations": "total_count", "q": "nowhere", "filter": "S_INTERSECTS(platform, POINT(0 0))"}
    for path in ("/aggregate", "/search"):
        answer = http.get(path, params=params)
        assert answer.status_code == 400
        assert answer.json()["description"].startswith("filter:")


def _links(http: httpx.Client, path: str) -> Iterable[tuple[str, str, str]]:
    return ((link["rel"], link.get("method", "GET"), link["href"]) for link in http.get(path).json()["links"])


@pytest.mark.parametrize("path", ["/", "/collections/gcom-c"])
def test_it_is_linked_and_promised(http: httpx.Client, path: str) -> None:
    found = {
        rel: href for rel, method, href in _links(http, path) if method == "GET" and rel.startswith("aggreg")
    }
    assert found.keys() == {"aggregate", "aggregations"}
    for href in found.values():
        assert http.get(href).status_code == 200
    assert "https://api.stacspec.org/v0.3.0/aggregation" in http.get("/conformance").json()["conformsTo"]
