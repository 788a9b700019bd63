"""`/collections`: lists of collections, searched and in the language of the client."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.collection_request import read_collection_search
from app.language import language_of
from app.links import JSON, SCHEMA, Link, Links
from app.listing import listing
from app.settings import ApiSettings
from catalog.links import QUERYABLES
from catalog.store.collection_reader import CollectionReader


async def collections_page(
    reader: CollectionReader,
    settings: ApiSettings,
    request: Request,
    body: Mapping[str, Any],
    *,
    posted: bool,
) -> Response:
    """Answer a search of collections.

    Args:
        reader: of the collections.
        settings: of the API.
        request: what was asked.
        body: the POST body, or what `body_of_get` made of a GET.
        posted: which of both.

    Raises:
        InvalidRequest: names the parameter.
    """
    language = language_of(request)
    asked = read_collection_search(body, language=language, max_limit=settings.max_limit, posted=posted)
    page = await reader.search(asked.search)
    links = Links(request)
    collections = [links.collection(document) for document in page.documents]
    if asked.fields:
        fields = asked.fields
        collections = [orjson.dumps(fields.apply(orjson.loads(one))) for one in collections]
    own: list[Link] = [
        {"rel": "self", "type": JSON, "href": links.here, "hreflang": language},
        {"rel": "root", "type": JSON, "href": links.landing()},
        {"rel": "parent", "type": JSON, "href": links.landing()},
        {
            "rel": QUERYABLES,
            "type": SCHEMA,
            "title": "Queryables of collections",
            "href": links.text("collection-queryables"),
        },
        *([] if posted else links.languages(language)),
        *links.pages(page.next, page.previous, asked.body, JSON),
    ]
    return spoken(listing('{"collections":[', collections, own, page), JSON, language)


def spoken(body: bytes, media_type: str, language: str) -> Response:
    """Return an answer whose texts are in a language, and which would differ in another."""
    headers = {"Vary": "Accept-Language", "Content-Language": language}
    return Response(body, media_type=media_type, headers=headers)
