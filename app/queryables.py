"""`/queryables`: what a filter or a sort may name."""

from collections.abc import Mapping
from typing import Any

import attr
import orjson
from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient
from starlette.requests import Request
from starlette.responses import Response

from app.collection_pages import spoken
from app.language import language_of
from app.lifespan import ReaderHolder
from app.links import JSON, SCHEMA, Links
from app.negotiation import read_accept


@attr.s
class QueryablesClient(AsyncBaseFiltersClient):
    """Answers from pgstac's table of queryables, which the vocabulary fills, and from the collections."""

    holder: ReaderHolder = attr.ib(kw_only=True)

    async def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> Response:  # type: ignore[override]
        """Return a JSON Schema (2019-09) whose properties are the queryables of items.

        Args:
            collection_id: only those that the items of one collection have.
            **kwargs: `request`, from stac-fastapi.

        Raises:
            NotFound: there is no such collection.
        """
        request: Request = kwargs["request"]
        language = language_of(request)
        properties, is_open = await self.holder.reader.collections.item_queryables(collection_id, language)
        english = f"Queryables of {f'collection {collection_id}' if collection_id else 'all collections'}"
        japanese = f"{collection_id or '全コレクション'}の検索項目"
        return _schema(
            request, language, japanese if language == "ja" else english, properties, is_open=is_open
        )

    async def get_collection_queryables(self, **kwargs: Any) -> Response:
        """Return a JSON Schema whose properties a search of collections may name."""
        request: Request = kwargs["request"]
        language = language_of(request)
        properties = await self.holder.reader.collections.queryables(language)
        title = "コレクション検索の検索項目" if language == "ja" else "Queryables of collections"
        return _schema(request, language, title, properties, is_open=True)


def _schema(
    request: Request, language: str, title: str, properties: Mapping[str, Any], *, is_open: bool
) -> Response:
    schema = {
        # The newest draft that OGC API and STAC API both speak.
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": Links(request).here.split("?", 1)[0],
        "type": "object",
        "title": title,
        "properties": properties,
        "additionalProperties": is_open,
    }
    accepted = read_accept(request.headers.get("accept"))
    media_type = SCHEMA
    if accepted.weight(JSON) > accepted.weight(SCHEMA):
        # So asks GDAL, which takes nothing that is not called JSON, and knows the list that drafts
        # of OGC API had in place of a schema. Without it, it would fetch everything and filter by itself.
        media_type = JSON
        schema["queryables"] = [{"id": name} for name in properties]
    answer = spoken(orjson.dumps(schema), media_type, language)
    answer.headers.add_vary_header("Accept")
    return answer
