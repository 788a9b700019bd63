"""How the standing job treats an upstream: its defaults stand in the source's YAML file, a plan may say otherwise."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36525)


def parse_duration(value: Any) -> timedelta:
    """Return a time such as `90s`, `30m`, `12h`, `3d` or `2w`.

    Raises:
        ValueError: it is none, or longer than a hundred years.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no length of time such as 90s, 30m, 12h, 3d or 2w")
    duration = timedelta(**{_UNITS[match[2]]: min(float(match[1]), 1e10)})
    if duration > _LONGEST:
        raise ValueError(f"{value!r} is longer than a hundred years")
    return duration


def _positive(value: Any) -> timedelta:
    duration = parse_duration(value)
    if duration <= timedelta(0):
        raise ValueError("it must be longer than nothing")
    return duration


def _since(value: Any) -> datetime | timedelta:
    """Read a day, a moment, or how far back from now."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str) and re.match(r"\d{4}-", value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no date such as 2024-01-31") from None
    else:
        return parse_duration(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _or_never(value: Any) -> timedelta | None:
    return None if value in (None, False, "never") else _positive(value)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
PositiveDuration = Annotated[timedelta, BeforeValidator(_positive)]


class Habits(BaseModel):
    """What is done again and again with a source.

    Attributes:
        since: from when on the past is filled: a date, or how far back from now. `0s` leaves the past.
        window: length of the slices in which the past is filled.
        order: which slice of the past comes first.
        every: time between two questions for what is new.
        overlap: how far before the last question each begins, since upstreams publish late.
        follows: by which time the present is followed: of acquisition, or of change at the upstream.
        deletions: whether its feed of deletions is applied.
        reconcile: time between two comparisons of a slice with the upstream, by which what vanished there is
            taken out here; None for never.
        reconcile_window: length of the slices that are compared.
        max_share: the largest share of a slice's items that a comparison may take out.
        max_records: a slice with more records is split, where the upstream tells how many it has.
        priority: of two sources' or collections' work, the higher comes first.
        concurrency: slices asked for at once, over all workers.
        min_interval: least time between two requests, over all workers; None: as the source's definition says.
        serial: whether a collection is asked for by one worker at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[datetime | timedelta, BeforeValidator(_since)] = timedelta(days=30)
    window: PositiveDuration = timedelta(days=1)
    order: Literal["newest-first", "oldest-first"] = "newest-first"
    every: PositiveDuration = timedelta(hours=1)
    overlap: Duration = timedelta(days=1)
    follows: Literal["acquired", "changed"] = "acquired"
    deletions: bool = False
    reconcile: Annotated[timedelta | None, BeforeValidator(_or_never)] = timedelta(days=30)
    reconcile_window: PositiveDuration = timedelta(days=10)
    max_share: float = Field(default=0.05, ge=0, le=1)
    max_records: int = Field(default=20_000, ge=1)
    priority: int = Field(default=0, ge=-1000, le=1000)
    concurrency: int = Field(default=1, ge=1, le=64)
    min_interval: Annotated[
        timedelta | None, BeforeValidator(lambda value: None if value is None else parse_duration(value))
    ] = None
    serial: bool = True

    def first_moment(self, now: datetime) -> datetime:
        """Return from when on the past is filled."""
        return self.since if isinstance(self.since, datetime) else now - self.since
