"""Tellus Satellite Data Traveler, the hub of Japan in the Copernicus arrangement.

Facts and quirks: docs/reference/sources/tellus.md. Everything needs a token. Data sets are collections:
those we know are defined here, others are described by Tellus itself, in Japanese.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from catalog.collection import CollectionDefinition
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import Collection, Item, Kind, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher
from ingest.mapping import Field, map_fields
from ingest.native import text
from ingest.protocols import tellus
from ingest.sources.tellus_datasets import PREFIX, UUID, described, facts_of, is_dataset
from ingest.sources.tellus_files import assets_of_files
from ingest.ummg import polarizations

_FILE = Path(__file__).with_suffix(".yaml")
_EXTENSIONS = {
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "product": "https://stac-extensions.github.io/product/v1.0.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
    "sar": "https://stac-extensions.github.io/sar/v1.3.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "view": "https://stac-extensions.github.io/view/v1.1.0/schema.json",
}
_FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_GLOBAL = "global"


class TellusDefinition(Definition):
    """What `tellus.yaml` says beyond the common."""

    smallest_page: int
    files_per_run: int
    networks: dict[str, str]
    properties: dict[str, Field]
    kept: tuple[str, ...]


class Tellus:
    """The data hub Tellus."""

    name = "tellus"

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections; they name data sets by their UUID.
            http: needed by `pages` and `describe` alone; it sends the token.
            url: another base address than Tellus's own.
        """
        self.definition = load_definition(TellusDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._catalog = catalog
        self._native = catalog.by_native(self.name)
        # Data sets that were met, for what scenes themselves do not say: network, price, order.
        self._datasets: dict[str, Mapping[str, Any]] = {}

    def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """List the data sets, then search one after the other, with the files of each scene."""
        return self._pages(selection, None)

    def changed_pages(self, selection: Selection, changed: Window) -> AsyncIterator[Page]:
        """Search for what was published in some time."""
        return self._pages(selection, changed)

    async def _pages(self, selection: Selection, published: Window | None) -> AsyncIterator[Page]:
        if self._http is None:
            raise ValueError("pages need a fetcher")
        for dataset in await tellus.listed(self._http, f"{self._base}/datasets/"):
            self._learn(dataset)
        size = selection.page_size or self.definition.page_size
        size = min(1000, max(self.definition.smallest_page, size))
        files_left = self.definition.files_per_run
        for dataset_id in self._wanted(selection.collections):
            body = tellus.search_body(selection, [dataset_id], size, published)
            async for page in tellus.search(self._http, self._base, body):
                features = page.document["features"]
                if self._facts(dataset_id).get("tellus:network") == _GLOBAL:
                    listed = [await self._with_files(scene) for scene in features[:files_left]]
                    features = [*listed, *features[files_left:]]
                    files_left -= len(listed)
                yield Page({**page.document, "features": features}, page.origin)

    def records(self, page: Page) -> Iterator[Record]:
        """Accept a search answer, a scene, a list of data sets, or one of them."""
        document = page.document
        if not isinstance(document, Mapping):
            raise UpstreamChanged(f"{page.origin} is no answer of Tellus: it is no JSON object")
        if document.get("type") == "FeatureCollection":
            found, kind = document.get("features"), Kind.ITEM
        elif document.get("type") == "Feature":
            found, kind = [document], Kind.ITEM
        else:
            found, kind = document.get("results", [document]), Kind.COLLECTION
        if not isinstance(found, list):
            raise UpstreamChanged(f"{page.origin} is no answer of Tellus: its entries are no list")
        if kind is Kind.COLLECTION and any(isinstance(one, Mapping) and "mime_type" in one for one in found):
            raise UpstreamChanged(
                f"{page.origin} is a list of files, which says not of which scene: give the scene instead"
            )
        recognises = _is_scene if kind is Kind.ITEM else is_dataset
        if (found or kind is Kind.COLLECTION) and not any(map(recognises, found)):
            raise UpstreamChanged(
                f"{page.origin} is no answer of Tellus: it holds neither scenes nor data sets"
            )
        for one in found:
            native = one if isinstance(one, Mapping) else {"value": one}
            if kind is Kind.COLLECTION:
                self._learn(native)
        for one in found:
            native = one if isinstance(one, Mapping) else {"value": one}
            yield Record(native, text(native.get("id")), kind)

    def to_item(self, record: Record) -> Item:
        """Turn a scene into an item, field by field (docs/reference/sources/tellus.md)."""
        native = record.native
        scene, dataset = text(native.get("id")), text(native.get("dataset_id"))
        if scene is None:
            raise RecordRefused("bad-id", "the scene has no id")
        if dataset is None or not UUID.fullmatch(dataset):
            raise RecordRefused("no-collection", f"the scene has no dataset_id: {dataset!r:.60}")
        said = native.get("properties")
        if not isinstance(said, Mapping):
            raise RecordRefused("no-properties", "the scene has no properties")
        definition = self._native.get(dataset)
        facts = self._facts(dataset)
        address = (
            f"{self.definition.endpoint}/datasets/{dataset}/data/{quote(scene, safe='', errors='replace')}"
        )
        assets = {}
        links = [_link("via", f"{address}/", self.definition.title)]
        if facts.get("tellus:network") == _GLOBAL:
            assets = assets_of_files(native, address, text(said.get("tellus:name")))
            links.append(
                _link("related", f"{address}/files/", "Files of the scene (needs a token of Tellus)")
            )
        properties = {**self._properties(said), **_sensor(definition), **facts, "tellus:dataset_id": dataset}
        return {
            "id": scene,
            "collection": definition.id if definition else PREFIX + dataset,
            "geometry": native.get("geometry"),
            "properties": properties,
            "assets": assets,
            "links": links,
            "stac_extensions": _extensions(properties, assets),
        }

    def to_collection(self, record: Record) -> Collection:
        """Turn a data set into a collection: our definition where there is one, else what Tellus says."""
        identifier = text(record.native.get("id"))
        definition = self._native.get(identifier or "")
        if definition is None:
            return described(record.native, self.definition.endpoint, _link)
        own = {**facts_of(record.native), "tellus:dataset_id": identifier}
        return {**self._catalog.render(definition.id), **own}

    async def describe(self, collection: str) -> Collection | None:
        """Return what Tellus says of a data set that our definitions lack, asking where it is not known yet."""
        identifier = collection.removeprefix(PREFIX)
        if not collection.startswith(PREFIX) or not UUID.fullmatch(identifier):
            return None
        native: Any = self._datasets.get(identifier)
        if native is None and self._http is not None:
            native = await tellus.one(self._http, f"{self._base}/datasets/{identifier}/")
        if native is None:
            return None
        if not is_dataset(native):
            raise UpstreamChanged(f"{self._base}/datasets/{identifier}/: the answer is no data set")
        return self.to_collection(Record(native, identifier, Kind.COLLECTION))

    # -- asking -------------------------------------------------------------------------------

    def _wanted(self, collections: tuple[str, ...]) -> list[str]:
        """Return the data sets to search; without any asked for, all that are free and need no order."""
        if not collections:
            return [
                dataset
                for dataset, native in self._datasets.items()
                if facts_of(native).get("tellus:free") and not native.get("is_order_required")
            ]
        known = {definition.id: dataset for dataset, definition in self._native.items()}
        wanted = {name: known.get(name) or name.removeprefix(PREFIX) for name in collections}
        missing = [name for name, dataset in wanted.items() if not UUID.fullmatch(dataset)]
        if missing:
            raise ConfigurationError(
                f"tellus has no collection {', '.join(sorted(missing))}: `kakehashi sources` lists what it has"
            )
        return list(wanted.values())

    async def _with_files(self, scene: Any) -> Any:
        """Return a scene with `files`, and with `thumbnails` where its files show none."""
        if self._http is None or not _is_scene(scene):
            return scene
        address = f"{self._base}/datasets/{scene['dataset_id']}/data/{quote(str(scene['id']), safe='', errors='replace')}"
        complete = {**scene, "files": await tellus.listed(self._http, f"{address}/files/")}
        if not any("_thumb." in (text(file.get("name")) or "") for file in complete["files"]):
            complete["thumbnails"] = await tellus.listed(self._http, f"{address}/thumbnails/")
        return complete

    # -- reading ------------------------------------------------------------------------------

    def _learn(self, dataset: Mapping[str, Any]) -> None:
        identifier = text(dataset.get("id"))
        if identifier and is_dataset(dataset):
            self._datasets[identifier] = dataset

    def _facts(self, dataset: str) -> dict[str, Any]:
        """Return how open a data set is: by its own document, else what is on record of its network."""
        native = self._datasets.get(dataset)
        if native is not None:
            return facts_of(native)
        network = self.definition.networks.get(dataset)
        return {"tellus:network": network} if network else {}

    def _properties(self, said: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in said.items() if name.startswith(self.definition.kept)}
        kept.pop("tellus:published_datetime", None)
        properties = {**kept, **map_fields(self.definition.properties, said)}
        native = said.get("sar:polarizations")
        found = polarizations(native)
        if found:
            properties["sar:polarizations"] = found
        if isinstance(native, str) and native != "+".join(found):
            properties["tellus:polarizations"] = native
        return properties


def _is_scene(entry: Any) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("dataset_id"), str) and "id" in entry


def _sensor(definition: CollectionDefinition | None) -> dict[str, Any]:
    """Return platform and instruments, which a scene does not name but its data set is of one only."""
    summaries = definition.summaries if definition else {}
    platforms, instruments = summaries.get("platform"), summaries.get("instruments")
    said: dict[str, Any] = {}
    if isinstance(platforms, list) and len(platforms) == 1:
        said["platform"] = platforms[0]
    if isinstance(instruments, list) and len(instruments) == 1:
        said["instruments"] = list(instruments)
    return said


def _extensions(properties: Mapping[str, Any], assets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    prefixes = {name.partition(":")[0] for name in properties if ":" in name}
    declared = [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes]
    return (
        [*declared, _FILE_EXTENSION] if any("file:size" in asset for asset in assets.values()) else declared
    )


def _link(rel: str, href: str, title: str) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": "application/json", "title": title}
