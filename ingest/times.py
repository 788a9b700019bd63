"""Times: whatever an upstream writes becomes UTC, RFC 3339, `Z`."""

import re
from datetime import UTC, datetime

from catalog.errors import RecordRefused
from catalog.instant import instant_at, offset_of

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

    Digits beyond the microsecond are cut off: PostgreSQL and Python keep no more. Of a leap second, see
    `catalog.instant`. A time without zone is taken as UTC, as all upstreams that leave it out mean it.
    A date alone is its first instant.

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
    clock = (int(part or 0) for part in (year, month, day, hour, minute, second))
    try:
        micros = int((fraction or "")[:6].ljust(6, "0"))
        return instant_at(*clock, microsecond=micros) - offset_of(zone)
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
