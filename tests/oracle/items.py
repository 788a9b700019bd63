"""Items that have something to fail every rule on: missing, null and wrongly typed values, edges that touch."""

import random
from typing import Any

COLLECTIONS = ["alpha", "beta", "gamma"]

QUERYABLES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "num": {"title": "Number", "type": "number"},
        "count": {"title": "Count", "type": "integer"},
        "text": {"title": "Text", "type": "string"},
        "list": {"title": "List", "type": "array", "items": {"type": "string"}},
        "made": {"title": "Made", "type": "string", "format": "date-time"},
        "flag": {"title": "Flag", "type": "boolean"},
    },
}
# Not registered: compared by what an item holds.
UNREGISTERED = ["x:num", "x:text", "x:mixed", "x:list", "x:time", "x:flag"]

TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "Ab",
    "aB%",
    "a_b",
    "é",
    "É",
    "Ça",
    "だいち",
    "衛星",
    "B\\",
    "9.7",
    "89.5",
    "ñandú",
    "10",
]
NUMBERS: list[Any] = [0, 1, -1, 2, 3, 9.7, 10, 89.5, -0.5, 0.1, 1e3, 12345678901234567]
_TIMES = [
    "2023-01-01T00:00:00Z",
    "2023-03-31T23:59:59.999999Z",
    "2023-06-15T12:00:00Z",
    "2024-02-29T00:00:00Z",
    "2024-03-01T00:00:00Z",
]
MEMBERS = ["a", "b", "c", "だ"]


def collection(name: str) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "description": name,
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
        **({"kakehashi:partition": "month"} if name != "gamma" else {}),
    }


def box(west: float, south: float, east: float, north: float) -> list[Any]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _geometry(dice: random.Random) -> dict[str, Any]:
    """Corners lie on a coarse grid, so that edges and points meet exactly."""
    west, south = dice.randrange(-4, 4) * 5, dice.randrange(-4, 4) * 5
    kind = dice.randrange(6)
    if kind == 0:
        return {"type": "Point", "coordinates": [west, south]}
    if kind == 1:
        return {
            "type": "LineString",
            "coordinates": [[west, south], [west + 10, south + dice.choice([0, 10])]],
        }
    if kind == 2:
        parts = [box(175, south, 180, south + 5), box(-180, south, -175, south + 5)]
        return {"type": "MultiPolygon", "coordinates": parts}
    if kind == 3:
        return {"type": "Polygon", "coordinates": box(-180, 85, 180, 90)}
    size = dice.choice([5, 10])
    return {"type": "Polygon", "coordinates": box(west, south, west + size, south + size)}


def _odd(dice: random.Random, values: list[Any]) -> Any:
    """Mostly one of the values; sometimes null, or of another type."""
    return dice.choice([*values, *values, None, "odd", True, 7, ["a"], {"deep": 1}])


def _times(dice: random.Random) -> dict[str, Any]:
    month, day = dice.randrange(1, 13), dice.randrange(1, 4)
    moment = f"{dice.choice([2022, 2023, 2024])}-{month:02}-{day:02}T{dice.choice([0, 12]):02}:00:00Z"
    if dice.random() < 0.6:
        return {"datetime": moment}
    start = moment
    end = start.replace("T00", "T06").replace("T12", "T18") if dice.random() < 0.5 else start
    return {"datetime": None, "start_datetime": start, "end_datetime": end}


def _item(number: int, dice: random.Random) -> dict[str, Any]:
    properties = _times(dice)
    choices: dict[str, Any] = {
        "num": _odd(dice, NUMBERS),
        "count": dice.choice([0, 1, 2, 3, None, "3"]),
        "text": _odd(dice, TEXTS) if dice.random() < 0.2 else dice.choice(TEXTS),
        "list": dice.choice([[], ["a"], ["a", "b"], ["b", "a", "a"], ["c", "だ"], None, "a", [1, "a"]]),
        "made": _odd(dice, _TIMES),
        "flag": _odd(dice, [True, False]),
        "x:num": _odd(dice, NUMBERS),
        "x:text": _odd(dice, TEXTS),
        "x:mixed": dice.choice([*NUMBERS, *TEXTS, True, False, None]),
        "x:list": _odd(dice, [["a"], ["b", "c"], [1, 2], []]),
        "x:time": _odd(dice, [*_TIMES, "2023-02-30T00:00:00Z", "now", "2023-06-15"]),
        "x:flag": _odd(dice, [True, False]),
    }
    properties |= {name: value for name, value in choices.items() if dice.random() < 0.8}
    name = f"{dice.choice('abAB')}{number:03}"
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": dice.choice(COLLECTIONS),
        "geometry": _geometry(dice),
        "bbox": [0, 0, 1, 1],
        "properties": properties,
        "links": [{"rel": "via", "href": f"https://example.org/{number}"}],
        "assets": {"data": {"href": "https://example.org/x.tif", "nothing": None, "properties": {"a": 1}}},
    }


def make_items(count: int = 120) -> list[dict[str, Any]]:
    """Return the same items every time."""
    dice = random.Random(20260701)
    return [_item(number, dice) for number in range(count)]
