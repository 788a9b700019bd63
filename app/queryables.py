"""`/queryables`: what a filter or a sort may name."""

from typing import Any

import attr
import orjson
from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient
from starlette.requests import Request
from starlette.responses import Response

from app.lifespan import ReaderHolder
from app.links import SCHEMA, Links


@attr.s
class QueryablesClient(AsyncBaseFiltersClient):
    """Answers from pgstac's table of queryables, which the vocabulary fills."""

    holder: ReaderHolder = attr.ib(kw_only=True)

    async def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> Response:  # type: ignore[override]
        """Return a JSON Schema (2020-12) whose properties are the queryables.

        Args:
            collection_id: only those of one collection.
            **kwargs: `request`, from stac-fastapi.

        Raises:
            NotFound: there is no such collection.
        """
        request: Request = kwargs["request"]
        properties = await self.holder.reader.queryables(collection_id)
        subject = f"collection {collection_id}" if collection_id else "all collections"
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": Links(request).here.split("?", 1)[0],
            "type": "object",
            "title": f"Queryables of {subject}",
            "properties": properties,
            "additionalProperties": True,
        }
        return Response(orjson.dumps(schema), media_type=SCHEMA)
