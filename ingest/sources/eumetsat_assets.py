"""The assets of a product of the EUMETSAT Data Store: its whole, its files, its metadata, its picture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ingest.checksums import multihash
from ingest.native import entries, lookup, members, number, text

if TYPE_CHECKING:
    from ingest.sources.eumetsat import EumetsatDefinition

_REFS = ["eumetsat"]
_ZIP = "application/zip"


def assets_of(feature: Mapping[str, Any], definition: "EumetsatDefinition") -> dict[str, Any]:
    """Return the assets of a search result.

    Raises:
        RecordRefused: `bad-structure`.
    """
    native = members(feature, "properties")
    links = members(native, "links")
    assets: dict[str, Any] = {}
    for link in _links(links, "data")[:1]:
        size = number(lookup(native, "productInformation.size"))
        assets["product"] = _asset(link, definition, ["data"]) | _file(
            size, text(lookup(native, "extraInformation.md5"))
        )
    for link in _links(links, "previews")[:1]:
        assets["thumbnail"] = _asset(link, definition, ["thumbnail"])
    for link in _links(links, "alternates"):
        key = "metadata-json" if link.get("mediaType") == "application/json" else "metadata"
        assets.setdefault(key, _asset(link, definition, ["metadata"]))
    files = _links(links, "sip-entries")
    for index, link in enumerate(files, start=1):
        name = (text(link.get("title")) or "").rsplit("/", 1)[-1]
        roles = _roles(name, text(link.get("mediaType")) or "")
        asset = _asset(link, definition, roles) | ({"title": name} if name else {})
        assets[_key(name, index, len(files), assets, feature, definition)] = asset
    return assets


def notified_assets(notice: Mapping[str, Any], definition: "EumetsatDefinition") -> dict[str, Any]:
    """Return the one asset of a notification: the whole product.

    Raises:
        RecordRefused: `bad-structure`.
    """
    for link in entries(notice, "links"):
        if isinstance(link, Mapping) and link.get("type") == _ZIP and text(link.get("href")):
            native = {"href": link["href"], "mediaType": _ZIP, "title": "Product download"}
            return {"product": _asset(native, definition, ["data"]) | _file(number(link.get("length")), None)}
    return {}


def _links(links: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [link for link in entries(links, name) if isinstance(link, Mapping) and text(link.get("href"))]


def _asset(link: Mapping[str, Any], definition: "EumetsatDefinition", roles: list[str]) -> dict[str, Any]:
    media = text(link.get("mediaType"))
    asset = {
        "href": text(link.get("href")),
        "type": definition.media_types.get(media or "", media),
        "title": text(link.get("title")),
        "roles": roles,
        "auth:refs": _REFS,
    }
    return {name: value for name, value in asset.items() if value is not None}


def _file(kilobytes: float | None, md5: str | None) -> dict[str, Any]:
    """Return size and checksum of the whole product. The store counts in kB: the size is a rounded one."""
    file: dict[str, Any] = {}
    if kilobytes is not None and 0 < kilobytes < 10**12:
        file["file:size"] = round(kilobytes * 1000)
    if checksum := multihash("MD5", md5):
        file["file:checksum"] = checksum
    return file


def _roles(name: str, media: str) -> list[str]:
    if media.startswith("image/"):
        return ["overview"]
    return ["metadata"] if name.lower().endswith((".xml", ".json", ".txt")) else ["data"]


def _key(
    name: str,
    number: int,
    count: int,
    taken: Mapping[str, Any],
    feature: Mapping[str, Any],
    definition: "EumetsatDefinition",
) -> str:
    """Return a short key that no other asset has: the file's name without ending, else its number.

    The one data file of a product that is named like the product itself is `data`.
    """
    stem, _, ending = name.rpartition(".")
    stem = stem or name
    if stem and stem == feature.get("id"):
        stem = "data"
    for key in (stem, f"{stem}-{ending}"):
        if stem and len(key) <= definition.max_key_length and key not in taken:
            return key
    key = f"entry-{number:0{len(str(count))}d}"
    while key in taken:
        key += "-"
    return key
