"""The station table of AMeDAS: where a station is, what it is called, what it measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.native import number, text


@dataclass(frozen=True, slots=True)
class Station:
    """One station.

    Attributes:
        longitude: in degrees.
        latitude: in degrees.
        properties: as items carry them.
        name: in English, or as it is known.
    """

    longitude: float
    latitude: float
    properties: Mapping[str, Any]
    name: str


def is_table(document: Any) -> bool:
    """Whether a document is the station table: stations by their code, each with a position."""
    return (
        isinstance(document, Mapping)
        and bool(document)
        and all(isinstance(entry, Mapping) and {"lat", "lon"} <= entry.keys() for entry in document.values())
    )


def read_table(document: Mapping[str, Any]) -> dict[str, Station]:
    """Return the stations by code; one without a readable position is not among them."""
    stations = {}
    for code, entry in document.items():
        longitude, latitude = _degrees(entry.get("lon")), _degrees(entry.get("lat"))
        if longitude is None or latitude is None or abs(longitude) > 180 or abs(latitude) > 90:
            continue
        said = {
            "amedas:station": str(code),
            "amedas:type": text(entry.get("type")),
            "amedas:elements": text(entry.get("elems")),
            "amedas:altitude": number(entry.get("alt")),
            "amedas:name_en": text(entry.get("enName")),
            "amedas:name_ja": text(entry.get("kjName")),
            "amedas:name_kana": text(entry.get("knName")),
        }
        properties = {name: value for name, value in said.items() if value is not None}
        names = [said[key] for key in ("amedas:name_en", "amedas:name_ja") if said[key]]
        name = " ".join(map(str, names)) or str(code)
        stations[str(code)] = Station(longitude, latitude, properties, name)
    return stations


def _degrees(value: Any) -> float | None:
    """Read `[35, 41.5]`, degrees and minutes, as 35.691667."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    degrees, minutes = number(value[0]), number(value[1])
    if degrees is None or minutes is None or not 0 <= minutes < 60:
        return None
    return round(degrees + (minutes / 60 if degrees >= 0 else -minutes / 60), 6)
