"""Times as RFC 3339 writes them, and STAC's intervals of them. All results are in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
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


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time with any offset; return it in UTC.

    Fractions finer than a microsecond are cut off, as PostgreSQL keeps no more. A leap second
    (`:60`, RFC 3339 section 5.7) becomes the first instant of the next minute.

    Raises:
        ValueError: the text is something else; says what.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        hint = ": a time and an offset are needed" if _DATE.fullmatch(text) else ""
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 date-time such as 2024-05-01T00:00:00Z{hint}")
    year, month, day, hour, minute, second = (int(match.group(n)) for n in range(1, 7))
    leap = second == 60
    fraction = int((match.group(7) or "0")[:6].ljust(6, "0"))
    try:
        offset = _offset(match.group(8), match.group(9), match.group(10))
        local = datetime(
            year, month, day, hour, minute, 59 if leap else second, 0 if leap else fraction, timezone(offset)
        )
        return (local + timedelta(seconds=1) if leap else local).astimezone(UTC)
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


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC with `Z`, and with microseconds only if it has any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timedelta:
    if sign is None or hours is None or minutes is None:
        return timedelta()
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError("offset out of range")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset
