"""The tile grid of SGLI, on which GCOM-C's level-2 land products are cut.

36 × 18 tiles of 10° in a sinusoidal (equal-area) projection on a sphere: SGLI Level-2 products format
description, "EQA". Tile `Tvvhh` counts `vv` from the north pole and `hh` from 180° W at the equator.
"""

import math

from ingest.contract import Item

_TILE_DEGREES = 10.0
_COLUMNS, _ROWS = 36, 18
_STEP_DEGREES = 0.5


def tile_footprint(vertical: int, horizontal: int) -> Item | None:
    """Return the outline of a tile with its curved edges, as a GeoJSON polygon.

    An edge of a tile runs along longitude = x / cos(latitude); G-Portal draws it straight between the
    corners, off by up to half a degree at mid latitudes and by more towards the poles.

    Args:
        vertical: row, 0 to 17 from the north.
        horizontal: column, 0 to 35 from the west.

    Returns:
        None for a place that is off the grid, or beyond ±180° in part, where the map itself ends and the
        outline depends on how a product treats it.
    """
    if not (0 <= vertical < _ROWS and 0 <= horizontal < _COLUMNS):
        return None
    north = 90.0 - _TILE_DEGREES * vertical
    west_x = (horizontal - _COLUMNS / 2) * _TILE_DEGREES
    steps = round(_TILE_DEGREES / _STEP_DEGREES)
    latitudes = [north - _STEP_DEGREES * step for step in range(steps + 1)]
    west = [_longitude(west_x, latitude) for latitude in latitudes]
    east = [_longitude(west_x + _TILE_DEGREES, latitude) for latitude in latitudes]
    if not all(-180 <= longitude <= 180 for longitude in (*west, *east)):
        return None
    down = list(zip(west, latitudes, strict=True))
    up = list(zip(reversed(east), reversed(latitudes), strict=True))
    ring = [[round(longitude, 6), latitude] for longitude, latitude in [*down, *up, down[0]]]
    return {"type": "Polygon", "coordinates": [ring]}


def _longitude(x: float, latitude: float) -> float:
    cosine = math.cos(math.radians(latitude))
    if cosine < 1e-9:
        return math.inf
    return x / cosine
