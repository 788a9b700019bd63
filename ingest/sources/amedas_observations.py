"""Observations of AMeDAS: `{time or station: {variable: [value, flag]}}`.

A flag of 0 is normal; 5 and 6 say that a value is missing or was not observed, whatever stands beside
them (`null`, or a 0 that is none). Times are Japan's.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from catalog.errors import RecordRefused
from ingest.native import integer

JAPAN = timezone(timedelta(hours=9))
SLOT = timedelta(hours=3)
"""What one file of a station spans."""
STEP = timedelta(minutes=10)
"""Time between two observations."""

_TIME = re.compile(r"[0-9]{14}")
_CODE = re.compile(r"[0-9]{5}")


def is_by_time(document: Any) -> bool:
    """Whether a document is of one station: observations by time, `20250612120000`."""
    return _has_observations(document, _TIME)


def is_by_station(document: Any) -> bool:
    """Whether a document is of one time: observations by station, `44132`."""
    return _has_observations(document, _CODE)


def moment(digits: str) -> datetime:
    """Read `20250612120000`, a time of Japan.

    Raises:
        RecordRefused: `bad-datetime`; there is no such time.
    """
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=JAPAN)
    except ValueError as error:
        raise RecordRefused("bad-datetime", f"{digits!r:.40} is no time") from error


def slot(time: datetime) -> datetime:
    """Return the start of the three hours of Japan's day that a time is in."""
    local = time.astimezone(JAPAN)
    return local.replace(hour=local.hour // 3 * 3, minute=0, second=0, microsecond=0)


def next_step(time: datetime) -> datetime:
    """Return the first full ten minutes from a time on, in Japan's time."""
    local = time.astimezone(JAPAN)
    full = local.replace(minute=local.minute // 10 * 10, second=0, microsecond=0)
    return full if full == local else full + STEP


def station_of(entries: Iterable[Mapping[str, Any]], named: str | None) -> str:
    """Return the code of the one station that observations are of.

    Args:
        entries: observations of a station at several times.
        named: the code in the file's name, if it is there.

    Raises:
        RecordRefused: `no-station`, or `contradiction` where more than one is named.
    """
    codes = {named} if named else set()
    for entry in entries:
        region, number = integer(entry.get("prefNumber")), integer(entry.get("observationNumber"))
        if region is not None and number is not None:
            codes.add(f"{region:02d}{number:03d}")
    if len(codes) > 1:
        raise RecordRefused("contradiction", f"more than one station is named: {', '.join(sorted(codes))}")
    if not codes:
        raise RecordRefused("no-station", "neither the observations nor the file's name say of which station")
    return codes.pop()


def observed(
    entries: Iterable[Mapping[str, Any]], order: Sequence[str], missing: Collection[int]
) -> list[str]:
    """Return the variables that have at least one value, those that are known in their order.

    Args:
        entries: observations.
        order: the variables that are known.
        missing: flags that say that a value is none.
    """
    found = {
        name
        for entry in entries
        for name, value in entry.items()
        if _is_pair(value) and value[0] is not None and integer(value[1]) not in missing
    }
    return _in_order(found, order)


def columns(entries: Iterable[Mapping[str, Any]], described: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the variables that occur as columns of a table, with or without values."""
    names = {name for entry in entries for name, value in entry.items() if _is_pair(value)}
    return [
        {"name": name, "type": "number", **({"description": described[name]} if name in described else {})}
        for name in _in_order(names, tuple(described))
    ]


def _has_observations(document: Any, key: re.Pattern[str]) -> bool:
    if not isinstance(document, Mapping) or not document:
        return False
    if not all(key.fullmatch(str(name)) for name in document):
        return False
    observations = [entry for entry in document.values() if isinstance(entry, Mapping)]
    return any(_is_pair(value) for entry in observations for value in entry.values())


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _in_order(names: set[str], order: Sequence[str]) -> list[str]:
    return [*(name for name in order if name in names), *sorted(names - set(order))]
