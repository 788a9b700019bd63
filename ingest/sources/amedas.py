"""AMeDAS, the automatic weather stations of the Japan Meteorological Agency: in-situ observations.

Facts and quirks: docs/reference/sources/amedas.md. Three static files: the station table, one file per
station and three hours, one file per ten minutes for all stations. Their times are Japan's (UTC+9), and which
station and time a file is of stands in its address.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, RecordRefused, UpstreamChanged
from ingest.contract import BoundingBox, Collection, Item, Kind, Page, Record, Selection, Window
from ingest.definition import Definition, load_definition
from ingest.fetch import Fetcher, UpstreamStatus
from ingest.geometry import intersects_box
from ingest.native import integer
from ingest.sources.amedas_observations import (
    JAPAN,
    SLOT,
    STEP,
    columns,
    is_by_station,
    is_by_time,
    moment,
    next_step,
    observed,
    slot,
    station_of,
)
from ingest.sources.amedas_stations import Station, is_table, read_table
from ingest.times import parse_time

_FILE = Path(__file__).with_suffix(".yaml")
_TABLE_EXTENSION = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
_STATION_FILE = re.compile(r"(?P<station>\d{5})[/_](?P<day>\d{8})_(?P<hour>\d\d)(?!\d)")
_MAP_FILE = re.compile(r"(?<!\d)(?P<time>\d{14})(?!\d)")
_STATIONS, _MAP = "jma-amedas", "jma-amedas-map"


class AmedasDefinition(Definition):
    """What `amedas.yaml` says beyond the common."""

    files_per_run: int
    retention_days: int
    missing_flags: frozenset[int]
    variables: dict[str, str]


class Amedas:
    """The weather stations of JMA.

    Attributes:
        companions: names of files that are read too where they lie beside one given by `--from-file`.
    """

    name = "amedas"
    companions = ("amedastable.json",)

    def __init__(self, catalog: Definitions, http: Fetcher | None = None, url: str | None = None) -> None:
        """Make the source.

        Args:
            catalog: definitions of our collections.
            http: needed by `pages` alone.
            url: another base address than JMA's own.
        """
        self.definition = load_definition(AmedasDefinition, _FILE)
        self._base = (url or self.definition.endpoint).rstrip("/")
        self._http = http
        self._catalog = catalog
        self._stations: dict[str, Station] = {}

    async def pages(self, selection: Selection) -> AsyncIterator[Page]:
        """Ask for the files of a time, oldest first; without one, for the last of each kind."""
        if self._http is None:
            raise ValueError("pages need a fetcher")
        unknown = set(selection.collections) - {_STATIONS, _MAP}
        if unknown:
            raise ConfigurationError(f"amedas has no collection {', '.join(sorted(unknown))}")
        table = f"{self._base}/const/amedastable.json"
        document = await self._http.get_json(table)
        if not is_table(document):
            raise UpstreamChanged(f"{table}: the answer is no table of stations")
        self._stations = read_table(document)
        said = await self._http.get_text(f"{self._base}/data/latest_time.txt")
        try:
            latest = parse_time(said)
        except RecordRefused as error:
            raise UpstreamChanged(f"{self._base}/data/latest_time.txt: {error.reason}") from error
        asked = 0
        for address in self._addresses(selection, latest):
            if asked == self.definition.files_per_run:
                raise ConfigurationError(
                    f"amedas: {asked} files were asked for, the most of one run; "
                    "ask for the rest with a smaller --datetime or --bbox"
                )
            asked += 1
            try:
                content = await self._http.get_json(f"{self._base}{address}")
            except UpstreamStatus as error:
                if error.status == 404:  # not made yet, no longer kept, or a station that was not at work
                    continue
                raise
            yield Page(content, f"{self._base}{address}")

    def records(self, page: Page) -> Iterator[Record]:
        """Accept the station table, a file of one station, or a file of all stations at one time."""
        document = page.document
        name = page.origin.replace("\\", "/")
        if is_table(document):
            self._stations.update(read_table(document))
            yield Record({"stations": document}, _STATIONS, Kind.COLLECTION)
        elif is_by_time(document):
            found = _STATION_FILE.search(name)
            native = {"file": found.groupdict() if found else None, "observations": document}
            yield Record(native, found.group() if found else None)
        elif is_by_station(document):
            found = _MAP_FILE.search(name.rpartition("/")[2])
            time = found.group() if found else None
            yield Record({"time": time, "map": document}, time)
        else:
            raise UpstreamChanged(
                f"{page.origin} is no file of AMeDAS: it holds neither stations nor observations by time or station"
            )

    def to_item(self, record: Record) -> Item:
        """Turn a file of observations into an item (docs/reference/sources/amedas.md)."""
        native = record.native
        if isinstance(native.get("map"), Mapping):
            return self._map_item(native["map"], native.get("time"))
        observations = native.get("observations")
        if not isinstance(observations, Mapping):
            raise RecordRefused("bad-structure", "the record holds no observations")
        return self._station_item(observations, native.get("file"))

    def to_collection(self, record: Record) -> Collection:
        """Turn the station table into the collection of stations, with their number and extent.

        The table has no date, and an item needs one: stations become items by their observations.
        """
        stations = read_table(record.native["stations"]).values()
        if not stations:
            raise RecordRefused("no-stations", "no station of the table has a position")
        collection = self._catalog.render(_STATIONS)
        longitudes, latitudes = [one.longitude for one in stations], [one.latitude for one in stations]
        bbox = [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
        extent = {**collection["extent"], "spatial": {"bbox": [bbox]}}
        return {**collection, "extent": extent, "amedas:stations": len(stations)}

    async def describe(self, collection: str) -> Collection | None:
        """Return None: both collections are defined here."""
        return None

    # -- asking -------------------------------------------------------------------------------

    def _addresses(self, selection: Selection, latest: datetime) -> Iterator[str]:
        wanted = selection.collections or (_STATIONS, _MAP)
        window = selection.window
        open_window = window.start is None and window.end is None
        if _STATIONS in wanted:
            codes = [code for code, one in self._stations.items() if _is_within(one, selection.bbox)]
            for start in self._times(Window(slot(latest)) if open_window else window, latest, SLOT):
                yield from (f"/data/point/{code}/{start:%Y%m%d_%H}.json" for code in codes)
        if _MAP in wanted:
            for time in self._times(Window(latest) if open_window else window, latest, STEP):
                yield f"/data/map/{time:%Y%m%d%H%M%S}.json"

    def _times(self, window: Window, latest: datetime, step: timedelta) -> Iterator[datetime]:
        """Give the files' times that a window meets, in Japan's time, none older than what is kept."""
        oldest = latest - timedelta(days=self.definition.retention_days)
        start = max(window.start or oldest, oldest).astimezone(JAPAN)
        time = slot(start) if step == SLOT else next_step(start)
        while time <= latest and (window.end is None or time < window.end):
            yield time
            time += step

    # -- reading ------------------------------------------------------------------------------

    def _station_item(self, said: Mapping[str, Any], file: Any) -> Item:
        entries = {moment(time): entry for time, entry in said.items() if isinstance(entry, Mapping)}
        if not entries:
            raise RecordRefused("bad-structure", "no observation of the file is an object")
        times, observations = sorted(entries), list(entries.values())
        station = station_of(observations, file["station"] if file else None)
        if station not in self._stations:
            raise RecordRefused("unknown-station", _unplaced(f"station {station}"))
        known = self._stations[station]
        # A file is what its name says, even where observations in it are of another time.
        first = slot(times[0])
        day, hour = (file["day"], file["hour"]) if file else (f"{first:%Y%m%d}", f"{first:%H}")
        ends = f"{times[0]:%Y-%m-%d %H:%M}" + (f" to {times[-1]:%H:%M}" if len(times) > 1 else "")
        region = integer(observations[0].get("prefNumber"))
        properties = {
            "title": f"AMeDAS {known.name}, {ends} JST",
            "start_datetime": times[0].astimezone(UTC).isoformat(),
            "end_datetime": times[-1].astimezone(UTC).isoformat(),
            **known.properties,
            **({"amedas:region": region} if region is not None else {}),
        }
        return self._item(
            f"amedas-{station}-{day}T{hour}",
            _STATIONS,
            {"type": "Point", "coordinates": [known.longitude, known.latitude]},
            properties,
            f"/data/point/{station}/{day}_{hour}.json",
            observations,
        )

    def _map_item(self, said: Mapping[str, Any], digits: Any) -> Item:
        if not isinstance(digits, str):
            raise RecordRefused(
                "no-datetime", "a file of all stations says its time in its name only (20260919123000.json)"
            )
        time = moment(digits)
        entries = {code: entry for code, entry in said.items() if isinstance(entry, Mapping)}
        placed = [self._stations[code] for code in entries if code in self._stations]
        if not placed:
            raise RecordRefused("unknown-station", _unplaced("none of the stations"))
        properties: dict[str, Any] = {
            "title": f"AMeDAS, all stations, {time:%Y-%m-%d %H:%M} JST",
            "datetime": time.astimezone(UTC).isoformat(),
            "amedas:stations": len(entries),
        }
        if len(placed) < len(entries):
            properties["amedas:stations_without_position"] = len(entries) - len(placed)
        return self._item(
            f"amedas-map-{time:%Y%m%dT%H%M}",
            _MAP,
            {"type": "MultiPoint", "coordinates": [[one.longitude, one.latitude] for one in placed]},
            properties,
            f"/data/map/{digits}.json",
            list(entries.values()),
        )

    def _item(
        self,
        identifier: str,
        collection: str,
        geometry: dict[str, Any],
        properties: dict[str, Any],
        address: str,
        observations: list[Mapping[str, Any]],
    ) -> Item:
        definition = self.definition
        with_values = observed(observations, tuple(definition.variables), definition.missing_flags)
        asset = {
            "href": definition.endpoint + address,
            "type": "application/json",
            "title": "Observations",
            "roles": ["data"],
            "table:row_count": len(observations),
            "table:columns": columns(observations, definition.variables),
        }
        via = {"rel": "via", "href": asset["href"], "type": asset["type"], "title": definition.title}
        return {
            "id": identifier,
            "collection": collection,
            "geometry": geometry,
            "properties": {**properties, "amedas:variables": with_values},
            "assets": {"data": asset},
            "links": [via],
            "stac_extensions": [_TABLE_EXTENSION],
        }


def _unplaced(what: str) -> str:
    return (
        f"{what} is in no station table that was read: give amedastable.json too, or put it beside the file"
    )


def _is_within(station: Station, bbox: BoundingBox | None) -> bool:
    point = {"type": "Point", "coordinates": [station.longitude, station.latitude]}
    return bbox is None or intersects_box(point, bbox)
