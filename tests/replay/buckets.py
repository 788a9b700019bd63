"""Local servers that list as S3 does, and a tree of JAXA Earth as it links itself together."""

from dataclasses import dataclass, field
from typing import Any

from tests.replay.copernicus import Answer
from tests.unit.documents_buckets import column, listing, row


def error(code: str, message: str) -> bytes:
    """Return an answer of S3 to a request that it does not like."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    ).encode()


@dataclass
class Bucket:
    """ListObjectsV2 and GET: pages of few keys, delimiters, tokens that must be the one given last, errors.

    Attributes:
        objects: content by key; None for what is listed only.
        page_size: most keys of a page, as S3 has 1000.
        slow: requests to answer with 503 SlowDown first.
        absent: keys that are listed, but gone when they are asked for.
    """

    objects: dict[str, Any]
    name: str = "noaa-himawari9"
    page_size: int = 1000
    slow: int = 0
    absent: tuple[str, ...] = ()
    requests: list[str] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if self.slow:
            self.slow -= 1
            return 503, error("SlowDown", "Please reduce your request rate.")
        key = path.removeprefix("/")
        if key:
            if key not in self.objects or key in self.absent:
                return 404, error("NoSuchKey", "The specified key does not exist.")
            return 200, self.objects[key]
        if query.get("list-type") != "2":
            return 403, error("AccessDenied", "Access Denied")
        return self._listed(query)

    def _listed(self, query: dict[str, str]) -> Answer:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        names: list[str] = []
        for key in sorted(self.objects):
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            name = prefix + rest.split(delimiter)[0] + delimiter if delimiter and delimiter in rest else key
            if name not in names:
                names.append(name)
        token = query.get("continuation-token")
        if token is not None and not token.startswith("after:"):
            return 400, error("InvalidArgument", "The continuation token provided is incorrect")
        if token:
            names = [name for name in names if name > token.removeprefix("after:")]
        size = min(self.page_size, int(query.get("max-keys", "1000")))
        page, more = names[:size], len(names) > size
        return 200, listing(
            *[name for name in page if name in self.objects],
            bucket=self.name,
            prefix=prefix,
            prefixes=tuple(name for name in page if name not in self.objects),
            token=f"after:{page[-1]}" if more else None,
        )


def jaxa_earth(
    collections: dict[str, dict[str, dict[int, dict[str, Any]]]], origin: str = "", **summaries: Any
) -> dict[str, Any]:
    """Return the files of a catalogue, by path.

    Args:
        collections: by native id, date label and level, the items by label of their tile.
        origin: what absolute links begin with; every second link is relative.
        summaries: of every collection.
    """
    files: dict[str, Any] = {}
    for collection, dates in collections.items():
        home = f"/{collection}/collection.json"
        _link(files, "/catalog.json", home, origin)
        files[home] = {
            "type": "Collection",
            "id": collection,
            "links": [],
            "summaries": {"je:epsg": [4326], **summaries},
        }
        for date, levels in dates.items():
            above, folder = home, f"/{collection}"
            for part in date.split("/"):
                folder = f"{folder}/{part}"
                _link(files, above, f"{folder}/catalog.json", origin)
                above = f"{folder}/catalog.json"
            for level, tiles in levels.items():
                at_level = f"{folder}/{level}/catalog.json"
                _link(files, above, at_level, origin)
                for tile, item in tiles.items():
                    in_column = f"{folder}/{level}/{column(tile)}/catalog.json"
                    _link(files, at_level, in_column, origin)
                    file = f"{folder}/{level}/{column(tile)}/{row(tile)}.json"
                    _link(files, in_column, file, origin, rel="item")
                    files[file] = item
    return files


def _link(files: dict[str, Any], source: str, target: str, origin: str, rel: str = "child") -> None:
    """Add a link between two files, the one that it stands in made where it is not there yet."""
    catalogue = files.setdefault(source, {"type": "Catalog", "stac_version": "1.0.0", "links": []})
    relative = "./" + target.removeprefix(source.rsplit("/", 1)[0] + "/")
    if not any(link["href"] in (relative, origin + target) for link in catalogue["links"]):
        href = origin + target if len(catalogue["links"]) % 2 == 0 else relative
        catalogue["links"].append({"rel": rel, "href": href})
