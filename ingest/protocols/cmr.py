"""NASA's Common Metadata Repository, granule search in UMM-G JSON (CMR Search API, "Search After").

Pages are walked by a header: the answer's `CMR-Search-After` is sent back with the same query, until an
answer has none. `page_num` ends at the millionth record; this does not.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from catalog.errors import UpstreamChanged, UpstreamUnavailable
from ingest.contract import Page, Selection
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.native import integer
from ingest.protocols.paging import SeenPages
from ingest.times import format_time

SEARCH_AFTER = "CMR-Search-After"


async def granules(http: Fetcher, base: str, query: Mapping[str, str], page_size: int) -> AsyncIterator[Page]:
    """Ask for all granules that fit, page by page.

    Args:
        http: the client.
        base: address of the search service.
        query: parameters in CMR's own names; it has to name a collection.
        page_size: granules per page, 2000 at most.

    Raises:
        UpstreamChanged: an answer is no page of granules, a page comes again, or the pages end before the
            count of granules is reached.
        UpstreamUnavailable: the service cannot be reached, or ran out of time over the query.
    """
    url = f"{base}/granules.umm_json"
    parameters = {**query, "page_size": str(page_size)}
    seen, taken, after = SeenPages(), 0, None
    while True:
        document, headers = await _ask(http, url, parameters, {SEARCH_AFTER: after} if after else {})
        items = document.get("items") if isinstance(document, dict) else None
        if not isinstance(items, list):
            raise UpstreamChanged(f"{url}: the answer is no page of granules (it has no `items`)")
        if headers.get("CMR-Timed-Out", "").lower() == "true":
            raise UpstreamUnavailable(
                f"{url}: CMR ran out of time and gave only a part; ask for less at once"
            )
        where = f"{url} granules {taken + 1} to {taken + len(items)}"
        seen.add(items, where)
        hits = integer(headers.get("CMR-Hits", document.get("hits")))
        if items:
            yield Page(document, where, None if taken else hits)
        taken += len(items)
        after = headers.get(SEARCH_AFTER)
        if items and after:
            continue
        # A last page that is not full may end before the count: granules are deleted while pages are walked.
        if hits is not None and taken < hits and not 0 < len(items) < page_size:
            raise UpstreamChanged(
                f"{where}: no next page is named, although {hits} granules are said to match"
            )
        return


def conditions(selection: Selection) -> dict[str, str]:
    """Return the parameters for the time and the box of a selection.

    CMR takes the ends of a period as part of it: what starts exactly at the end has to be left out by the
    caller. A box with west > east crosses the antimeridian, as here.
    """
    query = {}
    window = selection.window
    if window.start or window.end:
        ends = (format_time(moment) if moment else "" for moment in (window.start, window.end))
        query["temporal"] = ",".join(ends)
    if selection.bbox:
        query["bounding_box"] = ",".join(f"{edge:.10g}" for edge in selection.bbox)
    return query


async def _ask(
    http: Fetcher, url: str, parameters: dict[str, str], headers: Mapping[str, str]
) -> tuple[Any, Mapping[str, str]]:
    try:
        return await http.get_json_with_headers(url, parameters, headers)
    except UpstreamStatus as error:
        raise UpstreamChanged(f"{error}{_complaint(error.body)}") from error


def _complaint(body: bytes) -> str:
    """Return what CMR says of a query it refuses: `{"errors": [...]}`, in one line."""
    text = " ".join(body.decode(errors="replace").split())
    return f": {text[:300]}" if "errors" in text else ""
