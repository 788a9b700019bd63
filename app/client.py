"""The stac-fastapi client: a request, to the store, to an answer in bytes."""

from collections import Counter
from typing import Any

import attr
import orjson
from stac_fastapi.types.core import AsyncBaseCoreClient
from starlette.requests import Request
from starlette.responses import Response

from app.landing import landing_page
from app.lifespan import ReaderHolder
from app.links import GEOJSON, JSON, Link, Links
from app.search_request import SearchRequest, body_of_get, read_search
from app.settings import ApiSettings
from catalog.errors import InvalidRequest
from catalog.store.reader import Page


# stac-fastapi's base class names models that it never builds itself; bytes take their place.
# mypy: disable-error-code="override"
@attr.s
class Client(AsyncBaseCoreClient):
    """Answers the core routes of STAC API."""

    settings: ApiSettings = attr.ib(kw_only=True)
    holder: ReaderHolder = attr.ib(kw_only=True)

    async def landing_page(self, **kwargs: Any) -> Response:
        """Answer `GET /`."""
        links = Links(kwargs["request"])
        titles = await self.holder.reader.titles()
        page = landing_page(self.settings, links, self.conformance_classes(), titles, self.stac_version)
        return Response(orjson.dumps(page), media_type=JSON)

    async def conformance(self, **kwargs: Any) -> Response:
        """Answer `GET /conformance`."""
        return Response(orjson.dumps({"conformsTo": self.conformance_classes()}), media_type=JSON)

    async def all_collections(
        self, limit: int | None = None, token: str | None = None, **kwargs: Any
    ) -> Response:
        """Answer `GET /collections`."""
        request: Request = kwargs["request"]
        _refuse_repeated(request, {"limit", "token"})
        page = await self.holder.reader.collections(limit, token)
        links = Links(request)
        own: list[Link] = [
            {"rel": "self", "type": JSON, "href": links.here},
            {"rel": "root", "type": JSON, "href": links.landing()},
            {"rel": "parent", "type": JSON, "href": links.landing()},
        ]
        texts = [links.collection(document) for document in page.documents]
        own += links.pages(page.next, page.previous, None, JSON)
        return Response(_listing('{"collections":[', texts, own, page), media_type=JSON)

    async def get_collection(self, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}`."""
        document = await self.holder.reader.collection(collection_id)
        return Response(Links(kwargs["request"]).collection(document).encode(), media_type=JSON)

    async def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}/items/{item_id}`."""
        document = await self.holder.reader.item(collection_id, item_id)
        return Response(Links(kwargs["request"]).item(document).encode(), media_type=GEOJSON)

    async def item_collection(self, collection_id: str, **kwargs: Any) -> Response:
        """Answer `GET /collections/{collection_id}/items`."""
        request: Request = kwargs.pop("request")
        _refuse_repeated(request, _NAMES)
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
        _refuse_repeated(request, _NAMES)
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
        texts = [links.item(document) for document in page.documents]
        if asked.fields:
            fields = asked.fields
            texts = [orjson.dumps(fields.apply(orjson.loads(text))).decode() for text in texts]
        own: list[Link] = [
            {"rel": "self", "type": GEOJSON, "href": links.here},
            {"rel": "root", "type": JSON, "href": links.landing()},
            *above,
            *links.pages(page.next, page.previous, asked.body, GEOJSON),
        ]
        body = _listing('{"type":"FeatureCollection","features":[', texts, own, page)
        return Response(body, media_type=GEOJSON)


_NAMES = frozenset(
    {
        "bbox",
        "collections",
        "datetime",
        "fields",
        "filter",
        "filter-crs",
        "filter-lang",
        "ids",
        "intersects",
        "limit",
        "query",
        "sortby",
        "token",
    }
)


def _refuse_repeated(request: Request, names: frozenset[str] | set[str]) -> None:
    """Of a parameter given twice one would be dropped silently."""
    counts = Counter(name for name, _ in request.query_params.multi_items() if name in names)
    for name, count in counts.items():
        if count > 1:
            raise InvalidRequest(name, "is given more than once")


def _listing(head: str, texts: list[str], links: list[Link], page: Page) -> bytes:
    """Return a page of a list: stored texts joined, never parsed."""
    tail: dict[str, Any] = {"links": links, "numberReturned": len(texts)}
    if page.matched is not None:
        tail["numberMatched"] = page.matched.items
        if not page.matched.is_exact:
            tail["numberMatchedIsEstimate"] = True
    return b"".join((head.encode(), ",".join(texts).encode(), b"],", orjson.dumps(tail)[1:]))
