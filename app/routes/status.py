"""`/status`, how fresh and complete the catalogue is, and `/_mgmt/metrics`, the same for Prometheus."""

import asyncio
import time

import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.lifespan import ReaderHolder
from app.metrics import Metrics
from catalog.errors import StoreError
from catalog.status import Status

# How long it is told that there is no status, in seconds, if that is less than a status may be old.
_LONGEST_FAILURE_S = 5.0


class StatusCache:
    """The status as it was a moment ago: however many ask, the database is asked once, be it away or not."""

    def __init__(self, holder: ReaderHolder, max_age_s: float) -> None:
        """Begin without one.

        Args:
            holder: of the reader that is asked.
            max_age_s: how old what is told may be.
        """
        self._holder = holder
        self._max_age_s = max_age_s
        self._asking = asyncio.Lock()
        self._status: Status | StoreError | None = None
        self._until = 0.0

    async def current(self) -> tuple[Status, float]:
        """Return the status, and the seconds for which it may be told.

        Raises:
            StoreError: the database is away, or not set up.
        """
        async with self._asking:
            if self._status is None or time.monotonic() >= self._until:
                holds_s = self._max_age_s
                try:
                    self._status = await self._holder.reader.status()
                except StoreError as error:
                    # Who waits behind this request would else wait as long as it did, one after the other.
                    self._status, holds_s = error, min(holds_s, _LONGEST_FAILURE_S)
                self._until = time.monotonic() + holds_s
            found = self._status
        if isinstance(found, StoreError):
            raise found.with_traceback(None)
        return found, max(0.0, self._until - time.monotonic())


def status_router(cache: StatusCache, metrics: Metrics) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/status", name="Status", response_model=None, responses={200: {"model": Status}})
    async def status() -> Response:
        """Tell how fresh and how complete the catalogue is, by source and collection."""
        found, remaining = await cache.current()
        return Response(
            orjson.dumps(found, option=orjson.OPT_UTC_Z),
            media_type="application/json",
            headers={"Cache-Control": f"public, max-age={int(remaining)}"},
        )

    @router.get("/_mgmt/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        """Give the metrics of this server, also while its database is away."""
        try:
            found, _ = await cache.current()
        except StoreError:
            return Response(metrics.text(None), media_type=CONTENT_TYPE_LATEST)
        return Response(metrics.text(found), media_type=CONTENT_TYPE_LATEST)

    return router
