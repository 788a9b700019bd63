"""An upstream that lives: products are added, changed and deleted while it is asked.

It speaks as CDSE's STAC API with its OData catalogue (changes and deletions), and as G-Portal's CSW (which has
neither). What it holds is known, so that a test can compare the catalogue with it, item by item.
"""

import json
import re
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ingest.times import format_time, parse_time
from tests.replay.server import Answer, Request, as_json
from tests.unit.documents import record_collection, sentinel_2, sgli
from tests.unit.odata_documents import deleted, product

_WINDOW = 10_000
_PRODUCT = "00000000-1111-5222-8333-444444444444"
S2, SGLI = "sentinel-2-l2a", "gcom-c-sgli-l2-rsrf"


@dataclass(frozen=True, slots=True)
class Product:
    """One product.

    Attributes:
        number: makes its name and its native id.
        version: of its description; with it changes the cloud cover that is said.
    """

    number: int
    time: datetime
    modified: datetime
    version: int = 0

    @property
    def cloud_cover(self) -> int:
        """What its description says of clouds; tells versions apart."""
        return self.version % 100

    @property
    def uuid(self) -> str:
        """Its native id at CDSE."""
        return f"00000000-0000-4000-8000-{self.number:012}"

    @property
    def sentinel_2(self) -> str:
        """Its name as a product of Sentinel-2."""
        return f"S2A_MSIL2A_{self.time:%Y%m%dT%H%M%S}_N0510_R074_T54SUE_{_stamp(self.number)}"

    @property
    def sgli(self) -> str:
        """Its name as a product of SGLI."""
        return f"GC1SG1_{self.time:%Y%m%d}D01D_T0528_L2SG_RSRFQ_{self.number:08}"


def _stamp(number: int) -> str:
    return f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number):%Y%m%dT%H%M%S}"


class Living:
    """Products of one collection, and how they are told.

    Attributes:
        page_size: most records of a page.
        says_count: whether CDSE says how many items match.
        bend: changes each answer before it is sent: faults.
        skew: how far its clock is ahead of ours.
    """

    def __init__(self, page_size: int = 100, *, says_count: bool = True) -> None:
        self.page_size = page_size
        self.says_count = says_count
        self.bend: Callable[[Request, Answer], Answer] = lambda request, answer: answer
        self.skew = timedelta(0)
        self._lock = threading.Lock()
        self._products: dict[int, Product] = {}
        self._sorted: list[tuple[datetime, int]] | None = None
        self._deleted: list[tuple[datetime, Product]] = []
        self._next = 1
        self._item = json.dumps(sentinel_2("IDENTIFIER"))
        self._record = json.dumps(sgli("IDENTIFIER"))

    # -- what happens to it ---------------------------------------------------------------------

    def now(self) -> datetime:
        """Its own time."""
        return datetime.now(UTC) + self.skew

    def add(self, *times: datetime, modified: datetime | None = None) -> list[Product]:
        """Add products that were acquired at some times."""
        with self._lock:
            added = []
            for time in times:
                new = Product(self._next, time.replace(microsecond=0), modified or self.now())
                self._products[new.number] = new
                self._next += 1
                added.append(new)
            self._sorted = None
            return added

    def change(self, number: int) -> None:
        """Change the description of a product."""
        with self._lock:
            old = self._products[number]
            self._products[number] = replace(old, version=old.version + 1, modified=self.now())

    def delete(self, number: int) -> None:
        """Delete a product."""
        with self._lock:
            gone = self._products.pop(number)
            self._deleted.append((self.now(), gone))
            self._sorted = None

    def restore(self, product: Product) -> None:
        """List a product again that was deleted."""
        with self._lock:
            self._products[product.number] = replace(product, modified=self.now())
            self._sorted = None

    def products(self) -> list[Product]:
        """Return all that it holds, by time of acquisition."""
        with self._lock:
            return [self._products[number] for _, number in self._in_order()]

    def expected(self, source: str) -> dict[str, int]:
        """Return what the catalogue should hold of it: cloud cover by id."""
        return {one.sentinel_2 if source == "cdse" else one.sgli: one.cloud_cover for one in self.products()}

    # -- what it answers ------------------------------------------------------------------------

    def __call__(self, request: Request) -> Answer:
        return self.bend(request, self._answer(request))

    def _answer(self, request: Request) -> Answer:
        if request.path.endswith("/search"):
            return self._search(request)
        if "/odata/v1/" in request.path:
            return self._odata(request)
        if request.query.get("request") == "GetRecords":
            return self._csw(request)
        return Answer(b'{"code": "NotFoundError"}', 404)

    def _in_order(self) -> list[tuple[datetime, int]]:
        if self._sorted is None:
            self._sorted = sorted((one.time, one.number) for one in self._products.values())
        return self._sorted

    def _between(self, start: datetime | None, end: datetime | None, *, closed: bool) -> list[Product]:
        """Return the products acquired in a span, in order."""
        with self._lock:
            order = self._in_order()
            first = bisect_left(order, (start, 0)) if start else 0
            last = bisect_left(order, (end, 10**9 if closed else 0)) if end else len(order)
            return [self._products[number] for _, number in order[first:last]]

    def _search(self, request: Request) -> Answer:
        wanted = request.body if request.method == "POST" else request.query
        if S2 not in wanted.get("collections", [S2]):
            return as_json({"type": "FeatureCollection", "features": [], "links": []})
        if "ids" in wanted:
            ids = set(wanted["ids"])
            found = [one for one in self.products() if one.sentinel_2 in ids]
        else:
            start, end = (wanted.get("datetime") or "../..").split("/")
            found = self._between(_moment(start), _moment(end), closed=True)
        size, skip = min(self.page_size, int(wanted.get("limit", 10))), int(wanted.get("token", "0"))
        page = found[skip : skip + size]
        links = []
        if skip + size < len(found):
            links.append(
                {
                    "rel": "next",
                    "method": "POST",
                    "href": f"http://{request.headers['host']}/search",
                    "body": {**wanted, "token": str(skip + size)},
                }
            )
        features = ",".join(self._as_item(one) for one in page)
        count = f'"numberMatched": {len(found)},' if self.says_count else ""
        text = (
            f'{{"type": "FeatureCollection", {count} "links": {json.dumps(links)}, "features": [{features}]}}'
        )
        return Answer(text.encode(), headers={"content-type": "application/geo+json"})

    def _as_item(self, one: Product) -> str:
        moment = format_time(one.time)
        return (
            self._item.replace("IDENTIFIER", one.sentinel_2)
            .replace("2024-01-15T01:27:01.024Z", moment)
            .replace('"updated": "2024-01-15T04:20:00.000000Z"', f'"updated": "{format_time(one.modified)}"')
            .replace('"eo:cloud_cover": 12.5', f'"eo:cloud_cover": {one.cloud_cover}')
            .replace(_PRODUCT, one.uuid)
        )

    def _odata(self, request: Request) -> Answer:
        condition = request.query["$filter"]
        if "SENTINEL-2" not in condition:
            return as_json({"@odata.context": "$metadata#Products", "value": []})
        entities = request.path.rsplit("/", 1)[-1]
        cursor = "DeletionDate" if entities == "DeletedProducts" else "ModificationDate"
        after, before = (re.search(rf"{cursor} {sign} (\S+)", condition) for sign in ("ge", "lt"))
        with self._lock:
            told = (
                self._deleted
                if cursor == "DeletionDate"
                else [(one.modified, one) for one in self._products.values()]
            )
            found = sorted(
                (
                    (moment, one)
                    for moment, one in told
                    if (not after or moment >= parse_time(after[1]))
                    and (not before or moment < parse_time(before[1]))
                ),
                key=lambda entry: (entry[0], entry[1].uuid),
            )
        top, skip = int(request.query["$top"]), int(request.query.get("$skip", "0"))
        kind = deleted if cursor == "DeletionDate" else product
        value = [
            kind(f"{one.sentinel_2}.SAFE", one.number, **{cursor: format_time(moment)})
            for moment, one in found[skip : skip + top]
        ]
        page: dict[str, Any] = {"@odata.context": f"$metadata#{entities}", "value": value}
        if skip + 2 * top <= _WINDOW and skip + top < len(found):
            following = urlencode({**request.query, "$skip": str(skip + top)})
            page["@odata.nextLink"] = f"http://{request.headers['host']}{request.path}?{following}"
        return as_json(page)

    def _csw(self, request: Request) -> Answer:
        query = request.query
        found = self._between(
            _moment(query.get("startTime", "..")), _moment(query.get("endTime", "..")), closed=True
        )
        start, size = int(query["startIndex"]) - 1, min(self.page_size, int(query["count"]))
        page = [json.loads(self._as_record(one)) for one in found[start : start + size]]
        return as_json(record_collection(page, len(found)))

    def _as_record(self, one: Product) -> str:
        moment = f"{one.time:%Y-%m-%dT%H:%M:%S}.00Z"
        return (
            self._record.replace("IDENTIFIER", one.sgli)
            .replace("2024-04-09T01:37:44.40Z", moment)
            .replace("2024-04-09T03:21:32.40Z", moment)
            .replace('"cloudCoverPercentage": "70"', f'"cloudCoverPercentage": "{one.cloud_cover}"')
        )


def _moment(text: str) -> datetime | None:
    return None if text in ("..", "") else parse_time(text)
