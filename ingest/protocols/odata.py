"""OData 4 as a feed of changes, as the catalogue of the Copernicus Data Space speaks it.

A feed is read by a cursor on a date field. What the service allows shapes how: at most 1000 records a
page; results unordered, with repeats, unless an order is asked for; `@odata.nextLink` vanishes when
`$skip` + `$top` would pass 10,000, with no word that more follows. And a record that changes while pages
are walked leaves its place, so that all after it move up, one of them to a page that was read already. So
the next page is not what comes after so many records, but what comes from the last one's date on; what both
have is given once. Only where one moment fills a whole page `@odata.nextLink` is followed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from catalog.errors import RecordRefused, UpstreamChanged
from ingest.contract import Page
from ingest.fetch import Fetcher
from ingest.times import format_time, parse_time

MAX_PAGE = 1000
# No more records than this are listed in one chain of pages.
MAX_CHAIN = 10_000


@dataclass(frozen=True, slots=True)
class Feed:
    """What to follow.

    Attributes:
        address: of the entity set: `https://.../odata/v1/Products`.
        cursor: the date field that orders the feed: `ModificationDate`.
        conditions: further conditions in OData's own language, such as `Collection/Name eq 'SENTINEL-1'`.
        expand: navigation properties to include.
        page_size: records per page, at most 1000.
    """

    address: str
    cursor: str
    conditions: Sequence[str] = ()
    expand: Sequence[str] = ()
    page_size: int = MAX_PAGE

    def first(self, since: datetime, until: datetime | None) -> str:
        """Return the address of the first page of `[since, until)`."""
        bounds = [f"{self.cursor} ge {format_time(since)}"]
        if until is not None:
            bounds.append(f"{self.cursor} lt {format_time(until)}")
        query = [
            ("$filter", " and ".join([*self.conditions, *bounds])),
            ("$orderby", f"{self.cursor} asc"),
            ("$top", str(min(self.page_size, MAX_PAGE))),
            *(("$expand", name) for name in self.expand),
        ]
        return f"{self.address}?{urlencode(query, safe='$')}"


async def follow(
    http: Fetcher, feed: Feed, since: datetime, until: datetime | None = None
) -> AsyncIterator[Page]:
    """Give every record of a feed from a moment on, each once, page by page.

    Args:
        http: the client.
        feed: what to follow.
        since: the first moment; with a zone.
        until: the first moment that is too late; None for no end.

    Raises:
        UpstreamChanged: an answer is no page of the feed, its pages lead in a circle, or more records
            than a chain can list have one and the same date.
        UpstreamUnavailable: the service cannot be reached.
    """
    seen: set[tuple[str, datetime]] = set()
    while True:
        chain = _Chain(feed, since, seen)
        async for page in chain.pages(http, feed.first(since, until)):
            yield page
        if not chain.is_cut_off:
            return
        if not chain.is_ordered:
            raise UpstreamChanged(f"{feed.address}: the pages are not in the order of {feed.cursor}")
        if chain.latest <= since:
            raise UpstreamChanged(
                f"{feed.address}: {chain.listed} records have the {feed.cursor} {format_time(since)}: "
                "more than can be listed"
            )
        # The window shrinks to what the chain did not reach; its last moment is asked for again.
        since, seen = chain.latest, chain.at_latest


class _Chain:
    """A page, or several by `nextLink` where one moment fills more than one, or they come without order.

    Attributes:
        latest: how far the feed has come.
        at_latest: the records of that moment, which the next chain gives again.
        listed: how many records the service gave.
        is_ordered: whether their dates never went back.
    """

    def __init__(self, feed: Feed, since: datetime, seen: set[tuple[str, datetime]]) -> None:
        self._feed = feed
        self._since = since
        self._seen = seen
        self._is_left = False
        self._page_size = min(feed.page_size, MAX_PAGE)
        self.latest = since
        self.at_latest: set[tuple[str, datetime]] = set()
        self.listed = 0
        self.is_ordered = True

    @property
    def is_cut_off(self) -> bool:
        """Whether the service has more than it listed, or may have."""
        return self._is_left or self.listed + self._page_size > MAX_CHAIN

    async def pages(self, http: Fetcher, address: str) -> AsyncIterator[Page]:
        asked: set[str] = set()
        while address not in asked and self.listed < MAX_CHAIN:
            asked.add(address)
            document = await http.get_json(address)
            records = document.get("value") if isinstance(document, dict) else None
            if not isinstance(records, list):
                raise UpstreamChanged(f"{self._feed.address}: the answer is no page (it has no `value`)")
            self.listed += len(records)
            new = [record for record in records if self._is_new(record)]
            if new:
                yield Page({**document, "value": new}, address)
            following = document.get("@odata.nextLink")
            if not following or not records:
                return
            if not isinstance(following, str):
                raise UpstreamChanged(f"{self._feed.address}: @odata.nextLink is no address")
            if self.is_ordered and self.latest > self._since:
                self._is_left = True
                return
            address = following
        if address in asked:
            raise UpstreamChanged(f"{self._feed.address}: the pages lead in a circle")

    def _is_new(self, record: Any) -> bool:
        """Whether a record was not given before; notes how far the feed has come."""
        try:
            moment = parse_time(record.get(self._feed.cursor) if isinstance(record, Mapping) else None)
        except RecordRefused:
            return True  # for the source to refuse
        key = (str(record.get("Id")), moment)
        if moment > self.latest:
            self.latest, self.at_latest = moment, set()
        elif moment < self.latest:
            self.is_ordered = False
        if moment == self.latest:
            self.at_latest.add(key)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
