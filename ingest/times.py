"""Times: whatever an upstream writes becomes UTC, RFC 3339, `Z`."""

import re
from datetime import UTC, datetime, timedelta

from catalog.errors import RecordRefused

# Properties of an item that hold a time.
TIME_FIELDS = (
    "datetime",
    "start_datetime",
    "end_datetime",
    "created",
    "updated",
    "published",
    "expires",
    "unpublished",
    "processing:datetime",
    "sat:anx_datetime",
)
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*([Zz]|[+-]\d\d:?\d\d)?"
)


def parse_time(text: object, field: str = "datetime") -> datetime:
    """Parse an ISO 8601 time with 0 to 12 fraction digits and any offset.

    Digits beyond the microsecond are cut off: PostgreSQL and Python keep no more. A leap second
    (`:60`) becomes the last microsecond of its minute. A time without zone is taken as UTC, as all
    upstreams that leave it out mean it. A date alone is its first instant.

    Args:
        text: the time as the upstream wrote it.
        field: its name there, for the message.

    Raises:
        RecordRefused: `bad-datetime`; it is no time.
    """
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise RecordRefused("bad-datetime", f"{field} is not a time: {text!r:.60}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    leap = second == "60"
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            999_999 if leap else int(((fraction or "") + "000000")[:6]),
            tzinfo=UTC,
        )
        return moment - _offset(zone)
    except (ValueError, OverflowError) as error:
        raise RecordRefused("bad-datetime", f"{field} is not a time: {text!r:.60} ({error})") from error


def format_time(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC with `Z`: no fraction, or 3 digits, or 6, whichever is exact.

    Args:
        moment: must have a zone; a naive time is a fault of the caller.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    if not utc.microsecond:
        precision = "seconds"
    elif utc.microsecond % 1000 == 0:
        precision = "milliseconds"
    else:
        precision = "microseconds"
    return utc.isoformat(timespec=precision) + "Z"


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"offset {zone} is out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset
