"""The files of a UMM-G granule as assets, and its other addresses as links."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from ingest.checksums import multihash
from ingest.native import integer, members, text
from ingest.ummg import objects, related

LOGIN = "earthdata"
"""Name of the authentication scheme that product files refer to."""

_DATA, _DIRECT = "GET DATA", "GET DATA VIA DIRECT ACCESS"
_ROLES = {
    "GET RELATED VISUALIZATION": ("overview", "overview"),
    "EXTENDED METADATA": ("metadata", "metadata"),
}


class Files(BaseModel):
    """What is known of files beyond the records.

    Attributes:
        login_hosts: ends of the names of hosts that give product files to known users only.
        media_types: by ending of the file's name, in lower case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    login_hosts: tuple[str, ...]
    media_types: dict[str, str]


def assets(
    umm: Mapping[str, Any], attributes: Mapping[str, Any], granule: str, files: Files
) -> dict[str, dict[str, Any]]:
    """Return the assets: `data` (or one per product file), `overview`, `metadata`, `thumbnail`.

    Args:
        umm: the granule.
        attributes: its additional attributes by name.
        granule: its id; what a file's name has beyond it becomes the key where there are several.
        files: media types and hosts.
    """
    urls = list(related(umm))
    data = [href for kind, href, _ in urls if kind == _DATA]
    direct = [href for kind, href, _ in urls if kind == _DIRECT]
    found: dict[str, dict[str, Any]] = {}
    for href in data:
        key = "data" if len(data) == 1 else _slug(href, granule)
        asset = {**_asset(href, "data", files), **_file(umm, attributes, href, alone=len(data) == 1)}
        twin = next((other for other in direct if _filename(other) == _filename(href)), None)
        if twin:
            asset["alternate"] = {"s3": {"href": twin, "title": "Within AWS us-west-2"}}
        found[_free(key, found)] = asset
    for href in direct:
        if _filename(href) not in map(_filename, data):
            found[_free("s3", found)] = _asset(href, "data", files)
    for kind, href, _ in urls:
        if kind in _ROLES:
            key, role = _ROLES[kind]
            found[_free(key, found)] = _asset(href, role, files)
    thumbnail = text(attributes.get("THUMBNAIL_URL"))
    if thumbnail and thumbnail.startswith("https://"):
        found[_free("thumbnail", found)] = _asset(thumbnail, "thumbnail", files)
    return found


def links(umm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the addresses that are no files of the granule: documentation, services, credentials."""
    found = []
    for kind, href, entry in related(umm):
        if kind not in {_DATA, _DIRECT, *_ROLES}:
            title = text(entry.get("Description"))
            found.append({"rel": "related", "href": href, **({"title": title} if title else {})})
    return found


def _asset(href: str, role: str, files: Files) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": href, "roles": [role]}
    media_type = files.media_types.get(_filename(href).rpartition(".")[2].lower())
    if media_type:
        asset["type"] = media_type
    if role == "data" and (href.startswith("s3:") or _host(href).endswith(files.login_hosts)):
        asset["title"] = "Product file (needs a free NASA Earthdata Login)"
        asset["auth:refs"] = [LOGIN]
    return asset


def _file(umm: Mapping[str, Any], attributes: Mapping[str, Any], href: str, *, alone: bool) -> dict[str, Any]:
    """Return size and checksum of a product file.

    ASF's attributes `BYTES` and `MD5SUM` speak of the one product file. The `Size` in rounded megabytes
    is no size in bytes and is left out.
    """
    size: int | None = None
    checksum: str | None = None
    for entry in objects(members(umm, "DataGranule"), "ArchiveAndDistributionInformation"):
        if text(entry.get("Name")) == _filename(href):
            size = integer(entry.get("SizeInBytes"))
            stated = members(entry, "Checksum")
            checksum = multihash(text(stated.get("Algorithm")), text(stated.get("Value")))
    if alone:
        size = size if size is not None else integer(attributes.get("BYTES"))
        checksum = checksum or multihash("MD5", text(attributes.get("MD5SUM")))
    said = {"file:size": size if size is not None and size >= 0 else None, "file:checksum": checksum}
    return {name: value for name, value in said.items() if value is not None}


def _filename(href: str) -> str:
    return href.partition("?")[0].rstrip("/").rpartition("/")[2]


def _host(href: str) -> str:
    try:
        return urlsplit(href).hostname or ""
    except ValueError:
        return ""


def _slug(href: str, granule: str) -> str:
    rest = _filename(href).replace(granule, "").lower()
    return re.sub(r"[^a-z0-9]+", "-", rest).strip("-") or "data"


def _free(key: str, taken: Mapping[str, Any]) -> str:
    candidates = (key if turn == 1 else f"{key}-{turn}" for turn in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)
