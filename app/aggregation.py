"""The Aggregation extension: `/aggregations` and `/aggregate`, for all items and within a collection."""

from collections.abc import Callable, Mapping
from typing import Any

import attr
import orjson
from fastapi import APIRouter, FastAPI
from stac_fastapi.api.routes import create_async_endpoint
from stac_fastapi.types.extension import ApiExtension
from starlette.requests import Request
from starlette.responses import Response

from app.aggregation_request import body_of_aggregate, read_aggregations
from app.bodies import AGGREGATE_BODY
from app.lifespan import ReaderHolder
from app.links import JSON, Link, Links
from app.parameters import AggregateRequest, CollectionAggregateRequest
from app.request_body import refuse_repeated, require_json
from app.search_request import body_of_get, read_body, read_search
from catalog.aggregation import AGGREGATIONS, of_collection
from catalog.errors import InvalidRequest

CLASSES = [f"https://api.stacspec.org/v0.3.0/aggregation{part}" for part in ("", "#query", "#filter")]


@attr.s
class AggregationExtension(ApiExtension):
    """Counts what a search finds, with the parameters of a search."""

    holder: ReaderHolder = attr.ib(kw_only=True)
    conformance_classes: list[str] = attr.ib(factory=lambda: list(CLASSES))

    def register(self, app: FastAPI) -> None:
        """Register the routes."""
        router = APIRouter(tags=["Aggregation Extension"])
        responses: dict[int | str, dict[str, Any]] = {200: {"content": {JSON: {}}}}
        body = {"requestBody": {"content": {"application/json": {"schema": AGGREGATE_BODY}}}}

        def add(path: str, name: str, method: str, endpoint: Callable[..., Any]) -> None:
            router.add_api_route(
                path,
                endpoint,
                name=name,
                methods=[method],
                response_model=None,
                responses=responses,
                openapi_extra=body if method == "POST" else None,
            )

        add("/aggregations", "Aggregations", "GET", self._list)
        add("/aggregate", "Aggregate", "GET", create_async_endpoint(self._get, AggregateRequest))
        add("/aggregate", "Aggregate", "POST", self._post)
        within = "/collections/{collection_id}"
        get_within = create_async_endpoint(self._get, CollectionAggregateRequest)
        add(f"{within}/aggregations", "Collection Aggregations", "GET", self._list_within)
        add(f"{within}/aggregate", "Collection Aggregate", "GET", get_within)
        add(f"{within}/aggregate", "Collection Aggregate", "POST", self._post_within)
        app.include_router(router)

    async def _get(self, collection_id: str | None = None, **kwargs: Any) -> Response:
        request: Request = kwargs.pop("request")
        refuse_repeated(request)
        body = {**body_of_get(kwargs), **body_of_aggregate(kwargs)}
        return await self._aggregate(request, body, collection_id)

    async def _post(self, request: Request) -> Response:
        require_json(request)
        return await self._aggregate(request, read_body(await request.body()), None)

    async def _post_within(self, request: Request, collection_id: str) -> Response:
        require_json(request)
        return await self._aggregate(request, read_body(await request.body()), collection_id)

    async def _list(self, request: Request) -> Response:
        return self._listed(request, list(AGGREGATIONS.values()))

    async def _list_within(self, request: Request, collection_id: str) -> Response:
        return self._listed(request, of_collection(await self._present(collection_id)))

    async def _present(self, collection_id: str) -> frozenset[str]:
        return await self.holder.reader.collections.property_names(collection_id)

    def _listed(self, request: Request, available: list[Any]) -> Response:
        found = [
            {"name": one.name, "data_type": one.data_type, "title": one.title, "description": one.form.value}
            for one in available
        ]
        return _answer(request, found)

    async def _aggregate(
        self, request: Request, body: Mapping[str, Any], collection_id: str | None
    ) -> Response:
        available = list(AGGREGATIONS.values())
        if collection_id is not None:
            available = of_collection(await self._present(collection_id))
            body = {**body, "collections": [collection_id]}
        asked = read_aggregations(body, available)
        # A page means nothing here.
        wanted = {
            name: value for name, value in body.items() if name not in ("limit", "token", "sortby", "fields")
        }
        search = read_search(wanted, default_limit=1, max_limit=1, posted=True)
        try:
            found = await self.holder.reader.aggregate(search.search, asked)
        except InvalidRequest as error:
            if error.parameter == "filter" and search.filter_name != "filter":
                raise InvalidRequest(search.filter_name, error.reason) from error
            raise
        return _answer(request, found)


def _answer(request: Request, aggregations: list[dict[str, Any]]) -> Response:
    links = Links(request)
    own: list[Link] = [
        {"rel": "self", "type": JSON, "href": links.here},
        {"rel": "root", "type": JSON, "href": links.landing()},
    ]
    body = {"type": "AggregationCollection", "aggregations": aggregations, "links": own}
    return Response(orjson.dumps(body), media_type=JSON)
