"""The STAC API extensions that are switched on, and what conformance they promise."""

from stac_fastapi.extensions.fields import FieldsExtension
from stac_fastapi.extensions.filter import FilterExtension
from stac_fastapi.extensions.pagination import TokenPaginationExtension
from stac_fastapi.extensions.query import QueryExtension
from stac_fastapi.extensions.sort import SortExtension
from stac_fastapi.types.extension import ApiExtension

from app.queryables import QueryablesClient

_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
_FILTER = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf"
_STAC = "https://api.stacspec.org"

CORE_CLASSES = [
    f"{_STAC}/v1.0.0/core",
    f"{_STAC}/v1.0.0/collections",
    f"{_STAC}/v1.0.0/browseable",
    f"{_STAC}/v1.0.0-rc.2/children",
    f"{_STAC}/v1.0.0/ogcapi-features",
    f"{_STAC}/v1.0.0/item-search",
    f"{_FEATURES}/core",
    f"{_FEATURES}/oas30",
    f"{_FEATURES}/geojson",
]
# pystac-client 0.9 looks for v1.0.*, newer clients for v1.1.0.
_SORT_CLASSES = [
    f"{_STAC}/{version}/{part}#sort"
    for version in ("v1.0.0", "v1.1.0")
    for part in ("item-search", "ogcapi-features")
]
_FIELDS_CLASSES = [f"{_STAC}/v1.0.0/item-search#fields", f"{_STAC}/v1.0.0/ogcapi-features#fields"]
_QUERY_CLASSES = [f"{_STAC}/v1.0.0/item-search#query"]
# Only classes whose every operator is answered rightly: no functions of one's own.
_FILTER_CLASSES = [
    f"{_STAC}/v1.0.0/item-search#filter",
    f"{_STAC}/v1.0.0-rc.2/item-search#filter",
    f"{_FILTER}/filter",
    f"{_FILTER}/features-filter",
    f"{_FILTER}/queryables",
    f"{_CQL2}/cql2-text",
    f"{_CQL2}/cql2-json",
    f"{_CQL2}/basic-cql2",
    f"{_CQL2}/advanced-comparison-operators",
    f"{_CQL2}/basic-spatial-functions",
    f"{_CQL2}/basic-spatial-functions-plus",
    f"{_CQL2}/spatial-functions",
    f"{_CQL2}/temporal-functions",
    f"{_CQL2}/array-functions",
    f"{_CQL2}/case-insensitive-comparison",
    f"{_CQL2}/accent-insensitive-comparison",
    f"{_CQL2}/arithmetic",
    f"{_CQL2}/property-property",
]


def extensions(queryables: QueryablesClient) -> list[ApiExtension]:
    """Return the extensions of the API.

    Args:
        queryables: answers `/queryables`.
    """
    return [
        SortExtension(conformance_classes=_SORT_CLASSES),
        FieldsExtension(conformance_classes=_FIELDS_CLASSES),
        QueryExtension(conformance_classes=_QUERY_CLASSES),
        FilterExtension(client=queryables, conformance_classes=_FILTER_CLASSES),
        TokenPaginationExtension(),
    ]
