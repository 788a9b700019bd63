"""The stac-fastapi client: a request, to the store, to an answer in bytes."""

from typing import Any

import attr
import orjson
from stac_fastapi.types.core import AsyncBaseCoreClient
from starlette.requests import Request
from starlette.responses import Response

from app.collection_pages import collections_page, spoken
from app.landing import landing_page
from app.language import language_of
from app.lifespan import ReaderHolder
from app.links import GEOJSON, JSON, Link, Links
from app.listing import listing
from app.request_body import refuse_repeated
from app.routes.browse import to_people
from app.search_request import SearchRequest, body_of_get, read_search
from app.settings import ApiSettings
from catalog.errors import InvalidRequest
from catalog.store.page import Page


# stac-fastapi's base class names models that it never builds itself; bytes take their place.
# mypy: disable-error-code="override"
@attr.s
class Client(AsyncBaseCoreClient):
    """Answers the core routes of STAC API."""

    settings: ApiSettings = attr.ib(kw_only=True)
    holder: ReaderHolder = attr.ib(kw_only=True)

    async def landing_page(self, **kwargs: Any) -> Response:
        """Answer `GET /`."""
        request: Request = kwargs["request"]
        if elsewhere := to_people(request):
            return elsewhere
        language = language_of(request)
        titles = await self.holder.reader.collections.titles(language)
        page = landing_page(
            self.settings, Links(request), self.conformance_classes(), titles, self.stac_version, language
        )
        answer = spoken(orjson.dumps(page), JSON, language)
        # Or the way to the page for people: a cache must not give one for the other.
        answer.headers.add_vary_header("Accept")
        return answer

    async def conformance(self, **kwargs: Any) -> Response:
        """Answer `GET /conformance`."""
        return Response(orjson.dumps({"conformsTo": self.conformance_classes()}), media_type=JSON)

    async def all_collections(self, **kwargs: Any) -> Response:
        """Answer `GET /collections`."""
        request: Request = kwargs.pop("request")
        refuse_repeated(request)
        body = body_of_get(kwargs)
        return await collections_page(
            self.holder.reader.collections, self.settings, request, body, posted=False
        )

    async def post_all_collections(self, body: dict[str, Any], request: Request) -> Response:
        """Answer `POST /collections`.

        Args:
            body: the JSON object that was posted.
            request: what carried it.
        """
        return await collections_page(
            self.holder.reader.collections, self.settings, request, body, posted=True
        )

    async def get_collection(self, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}`."""
        request: Request = kwargs["request"]
        language = language_of(request)
        document = await self.holder.reader.collections.one(collection_id, language)
        return spoken(Links(request).collection(document), JSON, document.languages[0])

    async def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}/items/{item_id}`."""
        document = await self.holder.reader.item(collection_id, item_id)
        return Response(Links(kwargs["request"]).item(document), media_type=GEOJSON)

    async def item_collection(self, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}/items`."""
        request: Request = kwargs.pop("request")
        refuse_repeated(request)
        asked = self._read({**body_of_get(kwargs), "collections": [collection_id]}, posted=False)
        page = await self._search(asked)
        if not page.documents:
            await self.holder.reader.require_collection(collection_id)
        links = Links(request)
        address = links.to("collections", collection_id)
        above: list[Link] = [
            {"rel": "parent", "type": JSON, "href": address},
            {"rel": "collection", "type": JSON, "href": address},
        ]
        return self._answer(asked, page, links, above)

    async def get_search(self, **kwargs: Any) -> Response:
        """Answer `GET /search`."""
        request: Request = kwargs.pop("request")
        refuse_repeated(request)
        asked = self._read(body_of_get(kwargs), posted=False)
        page = await self._search(asked)
        return self._answer(asked, page, Links(request), [])

    async def post_search(self, search_request: dict[str, Any], **kwargs: Any) -> Response:
        """Answer `POST /search`.

        Args:
            search_request: the JSON object that was posted.
            **kwargs: `request`.
        """
        asked = self._read(search_request, posted=True)
        page = await self._search(asked)
        return self._answer(asked, page, Links(kwargs["request"]), [])

    def _read(self, body: dict[str, Any], *, posted: bool) -> SearchRequest:
        limits = self.settings
        return read_search(
            body, default_limit=limits.default_limit, max_limit=limits.max_limit, posted=posted
        )

    async def _search(self, asked: SearchRequest) -> Page:
        try:
            return await self.holder.reader.search(asked.search)
        except InvalidRequest as error:
            # The store knows one filter; the client should read the name it used.
            if error.parameter == "filter" and asked.filter_name != "filter":
                raise InvalidRequest(asked.filter_name, error.reason) from error
            raise

    def _answer(self, asked: SearchRequest, page: Page, links: Links, above: list[Link]) -> Response:
        items = (links.item(document) for document in page.documents)
        if fields := asked.fields:
            items = (orjson.dumps(fields.apply(orjson.loads(item))) for item in items)
        own: list[Link] = [
            {"rel": "self", "type": GEOJSON, "href": links.here},
            {"rel": "root", "type": JSON, "href": links.landing()},
            *above,
            *links.pages(page.next, page.previous, asked.body, GEOJSON),
        ]
        body = listing('{"type":"FeatureCollection","features":[', items, own, page)
        return Response(body, media_type=GEOJSON)
