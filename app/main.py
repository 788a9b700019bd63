"""The assembly of the API: `uvicorn --factory app.main:create_app`.

Of the middleware, outermost first: the client's address (`app.proxy`), HEAD, clients that leave, CORS,
the pace of large answers, 304, the memory of answers about the catalogue, compression, entity tags, the error boundary, limits, 406,
the routes of STAC API (`app.direct`); the application behind it answers the others.
Everything that answers stands inside CORS, so that browsers can read errors; what is remembered has
been tagged and compressed.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import attr
import stac_fastapi.types.config
from fastapi import FastAPI
from stac_fastapi.api.app import StacApi
from stac_pydantic import api
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from app.auth.guard import make_guard
from app.bodies import COLLECTIONS_BODY, SEARCH_BODY
from app.catalogue_cache import CatalogueCacheMiddleware
from app.client import Client
from app.compression import CompressionMiddleware
from app.conditional import NotModifiedMiddleware, ValidatorMiddleware
from app.direct import DirectRouter, DirectRoutesMiddleware
from app.disconnect import DisconnectMiddleware
from app.errors import ErrorBoundaryMiddleware, add_error_handlers
from app.extensions import CORE_CLASSES, extensions
from app.lifespan import EditorHolder, ReaderHolder, make_lifespan
from app.limits import HeadMiddleware, RequestLimitsMiddleware, read_at_most
from app.links import GEOJSON, JSON
from app.metrics import Metrics, MetricsMiddleware
from app.negotiation import AcceptMiddleware
from app.openapi import use_openapi_30
from app.outflow import OutflowMiddleware
from app.parameters import (
    CollectionRequest,
    CollectionsRequest,
    ItemsRequest,
    SearchGetRequest,
)
from app.proxy import ProxyMiddleware
from app.queryables import QueryablesClient
from app.request_body import require_json
from app.route_names import RouteNames
from app.routes.browse import browse_router
from app.routes.children import children_router
from app.routes.documentation import documentation_router
from app.routes.health import health_check
from app.routes.status import StatusCache, status_router
from app.routes.transaction_descriptions import COLLECTIONS_CREATED
from app.routes.transactions import CONFORMANCE as TRANSACTION_CLASSES
from app.routes.transactions import Transactions, creates_collections, transactions_router
from app.search_request import read_body
from app.settings import ApiSettings
from catalog.about import STAC_VERSION, our_version
from catalog.settings import DatabaseSettings

_OPENAPI_PATH = "/api"
_READING = ("GET", "HEAD", "OPTIONS", "POST")
_CHANGING = ("PUT", "PATCH", "DELETE")
# What scripts of other origins may read of an answer, besides what any may.
_EXPOSED = ("Allow", "Content-Language", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate")


@attr.s
class _Api(StacApi):
    """stac-fastapi's assembly, but with POST searches that read their body themselves.

    Only so can a malformed body be told from a wrong one, and the parameter be named.

    Attributes:
        transactions: adds collections; None: nothing may be changed.
    """

    transactions: Transactions | None = attr.ib(default=None, kw_only=True)

    def register_get_collections(self) -> None:
        """Register `GET` and `POST /collections`."""
        super().register_get_collections()
        client = self.client
        assert isinstance(client, Client)

        limits = client.settings

        async def post_collections(request: Request) -> Response:
            require_json(request)
            adds = self.transactions is not None and await self.transactions.may_create_collections(request)
            most = limits.transaction_max_body_bytes if adds else limits.max_body_bytes
            body = read_body(await read_at_most(request, most))
            if not creates_collections(body):
                return await client.post_all_collections(body, request)
            if self.transactions is None:
                raise HTTPException(405, "collections cannot be added here", {"Allow": ", ".join(_READING)})
            return await self.transactions.create_collections(request, body)

        self.router.add_api_route(
            name="Search Collections",
            path="/collections",
            methods=["POST"],
            endpoint=post_collections,
            response_model=None,
            responses={200: {"content": {JSON: {}}, "model": api.Collections}},
            openapi_extra=COLLECTIONS_CREATED
            if self.transactions
            else {"requestBody": {"content": {"application/json": {"schema": COLLECTIONS_BODY}}}},
        )

    def register_post_search(self) -> None:
        """Register `POST /search`."""
        client = self.client
        assert isinstance(client, Client)

        async def post_search(request: Request) -> Response:
            require_json(request)
            return await client.post_search(read_body(await request.body()), request=request)

        self.router.add_api_route(
            name="Search",
            path="/search",
            methods=["POST"],
            endpoint=post_search,
            response_model=None,
            responses={200: {"content": {GEOJSON: {}}, "model": api.ItemCollection}},
            openapi_extra={"requestBody": {"content": {"application/json": {"schema": SEARCH_BODY}}}},
        )


def create_app(settings: ApiSettings | None = None, database: DatabaseSettings | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: of the API; None: from the environment.
        database: which database to read; None: from the environment.
    """
    settings = settings or ApiSettings()
    database = database or DatabaseSettings()
    holder = ReaderHolder(settings.catalogue_ttl_s)
    editors = EditorHolder() if settings.transactions else None
    transactions = Transactions(editors, make_guard(settings)) if editors else None
    app = FastAPI(
        title=settings.title,
        description=settings.description,
        version=our_version(),
        openapi_url=_OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=make_lifespan(holder, editors, settings, database),
    )
    metrics = Metrics(holder)
    router = DirectRouter()
    client = Client(
        settings=settings,
        holder=holder,
        base_conformance_classes=[*CORE_CLASSES, *(TRANSACTION_CLASSES if transactions else ())],
        landing_page_id=settings.landing_id,
    )
    _Api(
        settings=_framework_settings(settings),
        client=client,
        app=app,
        router=router,
        stac_version=STAC_VERSION,
        title=settings.title,
        description=settings.description,
        extensions=extensions(QueryablesClient(holder=holder), holder),
        exceptions={},
        search_get_request_model=SearchGetRequest,
        items_get_request_model=ItemsRequest,
        collections_get_request_model=CollectionsRequest,
        collection_get_request_model=CollectionRequest,
        middlewares=_middlewares(settings, holder, router, metrics, cache(lambda: RouteNames(app))),
        health_check=health_check(holder),  # type: ignore[arg-type] # a Response is passed on as it is
        transactions=transactions,
    )
    app.include_router(children_router(holder))
    app.include_router(browse_router())
    app.include_router(documentation_router())
    app.include_router(status_router(StatusCache(holder, settings.status_max_age_s), metrics))
    if transactions is not None:
        app.include_router(transactions_router(transactions))
    use_openapi_30(app, settings.default_limit, secured=transactions is not None)
    add_error_handlers(app, settings.retry_after_s)
    return app


def _middlewares(
    settings: ApiSettings,
    holder: ReaderHolder,
    router: DirectRouter,
    metrics: Metrics,
    names: Callable[[], RouteNames],
) -> list[Middleware]:
    """Return the middleware, innermost first, as stac-fastapi takes it."""
    return [
        Middleware(DirectRoutesMiddleware, router=router),
        Middleware(AcceptMiddleware),
        Middleware(
            RequestLimitsMiddleware,
            max_body_bytes=settings.max_body_bytes,
            max_document_bytes=settings.transaction_max_body_bytes
            if settings.transactions
            else settings.max_body_bytes,
        ),
        Middleware(ErrorBoundaryMiddleware, retry_after_s=settings.retry_after_s),
        Middleware(ValidatorMiddleware, max_age_s=settings.cache_max_age_s),
        Middleware(CompressionMiddleware),
        Middleware(CatalogueCacheMiddleware, holder=holder, max_bytes=settings.catalogue_cache_bytes),
        Middleware(NotModifiedMiddleware),
        Middleware(
            OutflowMiddleware,
            max_waiting_bytes=settings.max_outgoing_bytes,
            retry_after_s=settings.retry_after_s,
        ),
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=[*_READING, *(_CHANGING if settings.transactions else ())],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
            # A STAC Browser on the web may read a catalogue that runs on its user's own machine.
            allow_private_network=True,
            max_age=600,
        ),
        Middleware(DisconnectMiddleware, takes_changes=settings.transactions),
        Middleware(HeadMiddleware),
        Middleware(MetricsMiddleware, metrics=metrics, names=names),
        Middleware(ProxyMiddleware, root_path=settings.root_path, trusted=settings.trusted_proxies),
    ]


def _framework_settings(settings: ApiSettings) -> Any:
    """Return stac-fastapi's own settings, of which nothing is left to the environment."""
    return stac_fastapi.types.config.ApiSettings(
        _env_file=None,
        stac_fastapi_title=settings.title,
        stac_fastapi_description=settings.description,
        stac_fastapi_version=our_version(),
        stac_fastapi_landing_id=settings.landing_id,
        enable_response_models=False,
        enable_direct_response=False,
        openapi_url=_OPENAPI_PATH,
        root_path="",
    )
