"""Field tables: which native field becomes which STAC field, as data in a source's definition file.

A table says for each STAC field where its value is (the first of several places that has one) and how
it is read. What needs a decision beyond that is code in the source.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ingest.native import integer, lookup, number, text

Cast = Literal["text", "integer", "number", "percentage", "azimuth", "elevation", "metres", "level", "list"]

_LEVEL = re.compile(r"(?:^|-)L?(\d[A-Z]?\d?)$")
_LENGTH = re.compile(r"([\d.]+)\s*(k?m)", re.IGNORECASE)


class Field(BaseModel):
    """Where the value of one STAC field comes from.

    Attributes:
        places: dotted paths in the native record; the first that holds a value counts.
        cast: how it is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    places: tuple[str, ...]
    cast: Cast = "text"


def map_fields(table: Mapping[str, Field], native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the STAC fields that a native record has values for.

    Args:
        table: by STAC field.
        native: the record; `""`, `-` and what cannot be read as the cast wants is no value.
    """
    properties = {}
    for name, field in table.items():
        for place in field.places:
            value = _CASTS[field.cast](lookup(native, place))
            if value is not None and value != "-":
                properties[name] = value
                break
    return properties


def percentage(value: Any) -> float | None:
    """Return a number from 0 to 100; some upstreams write -1 or 999 for unknown."""
    share = number(value)
    return share if share is not None and 0 <= share <= 100 else None


def azimuth(value: Any) -> float | None:
    """Return a bearing in degrees from 0 to 360, clockwise from north; some upstreams write -180 to 180."""
    angle = number(value)
    if angle is None or not -180 <= angle <= 360:
        return None
    return angle + 360 if angle < 0 else angle


def elevation(value: Any) -> float | None:
    """Return an angle above the horizon in degrees, from -90 to 90."""
    angle = number(value)
    return angle if angle is not None and abs(angle) <= 90 else None


def metres(value: Any) -> float | None:
    """Return `250m` and `1km` in metres; None for a resolution in degrees, which is no distance."""
    match = _LENGTH.fullmatch(text(value) or "")
    length = number(match.group(1)) if match else None
    if match is None or not length:
        return None
    return length * (1000 if match.group(2).lower() == "km" else 1)


def level(value: Any) -> str | None:
    """Return `L2` and `AMSR2-L1R` as `L2` and `L1R`; anything else is left to the vocabulary."""
    native = text(value)
    match = _LEVEL.search(native or "")
    return f"L{match.group(1)}" if match else native


def _listed(value: Any) -> list[str] | None:
    single = text(value)
    return [single] if single else None


_CASTS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "text": text,
        "integer": integer,
        "number": number,
        "percentage": percentage,
        "azimuth": azimuth,
        "elevation": elevation,
        "metres": metres,
        "level": level,
        "list": _listed,
    }
)
