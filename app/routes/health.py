"""`/_mgmt/health`: whether this process can answer.

`/_mgmt/ping`, which only tells that it runs, is stac-fastapi's.
"""

from collections.abc import Awaitable, Callable

import orjson
from starlette.responses import Response

from app.lifespan import ReaderHolder


def health_check(holder: ReaderHolder) -> Callable[[], Awaitable[Response]]:
    """Return the endpoint; it raises, and so answers 503, when the database is away or not set up."""

    async def health() -> Response:
        """Tell the state of the database: versions and number of collections."""
        found = await holder.reader.health()
        body = {
            "status": "UP",
            "database": "reachable",
            "pgstac_version": found.pgstac,
            "schema_version": found.schema,
            "collections": found.collections,
        }
        return Response(orjson.dumps(body), media_type="application/json")

    return health
