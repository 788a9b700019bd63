"""Tellus Satellite Data Traveler API v1, as a client.

Scenes are searched by POST. The first body carries `cursor: null`; the next one is the answer's own
`meta.search-condition`, whole. Errors are `{code, detail}`.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urljoin

from catalog import jsontext
from catalog.errors import UpstreamChanged
from ingest.contract import BoundingBox, Page, Selection, Window
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.native import integer, lookup
from ingest.protocols.paging import SeenPages
from ingest.times import format_time


async def search(http: Fetcher, base: str, body: dict[str, Any]) -> AsyncIterator[Page]:
    """Ask for all scenes that fit, page by page.

    Args:
        http: the client, which sends the token.
        base: address of the API.
        body: search body with `paginate.cursor` null.

    Raises:
        UpstreamChanged: the token is refused, an answer is no page of scenes, a page comes again, or the
            pages end before the total is reached.
        UpstreamUnavailable: the service cannot be reached.
    """
    url = f"{base}/data-search/"
    seen, taken = SeenPages(), 0
    while True:
        document = await _asked(http.post_json(url, body), url)
        features = document.get("features") if isinstance(document, dict) else None
        if not isinstance(features, list):
            raise UpstreamChanged(f"{url}: the answer is no page of scenes (it has no `features`)")
        where = f"{url} scenes {taken + 1} to {taken + len(features)}"
        seen.add(features, where)
        total = integer(lookup(document, "meta.total"))
        if features:
            yield Page(document, where, None if taken else total)
        taken += len(features)
        following = lookup(document, "meta.search-condition")
        if total is not None and taken >= total:
            return
        if (
            not features
            or lookup(following if isinstance(following, Mapping) else {}, "paginate.cursor") is None
        ):
            if total is not None:
                raise UpstreamChanged(f"{where}: no more scenes come, although {total} are said to match")
            return
        body = dict(following)


async def listed(http: Fetcher, url: str) -> list[Mapping[str, Any]]:
    """Return all entries of a list (`results`, `next`): data sets, files, thumbnails.

    Raises:
        UpstreamChanged: the token is refused, an answer is no list, or its `next` leads in a circle.
        UpstreamUnavailable: the service cannot be reached.
    """
    entries: list[Mapping[str, Any]] = []
    asked: set[str] = set()
    following: Any = url
    while isinstance(following, str) and following:
        if following in asked:
            raise UpstreamChanged(f"{following}: the `next` of the list leads in a circle")
        asked.add(following)
        document = await _asked(http.get_json(following), following)
        results = document.get("results") if isinstance(document, dict) else None
        if not isinstance(results, list):
            raise UpstreamChanged(f"{following}: the answer is no list (it has no `results`)")
        entries += [entry for entry in results if isinstance(entry, Mapping)]
        following = document.get("next") and urljoin(following, str(document["next"]))
    return entries


async def one(http: Fetcher, url: str) -> Any:
    """Return a single document, None where there is none (404); raises as `listed`."""
    try:
        return await _asked(http.get_json(url), url)
    except UpstreamStatus as error:
        if error.status == 404:
            return None
        raise


def search_body(
    selection: Selection, datasets: list[str], size: int, published: Window | None = None
) -> dict[str, Any]:
    """Return the first search body for a selection; the service searches everything without data sets.

    Args:
        selection: time of acquisition and box.
        datasets: ids.
        size: scenes per page.
        published: when the scenes were put into Tellus; both sides are set.
    """
    query: dict[str, Any] = {}
    if selection.window.start:
        query["end_datetime"] = {"gte": format_time(selection.window.start)}
    if selection.window.end:
        query["start_datetime"] = {"lt": format_time(selection.window.end)}
    if published is not None and published.start and published.end:
        limits = {"gte": format_time(published.start), "lt": format_time(published.end)}
        query["tellus:published_datetime"] = limits
    body: dict[str, Any] = {"datasets": datasets, "query": query, "paginate": {"size": size, "cursor": None}}
    if selection.bbox:
        body["intersects"] = polygon(selection.bbox)
    return body


def polygon(bbox: BoundingBox) -> dict[str, Any]:
    """Return a box as the polygon the service takes: beyond 180° it wants 190, not -170."""
    west, south, east, north = bbox
    if west > east:
        east += 360
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


async def _asked(answer: Any, url: str) -> Any:
    try:
        return await answer
    except UpstreamStatus as error:
        if error.status in (401, 403):
            # What the service says of a token may quote it.
            raise UpstreamChanged(f"{url}: Tellus refuses the access token ({error.status})") from None
        if error.status == 404:
            raise
        raise UpstreamChanged(f"{error}{_complaint(error.body)}") from error


def _complaint(body: bytes) -> str:
    try:
        said = jsontext.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, Mapping) or not said.keys() & {"code", "detail"}:
        return ""
    text = " ".join(f"{said.get('code', '')}: {said.get('detail', '')}".split())
    return f" ({text[:300]})"
