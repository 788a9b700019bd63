"""What a collection says of extent and summaries once it follows the data: the rules, and nothing else.

- **Place** follows the data: the box around all footprints. Maps zoom to it and collection search filters
  by it, so it says what is to be found here, not what the mission covers.
- **Start** is the declared one, if the collection declares one, unless an item is older: the first day of
  a mission is a fact that people look for, and a harvest that has come back to last month only would
  hide it. Where none is declared, it is that of the oldest item.
- **End** follows the data: where the declared one is open, it is the end of the newest item. A declared
  end of a mission is not brought forward; a newer item moves it.
- **Summaries**: what is declared stays (its order, too) and is widened by what items say; what is not
  declared comes from the items.

A collection without items says what it declares.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from catalog.observed import Observed

# The members of a collection that follow the data.
FOLLOWING = ("extent", "summaries")


def followed(declared: Mapping[str, Any], observed: Observed) -> dict[str, Any]:
    """Return `extent` and `summaries` of a collection.

    Args:
        declared: these two members as the definition or the upstream gives them; either may be absent.
        observed: what the collection's items say.
    """
    found: dict[str, Any] = {name: declared[name] for name in FOLLOWING if name in declared}
    if observed.oldest is None:
        return found
    found["extent"] = _extent(declared.get("extent") or {}, observed)
    summaries = _summaries(declared.get("summaries") or {}, observed.summaries())
    if summaries:
        found["summaries"] = summaries
    return found


def _extent(declared: Mapping[str, Any], observed: Observed) -> dict[str, Any]:
    start, end = _first_interval(declared)
    oldest, latest = observed.oldest, observed.latest_end
    assert oldest is not None
    interval = [
        start if start and _read(start) <= oldest else _write(oldest),
        end if end and latest and _read(end) >= latest else _write(latest),
    ]
    extent = {**declared, "temporal": {**(declared.get("temporal") or {}), "interval": [interval]}}
    if observed.box is not None:
        extent["spatial"] = {**(declared.get("spatial") or {}), "bbox": [list(observed.box)]}
    return extent


def _first_interval(extent: Mapping[str, Any]) -> tuple[str | None, str | None]:
    try:
        start, end = extent["temporal"]["interval"][0]
        for text in (start, end):
            if text is not None:
                _read(text)
    except (KeyError, IndexError, TypeError, ValueError):  # a collection of others that says none
        return None, None
    return start, end


def _summaries(declared: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(declared)
    for name, found in seen.items():
        merged[name] = _widened(declared[name], found) if name in declared else found
    return merged


def _widened(declared: Any, found: Any) -> Any:
    """Return a declared summary with what items say; one in a form that cannot be widened stays."""
    if isinstance(declared, list) and isinstance(found, list):
        return [*declared, *(value for value in found if value not in declared)]
    if isinstance(declared, dict) and {"minimum", "maximum"} <= declared.keys():
        values = [found["minimum"], found["maximum"]] if isinstance(found, dict) else found
        ends = [declared["minimum"], declared["maximum"]]
        if all(isinstance(end, int | float) for end in [*values, *ends]):
            return {**declared, "minimum": min(values + ends), "maximum": max(values + ends)}
    return declared


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _write(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
