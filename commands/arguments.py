"""Reading arguments of the command line that have a form of their own."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from catalog.errors import ConfigurationError, RecordRefused
from ingest.contract import BoundingBox, Window
from ingest.habits import parse_duration
from ingest.times import parse_time

_OPEN = {"", ".."}


def parse_window(text: str | None) -> Window:
    """Read `A/B`, `A/..`, `../B` or one time, as a window `[A, B)` in UTC.

    A date as the end means the whole of that day; one time alone means that second, one date alone
    that day.

    Raises:
        ConfigurationError: it is none of these, or reversed.
    """
    if text is None:
        return Window()
    parts = text.split("/")
    try:
        if len(parts) == 1:
            return Window(_instant(parts[0]), _after(parts[0]))
        if len(parts) != 2:
            raise ConfigurationError(f"--datetime: {text!r} is not A/B")
        start = None if parts[0] in _OPEN else _instant(parts[0])
        end = None if parts[1] in _OPEN else _end(parts[1])
    except RecordRefused as error:
        raise ConfigurationError(f"--datetime: {error.reason}") from error
    if start is not None and end is not None and start >= end:
        raise ConfigurationError(f"--datetime: {text!r} ends before it starts")
    return Window(start, end)


def parse_age(text: str) -> timedelta:
    """Read a length of time such as `12h`, `90d` or `2w`.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"--purge-older-than: {error}") from error


def parse_bbox(text: str | None) -> BoundingBox | None:
    """Read `west,south,east,north` in degrees; west > east crosses the antimeridian.

    Raises:
        ConfigurationError: it is not that.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigurationError(f"--bbox: {text!r} is not four numbers W,S,E,N") from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise ConfigurationError(f"--bbox: {text!r} is not west,south,east,north in degrees")
    return west, south, east, north


def check_address(text: str, name: str) -> None:
    """Make sure that a text can be the address of an upstream.

    Args:
        text: such as `https://example.com/stac`.
        name: of the option or variable that gave it, for the message.

    Raises:
        ConfigurationError: it is no http(s) address.
    """
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of brackets that are not closed
        valid = False
    if not valid or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ConfigurationError(f"{name}: {text!r} is not an http(s) address")


def _instant(text: str) -> datetime:
    return parse_time(text, "time")


def _is_date(text: str) -> bool:
    return "T" not in text.upper() and ":" not in text


def _end(text: str) -> datetime:
    return _after(text) if _is_date(text) else _instant(text)


def _after(text: str) -> datetime:
    moment = _instant(text)
    try:
        return moment + (timedelta(days=1) if _is_date(text) else timedelta(seconds=1))
    except OverflowError:  # the last day of the year 9999
        return datetime.max.replace(tzinfo=UTC)
