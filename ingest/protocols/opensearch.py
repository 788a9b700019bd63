"""OpenSearch EO with GeoJSON answers, as EUMETSAT's Data Store speaks it (`/os`).

Results are counted from `si`, at most 500 a page and 10,000 in all. What lies beyond is reached by
asking again from the start time of the last result; what comes again then is left out here.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog import jsontext
from catalog.errors import RecordRefused, UpstreamChanged
from ingest.contract import Page
from ingest.fetch import Fetcher
from ingest.native import integer, lookup
from ingest.protocols.paging import MOST_WALKS, SeenPages, Walk
from ingest.times import format_time, parse_time

MAX_PAGE = 500
MAX_RESULTS = 10_000
# Two products may change places if they start within the same moment.
_ORDER_SLACK = timedelta(seconds=1)

Span = tuple[datetime, datetime]


async def search(
    http: Fetcher,
    url: str,
    parameters: Mapping[str, str],
    page_size: int,
    *,
    max_results: int = MAX_RESULTS,
) -> AsyncIterator[Page]:
    """Ask for all products that fit, in the order of their start times.

    Args:
        http: the client.
        url: address of the search.
        parameters: the query, in the service's own names; `dtstart` moves on where it must.
        page_size: products per page; the service gives at most 500.
        max_results: how far `si` may reach.

    Raises:
        UpstreamChanged: an answer is no result list, a page comes again, the results are not in order, or
            more of them than can be listed begin at one time.
        UpstreamUnavailable: the service cannot be reached.
    """
    size = min(page_size, MAX_PAGE)
    query, listed, is_first = dict(parameters), _Listed(), True
    while True:
        listing = _Listing(http, url, query, size, max_results, listed)
        async for page in listing.pages():
            yield page if is_first else replace(page, matched=None)
            is_first = False
        if listing.is_complete:
            return
        following = listing.following()
        listed.forget_before(following)
        query = {**query, "dtstart": following}


class _Listing:
    """What the service lists of one query, up to where it lists no more.

    Attributes:
        is_complete: whether it listed all that matches.
    """

    def __init__(
        self,
        http: Fetcher,
        url: str,
        query: Mapping[str, str],
        size: int,
        max_results: int,
        listed: "_Listed",
    ) -> None:
        self.is_complete = False
        self._http = http
        self._url = url
        self._query = query
        self._size = size
        self._max_results = max_results
        self._listed = listed
        self._starts: list[datetime] = []
        self._new = 0

    async def pages(self) -> AsyncIterator[Page]:
        """Give the products that were not listed before, page by page."""
        for _ in range(MOST_WALKS):
            walk = Walk()
            async for page in self._pages_of(walk):
                yield page
            if not (self.is_complete and walk.has_shifted):
                return
            # A product that went makes a later page begin too late: what was listed is left out.

    async def _pages_of(self, walk: Walk) -> AsyncIterator[Page]:
        """Walk through the pages once."""
        self.is_complete, self._starts = False, []
        start, seen = 0, SeenPages()
        while start < self._max_results and not self.is_complete:
            where = self._place(start)
            document, features = await self._ask(start)
            seen.add(features, where)
            total = integer(document.get("totalResults"))
            walk.note(total)
            fresh = self._listed.take(features)
            self._new += len(fresh)
            if fresh:
                yield Page({**document, "features": fresh}, where, total)
            self._starts += [span[0] for span in map(span_of, features) if span]
            start += len(features)
            self.is_complete = not features if total is None else start >= total
            if not features and not self.is_complete:
                raise UpstreamChanged(f"{where}: no more products come, although {total} are said to match")

    async def _ask(self, start: int) -> tuple[Mapping[str, Any], list[Any]]:
        """Ask for the page that begins with the result of a number, and return it and its products."""
        page = {
            "format": "json",
            "sort": "start,time,1",
            "c": str(min(self._size, self._max_results - start)),
            "si": str(start),
        }
        document = await self._http.get_json(self._url, {**self._query, **page}, pause=pause_until)
        features = document.get("features") if isinstance(document, Mapping) else None
        if not isinstance(features, list):
            raise UpstreamChanged(f"{self._url}: the answer is no list of products (it has no `features`)")
        return document, features

    def following(self) -> str:
        """Return the start time from which on what lies beyond is to be asked for.

        Only here does the order matter: what follows must not begin before the last one listed.

        Raises:
            UpstreamChanged: the products are not in order, or too many begin at one time.
        """
        where, starts = self._place(self._max_results), self._starts
        if starts and max(starts) - starts[-1] > _ORDER_SLACK:
            raise UpstreamChanged(f"{where}: the products are not in the order of their start times")
        following = _instant(starts[-1]) if starts else None
        if following is None or following == self._query.get("dtstart") or not self._new:
            raise UpstreamChanged(
                f"{where}: more than {self._max_results} products cannot be told apart by their start"
            )
        return following

    def _place(self, start: int) -> str:
        query = self._query
        return f"{self._url} pi={query.get('pi', '')} dtstart={query.get('dtstart', '')} si={start}"


def pause_until(body: bytes) -> timedelta | None:
    """Return the pause that the body of a 429 asks for: `message.retryAfter`, in milliseconds since 1970."""
    try:
        document = jsontext.loads(body)
    except ValueError:
        return None
    moment = integer(lookup(document, "message.retryAfter")) if isinstance(document, Mapping) else None
    if moment is None or not 0 < moment < 10**14:
        return None
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    return max(timedelta(0), then - datetime.now(UTC))


def span_of(feature: Any) -> Span | None:
    """Return start and end of a product (`properties.date`, `start/end`), None if it has none."""
    date = lookup(feature, "properties.date") if isinstance(feature, Mapping) else None
    if not isinstance(date, str):
        return None
    first, _, last = date.partition("/")
    try:
        start = parse_time(first)
        return start, parse_time(last) if last else start
    except RecordRefused:
        return None


class _Listed:
    """The products that were listed and may come again, with the end of each."""

    def __init__(self) -> None:
        self._ends: dict[str, datetime] = {}

    def take(self, features: list[Any]) -> list[Any]:
        """Return the features that were not listed before, and remember them."""
        fresh = []
        for feature in features:
            identifier = feature.get("id") if isinstance(feature, Mapping) else None
            if not isinstance(identifier, str):
                fresh.append(feature)
                continue
            if identifier not in self._ends:
                fresh.append(feature)
                span = span_of(feature)
                self._ends[identifier] = span[1] if span else datetime.max.replace(tzinfo=UTC)
        return fresh

    def forget_before(self, moment: str) -> None:
        """Forget the products that ended before a time: they cannot come again."""
        edge = parse_time(moment) - _ORDER_SLACK
        self._ends = {name: end for name, end in self._ends.items() if end >= edge}


def _instant(moment: datetime) -> str:
    """Return a time for `dtstart`, cut to milliseconds, so that no product of the same one is left out."""
    return format_time(moment.replace(microsecond=moment.microsecond // 1000 * 1000))
