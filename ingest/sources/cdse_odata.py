"""Products of the Copernicus Data Space's OData catalogue: the change feed beside its STAC API.

OData and STAC describe the same products; an OData record becomes the item that STAC gives, with the
same id and collection, though with fewer assets. Facts: docs/reference/sources/cdse.md. What is a table
stands in `cdse_odata.yaml`.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt

from catalog.errors import RecordRefused, UpstreamChanged
from catalog.homes import load_homes
from catalog.names import ProductName, parse_name
from ingest.contract import Item, Kind, Page, Record, Tombstone
from ingest.definition import load_definition
from ingest.fetch import Fetcher
from ingest.mapping import Field
from ingest.native import lookup, text
from ingest.protocols import odata
from ingest.sources.cdse_odata_item import assets_of, attributes_of, geometry_of, properties_of, timeliness_of
from ingest.times import parse_time

_FILE = Path(__file__).with_suffix(".yaml")
# Suffixes of packages, which STAC ids do not have.
_PACKAGE = re.compile(r"\.(SAFE|SEN3|SEN6|nc|zip|EOF|TGZ)$")
_TIMESTAMPS = {"published", "expires"}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _LeftOut(_Strict):
    type: re.Pattern[str]
    code: str
    reason: str


class _Feed(_Strict):
    collections: re.Pattern[str]
    name: str


class ODataDefinition(_Strict):
    """What `cdse_odata.yaml` says; each member is explained there."""

    endpoint: str
    page_size: PositiveInt
    download: str
    collection_names: tuple[str, ...]
    feeds: tuple[_Feed, ...]
    restricted_paths: tuple[str, ...]
    auxiliary_types: re.Pattern[str]
    left_out: tuple[_LeftOut, ...]
    durations: dict[str, dict[str, str]]
    durations_by_type: dict[str, dict[str, str]]
    properties: dict[str, Field]
    properties_of: dict[str, dict[str, Field]]
    lists_of: dict[str, dict[str, Field]]
    statistics: dict[str, Field]
    extensions: dict[str, str]


class ODataCatalogue:
    """Reads OData records of the Copernicus Data Space, and follows its changes and deletions."""

    def __init__(self, collections: Collection[str], url: str | None = None) -> None:
        """Make a reader.

        Args:
            collections: ids that CDSE's collections may have.
            url: another base address than the upstream's own; its `/odata/v1` is asked.
        """
        self.definition = load_definition(ODataDefinition, _FILE)
        self._endpoint = f"{url.rstrip('/')}/odata/v1" if url else self.definition.endpoint
        self._collections = collections
        self._homes = load_homes()

    # -- asking -------------------------------------------------------------------------------

    async def changed_ids(
        self, http: Fetcher, collection: str, since: datetime, until: datetime | None
    ) -> AsyncIterator[list[str]]:
        """Give the ids of items of a collection that were added or changed in `[since, until)`."""
        feeds = (feed.name for feed in self.definition.feeds if feed.collections.fullmatch(collection))
        name = next(feeds, None)
        names = self.definition.collection_names if name is None else (name,)
        async for page in self._follow(http, names, "Products", "ModificationDate", since, until):
            found = (self._id_in(record, collection) for record in self.records(page) or ())
            yield [identifier for identifier in found if identifier is not None]

    def _id_in(self, record: Record, collection: str) -> str | None:
        """Return the id of a product if it is of a collection; what is refused is of none."""
        try:
            native = {**record.native, "attributes": attributes_of(record.native)}
            identifier, found, _ = self._identify(native)
        except RecordRefused:
            return None
        return identifier if found == collection else None

    async def deletions(
        self, http: Fetcher, since: datetime, until: datetime | None = None
    ) -> AsyncIterator[Page]:
        """Give what was deleted in `[since, until)`."""
        names = self.definition.collection_names
        async for page in self._follow(http, names, "DeletedProducts", "DeletionDate", since, until):
            yield page

    async def _follow(
        self,
        http: Fetcher,
        names: Sequence[str],
        entities: str,
        cursor: str,
        since: datetime,
        until: datetime | None,
    ) -> AsyncIterator[Page]:
        for name in names:
            feed = odata.Feed(
                address=f"{self._endpoint}/{entities}",
                cursor=cursor,
                conditions=(f"Collection/Name eq '{name}'",),
                expand=("Attributes",),
                page_size=self.definition.page_size,
            )
            async for page in odata.follow(http, feed, since, until):
                yield page

    # -- reading ------------------------------------------------------------------------------

    def records(self, page: Page) -> Iterator[Record] | None:
        """Cut a page, a product, a page of deletions or messages; None if the document is no such thing.

        Raises:
            UpstreamChanged: it is a page of another OData service.
        """
        document = page.document
        if is_product(document):
            entries = [document]
        elif messages := _messages(document):
            entries = messages
        elif isinstance(document, Mapping) and isinstance(document.get("value"), list):
            entries = document["value"]
        else:
            return None
        context = str(document.get("@odata.context")) if isinstance(document, Mapping) else ""
        is_ours = any(is_product(entry) for entry in entries)
        if not is_ours and (entries or not re.search(r"#(Deleted)?Products\b", context)):
            raise UpstreamChanged(
                f"{page.origin} is no page of CDSE's OData catalogue: no product with `Id`, `Name` and dates is in it"
            )
        return (_record(entry) for entry in entries)

    def to_item(self, record: Record) -> Item:
        """Turn a product into an item.

        Raises:
            RecordRefused: `bad-id`, `no-product`, `restricted`, `auxiliary`, `unknown-collection`, `no-geometry`,
                `bad-geometry`, or a code of `left_out`.
        """
        native = {**record.native, "attributes": attributes_of(record.native)}
        identifier, collection, name = self._identify(native)
        geometry = geometry_of(native)
        properties = properties_of(native, name, self.definition)
        assets = assets_of(native, self.definition.download)
        used = {field.split(":")[0] for field in properties if ":" in field}
        used |= {part for asset in assets.values() for part in _prefixes(asset)}
        if _TIMESTAMPS & set(properties):
            used.add("timestamps")
        return {
            "id": identifier,
            "collection": collection,
            "geometry": geometry,
            "properties": properties,
            "assets": assets,
            "links": self._links(native),
            "stac_extensions": [url for prefix, url in self.definition.extensions.items() if prefix in used],
        }

    def to_tombstone(self, record: Record) -> Tombstone:
        """Turn a deleted product into a tombstone.

        Raises:
            RecordRefused: as `to_item`, apart from the geometry; `bad-datetime`.
        """
        native = {**record.native, "attributes": attributes_of(record.native)}
        identifier, collection, _ = self._identify(native)
        number = text(native.get("Id"))
        if number is None:
            raise RecordRefused("bad-id", "the deleted product has no Id")
        return Tombstone(
            id=identifier,
            collection=collection,
            native_id=number,
            deleted_at=parse_time(native.get("DeletionDate"), "DeletionDate"),
            reason=text(native.get("DeletionCause")),
        )

    def _identify(self, native: Mapping[str, Any]) -> tuple[str, str, ProductName | None]:
        """Return id, collection, and what the product's name says."""
        full = text(native.get("Name"))
        if full is None and is_message(native):
            said = text(native.get("ProductName")) or text(native.get("ProductId"))
            raise RecordRefused("no-product", f"the message of {said} no longer holds its product")
        if full is None:
            raise RecordRefused("bad-id", "the product has no Name")
        path = text(native.get("S3Path")) or ""
        if path.startswith(self.definition.restricted_paths):
            raise RecordRefused(
                "restricted", f"{full} is of a contributing mission: open to eligible users only"
            )
        name = parse_name(full)
        kind = text(lookup(native, "attributes.productType")) or _type_of(name)
        if kind is None:
            raise RecordRefused(
                "unknown-collection", f"neither an attribute nor its name tells the type of {full}"
            )
        if (name and name.is_auxiliary) or self.definition.auxiliary_types.fullmatch(kind):
            raise RecordRefused("auxiliary", f"{kind} is an auxiliary file: it shows no part of the Earth")
        return _PACKAGE.sub("", full), self._collection(kind, native, name), name

    def _collection(self, kind: str, native: Mapping[str, Any], name: ProductName | None) -> str:
        stream = timeliness_of(native, name)
        if not self._homes.knows(stream) and name:
            stream = name.timeliness
        collection = self._homes.collection_of(kind, stream)
        if collection in self._collections:
            return str(collection)
        if collection is not None:
            raise RecordRefused(
                "unknown-collection", f"{kind} would be of {collection}, which is not defined"
            )
        for left_out in self.definition.left_out:
            if left_out.type.fullmatch(kind):
                raise RecordRefused(left_out.code, f"{kind}: {left_out.reason}")
        # The land service names its collections itself.
        dataset = text(lookup(native, "attributes.datasetIdentifier"))
        if dataset and dataset.lower().startswith("clms_"):
            return dataset.lower()
        raise RecordRefused("unknown-collection", f"{kind} belongs to no collection of CDSE")

    def _links(self, native: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "rel": "via",
                "href": f"{self.definition.endpoint}/Products({native['Id']})",
                "type": "application/json",
                "title": "Copernicus Data Space Ecosystem, OData",
            }
        ]


def _messages(document: Any) -> list[Any]:
    """Return the products in messages of a subscription, one or a list of them; none of anything else.

    A message that lost its product, as old ones do, stands for itself, so that it is refused and counted.
    """
    listed = document if isinstance(document, list) else [document]
    if not all(map(is_message, listed)):
        return []
    return [one["value"] if is_product(one.get("value")) else one for one in listed]


def is_message(document: Any) -> bool:
    """Whether a JSON value is a message of a subscription."""
    return isinstance(document, Mapping) and "SubscriptionEvent" in document


def is_product(document: Any) -> bool:
    """Whether a JSON value is a product, or a deleted one, of this catalogue."""
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("Id"), str)
        and "Name" in document
        and ("ContentDate" in document or "DeletionDate" in document)
    )


def _record(entry: Any) -> Record:
    native = entry if isinstance(entry, Mapping) else {"value": entry}
    kind = Kind.TOMBSTONE if "DeletionDate" in native else Kind.ITEM
    names = (text(native.get(place)) for place in ("Name", "Id", "ProductName", "ProductId"))
    return Record(native, next((name for name in names if name), None), kind)


def _type_of(name: ProductName | None) -> str | None:
    if name is None or name.product_type is None:
        return None
    return name.product_type + ("-COG" if name.parts.get("cog") else "")


def _prefixes(asset: Mapping[str, Any]) -> set[str]:
    return {member.split(":")[0] for member in asset if ":" in member or member == "alternate"}
