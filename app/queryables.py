"""`/queryables`: what a filter or a sort may name."""

from typing import Any

import attr
import orjson
from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient
from starlette.requests import Request
from starlette.responses import Response

from app.lifespan import ReaderHolder
from app.links import JSON, SCHEMA, Links
from app.negotiation import read_accept


@attr.s
class QueryablesClient(AsyncBaseFiltersClient):
    """Answers from pgstac's table of queryables, which the vocabulary fills."""

    holder: ReaderHolder = attr.ib(kw_only=True)

    async def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> Response:  # type: ignore[override]
        """Return a JSON Schema (2019-09, the newest that OGC API and STAC API both speak) whose properties are the queryables.

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
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "$id": Links(request).here.split("?", 1)[0],
            "type": "object",
            "title": f"Queryables of {subject}",
            "properties": properties,
            "additionalProperties": True,
        }
        accepted = read_accept(request.headers.get("accept"))
        media_type = SCHEMA
        if accepted.weight(JSON) > accepted.weight(SCHEMA):
            # So asks GDAL, which takes nothing that is not called JSON, and knows the list that drafts
            # of OGC API had in place of a schema. Without it, it would fetch everything and filter by itself.
            media_type = JSON
            schema["queryables"] = [{"id": name} for name in properties]
        return Response(orjson.dumps(schema), media_type=media_type, headers={"Vary": "Accept"})
