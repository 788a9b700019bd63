"""A product of Copernicus Marine as a collection, and what products and datasets have alike."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from catalog.about import STAC_VERSION
from catalog.errors import RecordRefused
from ingest.contract import Collection
from ingest.footprint import wrapped_boxes
from ingest.native import entries, members, text
from ingest.protocols import static_stac
from ingest.times import format_time, parse_time

if TYPE_CHECKING:
    from ingest.sources.cmems import CmemsDefinition

_EXTENSIONS = {
    "attribution": "https://stac-extensions.github.io/attribution/v0.1.0/schema.json",
    "sci:doi": "https://stac-extensions.github.io/scientific/v1.0.0/schema.json",
}
_PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
_KEPT_LINKS = ("license", "cite-as", "describedby")
_LEVEL = re.compile(r"Level (\d)")
_MOMENTS = {"created": "creationDate", "updated": "admp_updated"}


def product_collection(native: Mapping[str, Any], definition: "CmemsDefinition") -> Collection:
    """Return a product as a collection: without contacts, which are people, and without its datasets.

    Raises:
        RecordRefused: `bad-id`, `bad-extent`, `in-preparation` or `bad-structure`.
    """
    identifier = text(native.get("id"))
    if identifier is None:
        raise RecordRefused("bad-id", "the product has no id")
    said = members(native, "properties")
    if said.get("isStaging") is True:
        raise RecordRefused("in-preparation", "the product is not published yet (isStaging)")
    home = f"{definition.endpoint}/{identifier}/product.stac.json"
    doi = text(native.get("sci:doi"))
    credit = f"{definition.credit}; https://doi.org/{doi}" if doi else definition.credit
    collection: Collection = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": identifier,
        "title": text(native.get("title")) or identifier,
        "description": text(native.get("description")) or identifier,
        "keywords": [word for word in entries(native, "keywords") if isinstance(word, str)],
        "license": "other",
        "attribution": f"Generated using {credit}",
        "providers": _providers(native),
        "extent": _extent(members(native, "extent")),
        "links": _links(native, identifier, home, definition),
    }
    if doi:
        collection |= {"sci:doi": doi, "sci:citation": credit}
    if summaries := _summaries(said, definition):
        collection["summaries"] = summaries
    for name, place in _MOMENTS.items():
        if moment := text(said.get(place)):
            collection[name] = format_time(parse_time(moment, place))
    if assets := assets_of(native, home, definition):
        collection["assets"] = assets
    extensions = [schema for name, schema in _EXTENSIONS.items() if name in collection]
    collection["stac_extensions"] = (
        [*extensions, _PROCESSING] if "processing:level" in summaries else extensions
    )
    return collection


def assets_of(native: Mapping[str, Any], home: str, definition: "CmemsDefinition") -> dict[str, Any]:
    """Return the assets of a product or dataset, without what only the service's own viewer needs.

    Args:
        native: the document.
        home: its address, which relative addresses start from.
        definition: says which members are kept, and the roles of assets that come without.

    Raises:
        RecordRefused: `bad-structure`.
    """
    assets = {}
    for key, asset in members(native, "assets").items():
        href = text(asset.get("href")) if isinstance(asset, Mapping) else None
        address = static_stac.absolute(href, home) if href else None
        if address is None or not isinstance(asset, Mapping):
            continue
        roles = asset.get("roles") or definition.roles.get(key)
        kept = {"href": address, "type": text(asset.get("type")), "roles": roles}
        kept |= {name: asset.get(name) for name in definition.asset_members}
        assets[key] = {name: value for name, value in kept.items() if value is not None}
    return assets


def via(href: str, media: str, definition: "CmemsDefinition") -> dict[str, Any]:
    """Return the link to the document upstream."""
    return {"rel": "via", "href": href, "type": media, "title": definition.title}


def _links(
    native: Mapping[str, Any], identifier: str, home: str, definition: "CmemsDefinition"
) -> list[dict[str, Any]]:
    links = [
        {name: link[name] for name in ("rel", "href", "type", "title") if isinstance(link.get(name), str)}
        for link in entries(native, "links")
        if isinstance(link, Mapping) and link.get("rel") in _KEPT_LINKS and text(link.get("href"))
    ]
    if not any(link["rel"] == "license" for link in links):
        links.append({"rel": "license", "href": definition.licence, "type": "text/html"})
    about = {"rel": "about", "href": definition.product_page + identifier, "type": "text/html"}
    return [*links, about, via(home, "application/json", definition)]


def _providers(native: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the organisations, without ways to reach people there."""
    return [
        {name: provider[name] for name in ("name", "roles", "url", "description") if name in provider}
        for provider in entries(native, "providers")
        if isinstance(provider, Mapping)
    ]


def _summaries(said: Mapping[str, Any], definition: "CmemsDefinition") -> dict[str, Any]:
    summaries: dict[str, Any] = {}
    if match := _LEVEL.fullmatch(text(said.get("processingLevel")) or ""):
        summaries["processing:level"] = [f"L{match[1]}"]
    for name, place in definition.summaries.items():
        values = [value for value in entries(said, place) if isinstance(value, str)]
        if values:
            summaries[name] = values
    return summaries


def _extent(native: Mapping[str, Any]) -> dict[str, Any]:
    boxes = entries(members(native, "spatial"), "bbox")
    if not boxes:
        raise RecordRefused("bad-extent", "the product has no extent in space")
    intervals = entries(members(native, "temporal"), "interval")
    spans = [
        [_moment(edge) for edge in span] for span in intervals if isinstance(span, list) and len(span) == 2
    ]
    return {
        "spatial": {"bbox": [list(part) for part in wrapped_boxes(boxes[0])]},
        "temporal": {"interval": spans[:1] or [[None, None]]},
    }


def _moment(value: Any) -> str | None:
    return None if value is None else format_time(parse_time(value, "extent.temporal.interval"))
