"""What items can be counted by: the aggregations, as data.

Source: STAC API Aggregation extension, v0.3.0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Form(Enum):
    """What an aggregation gives."""

    COUNT = "the number of items"
    FIRST = "the earliest time"
    LAST = "the latest time"
    TERMS = "a bucket for each value"
    RANGES = "a bucket for each range of numbers"
    TIMES = "a bucket for each span of time"
    GEOHASH = "a bucket for each cell of the geohash grid"
    GEOTILE = "a bucket for each tile of web maps"


@dataclass(frozen=True)
class Aggregation:
    """One aggregation.

    Attributes:
        name: as a client asks for it.
        form: what it gives.
        title: for people.
        queryable: the property that it is about, if it is about one.
        edges: of ranges, ascending: what is below the first is a range too, and what is not below the last.
    """

    name: str
    form: Form
    title: str
    queryable: str | None = None
    edges: tuple[float, ...] = ()

    @property
    def data_type(self) -> str:
        """The type of its values, in the words of the extension."""
        return _DATA_TYPES[self.form]


_DATA_TYPES = {
    Form.COUNT: "integer",
    Form.FIRST: "datetime",
    Form.LAST: "datetime",
    Form.TERMS: "string",
    Form.RANGES: "numeric",
    Form.TIMES: "datetime",
    Form.GEOHASH: "string",
    Form.GEOTILE: "string",
}
INTERVALS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
"""The spans of time that items can be counted by, in UTC; weeks begin on Monday."""

INTERVAL_PARAMETER = "datetime_frequency_interval"
PRECISION_SUFFIX = "_precision"
PRECISIONS: Mapping[Form, tuple[int, int, int]] = MappingProxyType(
    {Form.GEOHASH: (1, 3, 12), Form.GEOTILE: (0, 7, 29)}
)
"""Least, usual and greatest precision: characters of a geohash, zoom of a tile."""

_DEGREES_OF_LATITUDE = tuple(float(edge) for edge in range(-80, 90, 10))

AGGREGATIONS: Mapping[str, Aggregation] = MappingProxyType(
    {
        one.name: one
        for one in (
            Aggregation("total_count", Form.COUNT, "Number of items"),
            Aggregation("datetime_min", Form.FIRST, "Earliest nominal or first instant"),
            Aggregation("datetime_max", Form.LAST, "Latest nominal or first instant"),
            Aggregation("datetime_frequency", Form.TIMES, "Items by time"),
            Aggregation("collection_frequency", Form.TERMS, "Items by collection", "collection"),
            Aggregation("platform_frequency", Form.TERMS, "Items by platform", "platform"),
            Aggregation("constellation_frequency", Form.TERMS, "Items by constellation", "constellation"),
            Aggregation("instruments_frequency", Form.TERMS, "Items by instrument", "instruments"),
            Aggregation("product_type_frequency", Form.TERMS, "Items by product type", "product:type"),
            Aggregation("processing_level_frequency", Form.TERMS, "Items by processing level", "processing:level"),
            Aggregation("orbit_state_frequency", Form.TERMS, "Items by direction of flight", "sat:orbit_state"),
            Aggregation("grid_code_frequency", Form.TERMS, "Items by cell of their grid", "grid:code"),
            Aggregation(
                "cloud_cover_frequency", Form.RANGES, "Items by cloud cover in per cent", "eo:cloud_cover",
                (5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0),
            ),
            Aggregation(
                "sun_elevation_frequency", Form.RANGES, "Items by sun elevation in degrees", "view:sun_elevation",
                _DEGREES_OF_LATITUDE,
            ),
            Aggregation(
                "sun_azimuth_frequency", Form.RANGES, "Items by sun azimuth in degrees", "view:sun_azimuth",
                tuple(float(edge) for edge in range(30, 360, 30)),
            ),
            Aggregation(
                "off_nadir_frequency", Form.RANGES, "Items by off-nadir angle in degrees", "view:off_nadir",
                (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0),
            ),
            Aggregation("centroid_geohash_grid_frequency", Form.GEOHASH, "Items by geohash of their centre"),
            Aggregation("centroid_geotile_grid_frequency", Form.GEOTILE, "Items by web map tile of their centre"),
        )
    }
)  # fmt: skip
"""All aggregations by name."""


def of_collection(present: Collection[str]) -> list[Aggregation]:
    """Return the aggregations of a collection whose items have certain properties."""
    return [
        one
        for one in AGGREGATIONS.values()
        if one.queryable in (None, "collection") or one.queryable in present
    ]


@dataclass(frozen=True)
class Asked:
    """An aggregation as a client asks for it.

    Attributes:
        of: which one.
        interval: of times; None: one that suits the items.
        precision: of a grid; 0: it has none.
    """

    of: Aggregation
    interval: str | None = None
    precision: int = 0
