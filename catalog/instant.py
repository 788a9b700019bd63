"""Times as RFC 3339 writes them, and STAC's intervals of them. All results are in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True)
class Interval:
    """A closed span of time.

    Attributes:
        start: first instant in UTC; None: open towards the past.
        end: last instant in UTC; None: open towards the future.
    """

    start: datetime | None
    end: datetime | None


def instant_at(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, *, microsecond: int = 0
) -> datetime:
    """Return the instant in UTC that a calendar and a clock of UTC show.

    A leap second (`:60`, RFC 3339 section 5.7) is the first instant of the next minute, as it is for PostgreSQL.

    Raises:
        ValueError: there is no such day or time; or none that a calendar of four-digit years has.
    """
    if second != 60:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    try:
        return datetime(year, month, day, hour, minute, 59, tzinfo=UTC) + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def offset_of(zone: str | None) -> timedelta:
    """Return how much a local time is ahead of UTC: `Z`, `+09:00` or `-0330`; none: it is in UTC.

    Raises:
        ValueError: there is no such offset.
    """
    if zone is None or zone in "Zz":
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"offset {zone} is out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time with any offset; return it in UTC.

    Fractions finer than a microsecond are cut off, as PostgreSQL keeps no more. Of a leap second, see
    `instant_at`.

    Raises:
        ValueError: the text is something else; says what.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        hint = ": a time and an offset are needed" if _DATE.fullmatch(text) else ""
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 date-time such as 2024-05-01T00:00:00Z{hint}")
    *clock, fraction, zone = match.groups()
    try:
        micros = int((fraction or "")[:6].ljust(6, "0"))
        return instant_at(*map(int, clock), microsecond=micros) - offset_of(zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is not a time: {error}") from error


def parse_interval(text: str) -> Interval:
    """Read STAC's `datetime` parameter: an instant, `start/end`, or either end open (`..` or nothing).

    Raises:
        ValueError: says what is wrong.
    """
    ends = text.split("/")
    if len(ends) > 2:
        raise ValueError("an interval has one slash")
    if len(ends) == 1:
        instant = parse_instant(text)
        return Interval(instant, instant)
    start, end = (None if part in ("", "..") else parse_instant(part) for part in ends)
    if start is None and end is None:
        raise ValueError("an interval cannot be open at both ends; leave the parameter out instead")
    if start is not None and end is not None and start > end:
        raise ValueError("the interval ends before it starts")
    return Interval(start, end)


def parse_date(text: str) -> tuple[datetime, datetime]:
    """Read a date `YYYY-MM-DD`; return the first instant of it and of the next day, in UTC.

    Raises:
        ValueError: not a date, or the last one that a calendar of four-digit years has.
    """
    refusal = ValueError(f"{text[:40]!r} is not a date such as 2024-05-01")
    if not _DATE.fullmatch(text):
        raise refusal
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day, day + timedelta(days=1)
    except (ValueError, OverflowError):
        raise refusal from None
