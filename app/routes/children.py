"""`/children`: the whole of what the landing page's `child` links lead to, in one answer.

STAC API - Children, https://api.stacspec.org/v1.0.0-rc.2/children.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel
from stac_pydantic.api import Collection
from starlette.requests import Request
from starlette.responses import Response

from app.collection_pages import spoken
from app.language import language_of
from app.lifespan import ReaderHolder
from app.links import JSON, Link, Links
from app.parameters import DECIMAL_DIGITS
from app.request_body import refuse_repeated
from catalog.collection_search import CollectionSearch


class Children(BaseModel):
    """What `/children` answers with, for the OpenAPI document."""

    children: list[Collection]
    links: list[dict[str, Any]]


def children_router(holder: ReaderHolder) -> APIRouter:
    """Return the route; every collection is a child of the landing page, and nothing else is."""
    router = APIRouter()

    @router.get(
        "/children",
        name="Children",
        response_model=None,
        responses={200: {"content": {JSON: {}}, "model": Children}},
    )
    async def children(
        request: Request,
        limit: Annotated[
            int | None,
            Query(ge=1, le=10_000, description="Most children of a page; all if left out."),
            DECIMAL_DIGITS,
        ] = None,
        token: Annotated[
            str | None, Query(description="Page token, as it stands in a `next` or `prev` link.")
        ] = None,
    ) -> Response:
        """List the collections as the children of the catalogue."""
        refuse_repeated(request)
        language = language_of(request)
        page = await holder.reader.collections.search(
            CollectionSearch(limit=limit, token=token, language=language)
        )
        links = Links(request)
        own: list[Link] = [
            {"rel": "self", "type": JSON, "href": links.here},
            {"rel": "root", "type": JSON, "href": links.landing()},
            {"rel": "parent", "type": JSON, "href": links.landing()},
            *links.pages(page.next, page.previous, None, JSON),
        ]
        children = b",".join(links.collection(document) for document in page.documents)
        tail = orjson.dumps({"links": own})[1:]
        return spoken(b"".join((b'{"children":[', children, b"],", tail)), JSON, language)

    return router
