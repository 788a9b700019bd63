"""What one item of JAXA Earth stands for: the tiles of a date, or one of them; which, when and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.errors import RecordRefused
from ingest import jaxa_earth as names
from ingest.native import entries, members, text
from ingest.times import parse_time


@dataclass(frozen=True, slots=True)
class TileDocument:
    """An item as JAXA Earth has it.

    Attributes:
        address: where it was, None if that is not known.
        tile: its place in the grid.
        document: its members.
    """

    address: str | None
    tile: names.Tile
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Granule:
    """What becomes one item.

    Attributes:
        collection: native id.
        date: label of the date, as in addresses.
        epsg: code of the projection.
        level: COG level of the tiles.
        whole: whether these are all tiles of the date.
        start: first instant.
        end: last instant.
        tiles: one, or all of the date.
    """

    collection: str
    date: str
    epsg: int
    level: int | None
    whole: bool
    start: datetime
    end: datetime
    tiles: Sequence[TileDocument]

    @property
    def name(self) -> str:
        """Return the second half of the item's id: the date, and level and tile of a single one."""
        date = names.compact(self.date)
        return date if self.whole else f"{date}_l{self.level}_{self.tiles[0].tile.label}"


def read_granule(native: Mapping[str, Any], known: Sequence[str]) -> Granule:
    """Read a record: what a walk knows of it, else what its address says, else its own members.

    Args:
        native: `tiles`, each with `address` and `document`, and in a walk `collection`, `date`, `epsg`
            and `whole`.
        known: native ids of all collections, among which one that is not named is looked for.

    Raises:
        RecordRefused: `no-collection`, `no-assets`, `no-geometry`, `unknown-projection`,
            `bad-structure`, `bad-datetime` or `no-datetime`.
    """
    tiles = [_tile_document(entry) for entry in entries(native, "tiles")]
    if not tiles:
        raise RecordRefused("no-assets", "the date has no tiles")
    place = names.read_address(tiles[0].address)
    times = _times(tiles)
    collection = (
        text(native.get("collection"))
        or (place.collection if place else None)
        or text(tiles[0].document.get("collection"))
        or _only_one(tiles[0], times, known)
    )
    epsg = native.get("epsg") or names.epsg_of(collection)
    if not isinstance(epsg, int) or epsg not in names.PROJECTIONS:
        raise RecordRefused(
            "unknown-projection", f"the grid is in EPSG {epsg!r:.40}, not one of {names.PROJECTIONS}"
        )
    date = text(native.get("date")) or (place.date if place else None)
    start, end = _period(collection, date, tiles, times)
    return Granule(
        collection=collection,
        date=date or names.date_label(start, end, names.cadence_of(collection)),
        epsg=epsg,
        level=place.level if place else tiles[0].tile.level(epsg),
        whole=native.get("whole") is True,
        start=start,
        end=end,
        tiles=tiles,
    )


def _tile_document(entry: Any) -> TileDocument:
    document = entry.get("document") if isinstance(entry, Mapping) else None
    if not isinstance(document, Mapping):
        raise RecordRefused("bad-structure", "a tile is no JSON object")
    address = text(entry.get("address"))
    place = names.read_address(address)
    tile = place.tile if place else None
    for asset in members(document, "assets").values():
        read = names.read_file(asset.get("href")) if isinstance(asset, Mapping) else None
        tile = tile or (read[0] if read else None)
    if tile is None:
        raise RecordRefused(
            "no-geometry", "neither the address nor a file of the item names a tile of the grid"
        )
    return TileDocument(address, tile, document)


def _times(tiles: Sequence[TileDocument]) -> tuple[datetime, datetime] | None:
    """Return first and last instant of the tiles, None where one says neither."""
    spans = []
    for tile in tiles:
        properties = members(tile.document, "properties")
        start = properties.get("start_datetime") or properties.get("datetime")
        end = properties.get("end_datetime") or properties.get("datetime")
        if start is None or end is None:
            return None
        spans.append((parse_time(start, "start_datetime"), parse_time(end, "end_datetime")))
    return min(start for start, _ in spans), max(end for _, end in spans)


def _period(
    collection: str, date: str | None, tiles: Sequence[TileDocument], times: tuple[datetime, datetime] | None
) -> tuple[datetime, datetime]:
    """Return first and last instant: of a climatology its base period, which the bands are named after."""
    if names.is_climatology(collection):
        for band in members(tiles[0].document, "assets"):
            period = names.base_period(str(band))
            if period:
                return period
    if times:
        return times
    lasting = names.span(date, names.cadence_of(collection)) if date else None
    if lasting is None:
        raise RecordRefused("no-datetime", f"neither the item nor its date {date!r:.40} says a time")
    return lasting[0], lasting[1] - timedelta(seconds=1)


def _only_one(tile: TileDocument, times: tuple[datetime, datetime] | None, known: Sequence[str]) -> str:
    """Return the one collection that an item without an address fits: by satellite, sensor, band and period.

    Raises:
        RecordRefused: `no-collection`; none fits, or several do.
    """
    properties = members(tile.document, "properties")
    platform, instrument = text(properties.get("platform")), text(properties.get("instrument"))
    bands = [str(band).split("_")[0] for band in members(tile.document, "assets")]
    cadence = names.cadence_between(*times) if times else None
    fitting = []
    if platform and instrument and bands and cadence:
        carrier = f"_{platform}.{instrument}_".lower()
        fitting = [
            native
            for native in known
            if carrier in native.lower()
            and names.cadence_of(native) == cadence
            and not names.is_climatology(native)
            and any(band.lower() in _words(native) for band in bands)
        ]
    if len(fitting) != 1:
        found = (
            f"{len(fitting)} fit its satellite, sensor, band and period"
            if fitting
            else "none fits what it says"
        )
        raise RecordRefused("no-collection", f"the item does not say its collection, and {found}")
    return fitting[0]


def _words(native: str) -> set[str]:
    """Return the parts of an id; `v3` and the like do no harm."""
    return {
        part for half in native.lower().split("_") for name in half.split(".") for part in name.split("-")
    }
