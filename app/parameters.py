"""The query parameters of GET routes, as OpenAPI shows them.

They are taken as they come and given their meaning in `app.search_request`, by the same code as
a POST body, so that both ways of asking mean the same.
"""

import re
from typing import Annotated, Any

import attr
from fastapi import Path, Query
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from stac_fastapi.types.search import APIRequest

from app.filters import CRS84, LANGUAGES
from catalog.aggregation import INTERVALS

_DIGITS = re.compile(r"-?\d+", re.ASCII)


def _check_digits(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("whole_number", "is not a whole number")
    return value


Text = str | None
DECIMAL_DIGITS = BeforeValidator(_check_digits)
"""For whole numbers, after `Query`: pydantic alone would take Python's `1_0` and ` 10`, and `10.0`."""

_CollectionId = Annotated[str, Path(description="Id of a collection.")]
_Limit = Annotated[
    int | None,
    Query(ge=1, description="Most items of a page. More than the server's maximum is cut to it."),
    DECIMAL_DIGITS,
]
_Bbox = Annotated[
    Text,
    Query(
        description=(
            "Area in degrees, CRS84: west,south,east,north or west,south,lowest,east,north,highest. "
            "A west greater than east crosses the antimeridian."
        ),
        examples=["139.5,35.3,140.2,35.9"],
    ),
]
_Datetime = Annotated[
    Text,
    Query(
        description="An RFC 3339 date-time or an interval start/end, one end of which may be open (..).",
        examples=["2024-01-01T00:00:00Z/.."],
    ),
]
_Token = Annotated[Text, Query(description="Page token, as it stands in a `next` or `prev` link.")]
_Filter = Annotated[
    Text,
    Query(
        alias="filter",
        description="CQL2 filter.",
        examples=["eo:cloud_cover < 10 AND platform = 'sentinel-2a'"],
    ),
]
_FilterLang = Annotated[
    Text,
    Query(
        alias="filter-lang",
        description="Encoding of `filter`: cql2-text (default), cql2-json, or cql-text as GDAL writes it.",
        json_schema_extra={"enum": list(LANGUAGES)},
    ),
]
_FilterCrs = Annotated[
    Text,
    Query(
        alias="filter-crs",
        description="CRS of the filter's geometries; CRS84 is the only one.",
        json_schema_extra={"enum": sorted(CRS84)},
    ),
]
_Sortby = Annotated[
    Text,
    Query(
        description="Queryables to sort by, each with + or - before it.",
        examples=["-datetime,+eo:cloud_cover"],
    ),
]
_Fields = Annotated[
    Text,
    Query(
        description="Members of items to include, or with - before them to leave out.",
        examples=["id,properties.datetime,-assets"],
    ),
]
_Query = Annotated[
    Text, Query(description="Conditions on properties as JSON.", examples=['{"eo:cloud_cover":{"lt":10}}'])
]


_Collections = Annotated[
    Text, Query(description="Ids of collections, separated by commas.", examples=["sentinel-2-l2a"])
]
_Ids = Annotated[Text, Query(description="Ids of items, separated by commas.")]
_Intersects = Annotated[
    Text, Query(description="GeoJSON geometry that items touch; not together with `bbox`.")
]
_FreeText = Annotated[
    Text,
    Query(
        description=(
            "Free text in English or Japanese. Words side by side: any of them; `a AND b`, `a OR b`, `NOT a`, "
            '`+a`, `-a`, parentheses, and "quoted phrases"; phrases separated by commas: any of them.'
        ),
        examples=["海面水温", '"sea surface temperature" AND GCOM'],
    ),
]
_Language = Annotated[
    Text,
    Query(
        description="Language of titles and descriptions, in the form of Accept-Language: en or ja.",
        examples=["ja"],
    ),
]


@attr.s
class _Parameters(APIRequest):
    def kwargs(self) -> dict[str, Any]:
        """Return the parameters by their attributes' names."""
        return dict(self.__dict__)


@attr.s
class LanguageRequest(_Parameters):
    """Parameters of documents with titles and descriptions."""

    language: _Language = attr.ib(default=None)


@attr.s
class CollectionRequest(LanguageRequest):
    """Parameters of `/collections/{collection_id}`."""

    collection_id: _CollectionId = attr.ib(kw_only=True)


@attr.s
class CollectionsRequest(LanguageRequest):
    """Parameters of `GET /collections`."""

    limit: Annotated[
        int | None,
        Query(
            ge=1,
            description=(
                "Most collections of a page; all if left out. More than the server's maximum is cut to it."
            ),
        ),
        DECIMAL_DIGITS,
    ] = attr.ib(default=None)
    bbox: _Bbox = attr.ib(default=None)
    datetime: _Datetime = attr.ib(default=None)
    q: _FreeText = attr.ib(default=None)
    filter_expr: _Filter = attr.ib(default=None)
    filter_lang: _FilterLang = attr.ib(default=None)
    filter_crs: _FilterCrs = attr.ib(default=None)
    query: _Query = attr.ib(default=None)
    sortby: _Sortby = attr.ib(default=None)
    fields: _Fields = attr.ib(default=None)
    token: _Token = attr.ib(default=None)


@attr.s
class _ItemsParameters(_Parameters):
    limit: _Limit = attr.ib(default=None)
    bbox: _Bbox = attr.ib(default=None)
    datetime: _Datetime = attr.ib(default=None)
    q: _FreeText = attr.ib(default=None)
    filter_expr: _Filter = attr.ib(default=None)
    filter_lang: _FilterLang = attr.ib(default=None)
    filter_crs: _FilterCrs = attr.ib(default=None)
    sortby: _Sortby = attr.ib(default=None)
    fields: _Fields = attr.ib(default=None)
    query: _Query = attr.ib(default=None)
    token: _Token = attr.ib(default=None)


@attr.s
class ItemsRequest(_ItemsParameters):
    """Parameters of `/collections/{collection_id}/items`."""

    collection_id: _CollectionId = attr.ib(kw_only=True)


@attr.s
class SearchGetRequest(_ItemsParameters):
    """Parameters of `GET /search`."""

    collections: _Collections = attr.ib(default=None)
    ids: _Ids = attr.ib(default=None)
    intersects: _Intersects = attr.ib(default=None)


@attr.s
class _Aggregating(_Parameters):
    aggregations: Annotated[
        Text,
        Query(
            description="Names of aggregations (see /aggregations), separated by commas.",
            examples=["total_count,datetime_frequency"],
        ),
    ] = attr.ib(default=None)
    datetime_frequency_interval: Annotated[
        Text,
        Query(
            description=f"Span of time to count by: one of {', '.join(INTERVALS)}. Left out: one that suits."
        ),
    ] = attr.ib(default=None)
    centroid_geohash_grid_frequency_precision: Annotated[
        int | None, Query(ge=1, le=12, description="Characters of a geohash."), DECIMAL_DIGITS
    ] = attr.ib(default=None)
    centroid_geotile_grid_frequency_precision: Annotated[
        int | None, Query(ge=0, le=29, description="Zoom of a web map tile."), DECIMAL_DIGITS
    ] = attr.ib(default=None)
    bbox: _Bbox = attr.ib(default=None)
    datetime: _Datetime = attr.ib(default=None)
    intersects: _Intersects = attr.ib(default=None)
    ids: _Ids = attr.ib(default=None)
    q: _FreeText = attr.ib(default=None)
    filter_expr: _Filter = attr.ib(default=None)
    filter_lang: _FilterLang = attr.ib(default=None)
    filter_crs: _FilterCrs = attr.ib(default=None)
    query: _Query = attr.ib(default=None)


@attr.s
class AggregateRequest(_Aggregating):
    """Parameters of `GET /aggregate`."""

    collections: _Collections = attr.ib(default=None)


@attr.s
class CollectionAggregateRequest(_Aggregating):
    """Parameters of `GET /collections/{collection_id}/aggregate`."""

    collection_id: _CollectionId = attr.ib(kw_only=True)
