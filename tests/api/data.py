"""Collections and items of the API's tests, made so that every rule has something to fail on.

Times repeat, properties are missing or null, boxes touch the antimeridian and the poles.
"""

from typing import Any

WORLD = {
    "spatial": {"bbox": [[-180, -90, 180, 90]]},
    "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
}


def _collection(name: str, title: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": f"{title}, for tests.",
        "license": "other",
        "extent": WORLD,
        "links": [{"rel": "license", "href": "https://example.org/licence"}],
        **more,
    }


COLLECTIONS = [
    _collection("alos-2", "だいち2号 ALOS-2"),
    _collection("gcom-c", "GCOM-C", **{"kakehashi:partition": "month"}),
    _collection("sentinel-2", "Sentinel-2", **{"kakehashi:partition": "month"}),
    _collection(
        "with-assets",
        "Items share what their assets say",
        item_assets={
            "B01": {
                "type": "image/tiff; application=geotiff",
                "roles": ["data", "reflectance"],
                "title": "Coastal aerosol",
                "bands": [{"name": "B01", "gsd": 60}],
            },
            "thumbnail": {"type": "image/jpeg", "roles": ["thumbnail"], "title": "Preview"},
        },
    ),
    _collection("empty", "Nothing in it"),
]

QUERYABLES = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.org/queryables",
    "type": "object",
    "properties": {
        "eo:cloud_cover": {"title": "Cloud cover", "type": "number", "minimum": 0, "maximum": 100},
        "platform": {"title": "Platform", "type": "string"},
        "instruments": {"title": "Instruments", "type": "array", "items": {"type": "string"}},
        "sat:absolute_orbit": {"title": "Absolute orbit", "type": "integer"},
        "created": {"title": "Created", "type": "string", "format": "date-time"},
    },
    "additionalProperties": True,
}

_PLACES = [
    (139.7, 35.7),
    (-0.1, 51.5),
    (179.6, -17.0),
    (-179.7, -16.5),
    (0.0, 89.0),
    (10.0, -88.9),
    (-60.0, 0.0),
    (174.0, 60.0),
]
_PLATFORMS = ["sentinel-2a", "alos-2", "GCOM-C", "だいち", None]
_COLLECTIONS = ["alos-2", "gcom-c", "sentinel-2"]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def _footprint(n: int) -> dict[str, Any]:
    longitude, latitude = _PLACES[n % len(_PLACES)]
    half = 0.25 + (n % 5) * 0.1
    south, north = max(-90.0, latitude - half), min(90.0, latitude + half)
    west, east = longitude - half, longitude + half
    if east > 180:
        parts = [box(west, south, 180.0, north), box(-180.0, south, east - 360, north)]
    elif west < -180:
        parts = [box(west + 360, south, 180.0, north), box(-180.0, south, east, north)]
    else:
        return box(west, south, east, north)
    return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}


def _item(n: int) -> dict[str, Any]:
    day, month = 1 + n % 28, 1 + n % 4
    properties: dict[str, Any] = {"datetime": f"2023-{month:02}-{day:02}T{n % 3:02}:00:00Z"}
    if n % 7 == 3:
        properties |= {
            "datetime": None,
            "start_datetime": f"2023-{month:02}-{day:02}T00:00:00Z",
            "end_datetime": f"2023-{month:02}-{day:02}T12:30:00.123456Z",
        }
    if n % 3:
        properties["eo:cloud_cover"] = [9.7, 89.5, 10, 0, 9.7][n % 5]
    if platform := _PLATFORMS[n % 5]:
        properties["platform"] = platform
    if n % 2:
        properties["instruments"] = ["msi"] if n % 4 == 1 else ["sgli", "msi"]
    properties["sat:absolute_orbit"] = n % 6
    properties["created"] = f"2024-01-{1 + n % 9:02}T00:00:00Z"
    properties["title"] = f'No. {n} "観測" \\ 100%'
    collection = _COLLECTIONS[n % 3]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/eo/v2.0.0/schema.json"],
        "id": f"{collection}_{n:03}",
        "collection": collection,
        "geometry": _footprint(n),
        "bbox": [0.5, 0.25, 1, 1.125],
        "properties": properties,
        "links": [{"rel": "via", "href": f"https://example.org/{n}", "type": "application/json"}],
        "assets": {"data": {"href": f"https://example.org/{n}.tif", "roles": ["data"], "empty": {}}},
    }


def _with_assets(n: int) -> dict[str, Any]:
    item = _item(1000 + n) | {"id": f"shared_{n}", "collection": "with-assets"}
    item["assets"] = {
        "B01": {
            "href": f"https://example.org/{n}/B01.tif",
            "type": "image/tiff; application=geotiff",
            "roles": ["data", "reflectance"] if n else ["data", "other"],
            "title": "Coastal aerosol",
            "bands": [{"name": "B01", "gsd": 60 if n else 61}],
        }
    }
    if n == 1:
        item["assets"]["thumbnail"] = {
            "href": "https://example.org/t.jpg",
            "type": "image/jpeg",
            "roles": ["thumbnail"],
        }
    return item


ITEMS = [_item(n) for n in range(96)] + [_with_assets(n) for n in range(3)]
BY_KEY = {(item["collection"], item["id"]): item for item in ITEMS}


# --- the oracle: the same questions answered in plain Python ---


def span(item: dict[str, Any]) -> tuple[str, str]:
    """Start and end of an item, as sortable text (all times of these items are in UTC with Z)."""
    properties = item["properties"]
    moment = properties["datetime"]
    start, end = properties.get("start_datetime", moment), properties.get("end_datetime", moment)
    return _padded(start), _padded(end)


def _padded(moment: str) -> str:
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(6, '0')}"


def boxes(geometry: dict[str, Any]) -> list[tuple[float, float, float, float]]:
    """All footprints here are boxes, so that touching can be seen without a geometry library."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [
        (min(x for x, _ in ring), min(y for _, y in ring), max(x for x, _ in ring), max(y for _, y in ring))
        for (ring,) in polygons
    ]


def touches(item: dict[str, Any], west: float, south: float, east: float, north: float) -> bool:
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return any(
        w <= right and left <= e and s <= north and south <= n
        for left, right in spans
        for w, s, e, n in boxes(item["geometry"])
    )


def sort_value(item: dict[str, Any], name: str) -> Any:
    if name in ("id", "collection"):
        return item[name]
    if name in ("datetime", "end_datetime"):
        return span(item)[0 if name == "datetime" else 1]
    return item["properties"].get(name)


def ordered(items: list[dict[str, Any]], sortby: list[tuple[str, bool]]) -> list[tuple[str, str]]:
    """Keys of items in order; (name, descending); no value last; ties by collection and id."""
    named = {name for name, _ in sortby}
    keys = [*sortby, *((name, sortby[0][1]) for name in ("collection", "id") if name not in named)]
    result = list(items)
    for name, descending in reversed(keys):
        valued = [item for item in result if sort_value(item, name) is not None]
        rest = [item for item in result if sort_value(item, name) is None]
        valued.sort(key=lambda item: sort_value(item, name), reverse=descending)
        result = valued + rest
    return [(item["collection"], item["id"]) for item in result]


def is_same(left: Any, right: Any) -> bool:
    """JSON equality: 1 is 1.0, but neither is true."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
