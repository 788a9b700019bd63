"""The STAC API extensions that are switched on, and what conformance they promise."""

import attr
from fastapi import FastAPI
from stac_fastapi.api.routes import create_async_endpoint
from stac_fastapi.extensions.collection_search import CollectionSearchExtension
from stac_fastapi.extensions.fields import FieldsExtension
from stac_fastapi.extensions.filter import FilterExtension
from stac_fastapi.extensions.free_text import FreeTextAdvancedExtension
from stac_fastapi.extensions.pagination import TokenPaginationExtension
from stac_fastapi.extensions.query import QueryExtension
from stac_fastapi.extensions.sort import SortExtension
from stac_fastapi.types.extension import ApiExtension

from app.aggregation import AggregationExtension
from app.lifespan import ReaderHolder
from app.links import SCHEMA
from app.parameters import CollectionsRequest, LanguageRequest
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
# The specification has come as far as its release candidate, and clients look for what came before it.
_QUERY_CLASSES = [
    f"{_STAC}/{version}/{part}#query"
    for version in ("v1.0.0-rc.1", "v1.0.0")
    for part in ("item-search", "ogcapi-features")
]
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
# Clients look for the release candidates that were, and for what will be.
_COLLECTION_SEARCH_CLASSES = [
    f"{_STAC}/{version}/collection-search{part}"
    for version in ("v1.0.0-rc.1", "v1.0.0")
    for part in ("", "#free-text", "#advanced-free-text", "#filter", "#query", "#sort", "#fields")
] + ["http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query"]
_FREE_TEXT_CLASSES = [
    f"{_STAC}/{version}/{part}#{form}"
    for version in ("v1.0.0-rc.1", "v1.0.0")
    for part in ("item-search", "ogcapi-features")
    for form in ("free-text", "advanced-free-text")
]
_LANGUAGE_CLASSES = [f"{_STAC}/v1.0.0-rc.2/language", f"{_STAC}/v1.0.0/language"]


@attr.s
class LanguageExtension(ApiExtension):
    """Answers in the language that the client asks for (`app.language`), on the routes that are there anyway."""

    conformance_classes: list[str] = attr.ib(factory=lambda: list(_LANGUAGE_CLASSES))

    def register(self, app: FastAPI) -> None:
        """Register nothing."""


@attr.s
class CollectionFilterExtension(ApiExtension):
    """Tells what a filter of collections may name; the spec leaves the path free."""

    client: QueryablesClient = attr.ib(kw_only=True)
    conformance_classes: list[str] = attr.ib(factory=list)

    def register(self, app: FastAPI) -> None:
        """Register `GET /collection-queryables`."""
        app.add_api_route(
            name="Collection Queryables",
            path="/collection-queryables",
            methods=["GET"],
            endpoint=create_async_endpoint(self.client.get_collection_queryables, LanguageRequest),
            response_model=None,
            responses={200: {"content": {SCHEMA: {}}}},
        )


def extensions(queryables: QueryablesClient, holder: ReaderHolder) -> list[ApiExtension]:
    """Return the extensions of the API.

    Args:
        queryables: answers `/queryables`.
        holder: of the reader that aggregations ask.
    """
    return [
        SortExtension(conformance_classes=_SORT_CLASSES),
        FieldsExtension(conformance_classes=_FIELDS_CLASSES),
        QueryExtension(conformance_classes=_QUERY_CLASSES),
        FilterExtension(client=queryables, conformance_classes=_FILTER_CLASSES),
        TokenPaginationExtension(),
        FreeTextAdvancedExtension(conformance_classes=_FREE_TEXT_CLASSES),
        CollectionSearchExtension(GET=CollectionsRequest, conformance_classes=_COLLECTION_SEARCH_CLASSES),
        CollectionFilterExtension(client=queryables),
        LanguageExtension(),
        AggregationExtension(holder=holder),
    ]
