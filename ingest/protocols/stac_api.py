"""STAC API item search, as a client (STAC API – Item Search 1.0.0, "Pagination").

`next` links are followed as they are: their form is the server's business.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from catalog import jsontext
from catalog.errors import UpstreamChanged
from ingest.contract import Page, Selection, Window
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.native import integer, lookup
from ingest.protocols.paging import SeenPages
from ingest.times import format_time


async def search(http: Fetcher, base: str, body: dict[str, Any]) -> AsyncIterator[Page]:
    """Search by POST and follow `next` to the end.

    A server that only knows GET (a mirror made of files, say) answers 404 or 405 to a POST; it is
    then asked by GET.

    Args:
        http: the client.
        base: address of the API's landing page.
        body: search body.

    Raises:
        UpstreamChanged: an answer is no item collection, its `next` link cannot be followed or leads in a
            circle, or a page comes again.
        UpstreamUnavailable: the server cannot be reached.
    """
    url = f"{base.rstrip('/')}/search"
    request: tuple[str, str, dict[str, Any] | None] = ("POST", url, body)
    asked, seen, is_first = set(), SeenPages(), True
    while True:
        method, url, body_now = request
        mark = (method, url, jsontext.dumps(body_now))
        if mark in asked:
            raise UpstreamChanged(f"{url}: the `next` link leads in a circle")
        asked.add(mark)
        document = await _ask(http, method, url, body_now)
        if not isinstance(document, dict) or not isinstance(document.get("features"), list):
            raise UpstreamChanged(f"{url}: the answer is no item collection (it has no `features`)")
        seen.add(document["features"], url)
        yield Page(document, url, _matched(document) if is_first else None)
        is_first = False
        following = _next_request(document, url, body_now)
        if following is None or not document["features"]:
            return
        request = following


def search_body(selection: Selection, collections: Sequence[str], page_size: int) -> dict[str, Any]:
    """Return the search body for a selection.

    Args:
        selection: window and box; its window `[start, end)` is asked for as a closed interval, so
            that the caller must leave out what starts exactly at its end.
        collections: ids at the upstream; none searches all.
        page_size: items per page; a server may give fewer.
    """
    body: dict[str, Any] = {"limit": page_size}
    if collections:
        body["collections"] = list(collections)
    interval = _interval(selection.window)
    if interval:
        body["datetime"] = interval
    if selection.bbox:
        body["bbox"] = list(selection.bbox)
    return body


def _matched(document: Mapping[str, Any]) -> int | None:
    """Return how many items match, as newer and older servers say it; None if this one does not."""
    return integer(document.get("numberMatched", lookup(document, "context.matched")))


def _interval(window: Window) -> str | None:
    if window.start is None and window.end is None:
        return None
    start = format_time(window.start) if window.start else ".."
    end = format_time(window.end) if window.end else ".."
    return f"{start}/{end}"


async def _ask(http: Fetcher, method: str, url: str, body: dict[str, Any] | None) -> Any:
    if method == "GET":
        return await http.get_json(url)
    try:
        return await http.post_json(url, body)
    except UpstreamStatus as error:
        if error.status not in (404, 405, 501):
            raise
    return await http.get_json(url, _as_parameters(body or {}))


def _as_parameters(body: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: ",".join(str(entry) for entry in value) if isinstance(value, list) else str(value)
        for name, value in body.items()
    }


def _next_request(
    document: Mapping[str, Any], url: str, body: dict[str, Any] | None
) -> tuple[str, str, dict[str, Any] | None] | None:
    """Return method, URL and body of the `next` link, None on the last page.

    Raises:
        UpstreamChanged: its address or its body is none.
    """
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if not isinstance(link, Mapping) or link.get("rel") != "next" or not link.get("href"):
            continue
        try:
            href = urljoin(url, str(link["href"]))
        except ValueError as error:
            raise UpstreamChanged(f"{url}: the `next` link has no valid address: {error}") from error
        if str(link.get("method", "GET")).upper() != "POST":
            return "GET", href, None
        given = link.get("body") or {}
        if not isinstance(given, Mapping) or not _is_json(given):
            raise UpstreamChanged(f"{url}: the `next` link has a body that is no JSON object")
        merged = {**(body or {}), **given} if link.get("merge") else dict(given)
        return "POST", href, merged
    return None


def _is_json(value: Any) -> bool:
    try:
        jsontext.dumps(value)
    except ValueError:
        return False
    return True
