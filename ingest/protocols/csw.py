"""OGC Catalogue Service 3.0 GetRecords with GeoJSON output, as G-Portal speaks it.

Counts stand in the collection-level `properties`; paging is by `startIndex`, counted from 1, without
any snapshot, so that records published or deleted meanwhile shift the pages: then they are walked again.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from catalog.errors import UpstreamChanged
from ingest.contract import Page
from ingest.fetch import Fetcher
from ingest.native import integer
from ingest.protocols.paging import MOST_WALKS, Given, SeenPages, Walk


async def get_records(
    http: Fetcher, endpoint: str, parameters: Mapping[str, str], page_size: int
) -> AsyncIterator[Page]:
    """Ask for all records that fit, page by page.

    Args:
        http: the client.
        endpoint: address of the service.
        parameters: the query, in the service's own names.
        page_size: records per page.

    Raises:
        UpstreamChanged: an answer is no record collection, a page comes again, or the pages end before
            the count of records is reached.
        UpstreamUnavailable: the service cannot be reached.
    """
    given, is_first = Given(), True
    for _ in range(MOST_WALKS):
        walk = Walk()
        async for page in _walk(http, endpoint, parameters, page_size, walk):
            features = given.fresh(page.document["features"])
            if features or is_first:
                matched = page.matched if is_first else None
                yield Page({**page.document, "features": features}, page.origin, matched)
            is_first = False
        if not walk.has_shifted:
            return


async def _walk(
    http: Fetcher, endpoint: str, parameters: Mapping[str, str], page_size: int, walk: Walk
) -> AsyncIterator[Page]:
    start, seen = 1, SeenPages()
    while True:
        document = await http.get_json(
            endpoint,
            {
                "service": "CSW",
                "version": "3.0.0",
                "request": "GetRecords",
                "outputFormat": "application/json",
                **parameters,
                "count": str(page_size),
                "startIndex": str(start),
            },
        )
        features = document.get("features") if isinstance(document, dict) else None
        if not isinstance(features, list):
            raise UpstreamChanged(f"{endpoint}: the answer is no record collection (it has no `features`)")
        where = f"{endpoint} startIndex={start}"
        seen.add(features, where)
        matched = _number(document, "numberOfRecordsMatched")
        walk.note(matched)
        if features:
            yield Page(document, where, matched if start == 1 else None)
        start += len(features)
        if matched is not None and start > matched:
            return
        if not features and matched is not None:
            raise UpstreamChanged(f"{where}: no more records come, although {matched} are said to match")
        if not features:
            return


def _number(document: Mapping[str, Any], name: str) -> int | None:
    """Return a count from the collection-level properties; None if the service does not say."""
    properties = document.get("properties")
    return integer(properties.get(name)) if isinstance(properties, Mapping) else None
