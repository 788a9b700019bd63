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
            "servers": [
                {
                    "server": server.name,
                    "state": "up" if server.is_up else "down",
                    "role": {None: "unknown", True: "standby", False: "primary"}[server.is_standby],
                    "lag_s": server.lag_s,
                }
                for server in holder.servers
            ],
        }
        return Response(orjson.dumps(body), media_type="application/json")

    return health
