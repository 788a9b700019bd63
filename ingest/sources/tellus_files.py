"""The files of a Tellus scene as assets.

A file has no address of its own: a POST to `.../files/<n>/download-url/` with a token answers with a
signed one that holds for about an hour. That address is what an asset gives, with the scheme that says so.
"""

import re
from collections.abc import Mapping
from typing import Any

from ingest.native import entries, integer, text

_MEDIA_TYPES = {"image/tiff": "image/tiff; application=geotiff"}
_METADATA = re.compile(r"(HDR|VOL|LED|TRL|SUP|summary)\b", re.IGNORECASE)


def assets_of_files(scene: Mapping[str, Any], address: str, name: str | None) -> dict[str, dict[str, Any]]:
    """Return the assets of a scene that comes with its `files`, and `thumbnails` if it has them.

    Args:
        scene: the scene; without the lists there are no assets.
        address: of the scene in the API.
        name: `tellus:name`, which the names of its files contain.

    Raises:
        RecordRefused: `bad-structure`; a list is no list.
    """
    assets: dict[str, dict[str, Any]] = {}
    for kind in ("files", "thumbnails"):
        for file in entries(scene, kind):
            if not isinstance(file, Mapping) or file.get("is_downloadable") is False:
                continue
            number, filename = integer(file.get("id")), text(file.get("name"))
            if number is None or filename is None:
                continue
            key, role = ("thumbnail", "thumbnail") if kind == "thumbnails" else _place(filename, name)
            asset: dict[str, Any] = {
                "href": f"{address}/{kind}/{number}/download-url/",
                "title": filename,
                "roles": [role],
                "auth:refs": ["tellus"],
            }
            media_type, size = text(file.get("mime_type")), integer(file.get("size_bytes"))
            if media_type:
                asset["type"] = _MEDIA_TYPES.get(media_type, media_type)
            if size is not None and size >= 0:
                asset["file:size"] = size
            assets.setdefault(key if key not in assets else f"{key}-{number}", asset)
    return assets


def _place(filename: str, name: str | None) -> tuple[str, str]:
    """Return key and role of a file by its name: `IMG-04-ALAV2A…tif` is `img-04`."""
    stem = filename.rpartition(".")[0] or filename
    if stem.endswith("_thumb"):
        return "thumbnail", "thumbnail"
    if stem.endswith("_webcog"):
        return "visual", "overview"
    before = stem.partition(name)[0] if name and name in stem else stem
    key = re.sub(r"[^a-z0-9]+", "-", (before or stem).lower()).strip("-") or "data"
    return key, "metadata" if _METADATA.match(filename) else "data"
