"""Months and days as half-open periods in a fleet's own time zone. All moments are aware UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from fleet_carbon.errors import InputRefused

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")


class Period(Protocol):
    """Any period `[starts_at, ends_at)` of aware moments."""

    @property
    def starts_at(self) -> datetime:
        """First moment."""
        ...

    @property
    def ends_at(self) -> datetime:
        """First moment after it."""
        ...


@dataclass(frozen=True)
class Span:
    """A period between two aware moments, `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Month:
    """One calendar month, `[starts_at, ends_at)` in the zone of the fleet.

    Attributes
    ----------
    year, number : int
        Calendar year and month number 1 to 12.
    zone : ZoneInfo
        The fleet's civil time zone; decides where the month begins and ends.
    """

    year: int
    number: int
    zone: ZoneInfo

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def first_day(self) -> date:
        """First calendar day of the month."""
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """Last civil day of the month."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Month:
        """The month after this one."""
        carry, index = divmod(self.number, 12)
        return Month(self.year + carry, index + 1, self.zone)

    @property
    def starts_at(self) -> datetime:
        """First moment of the month, aware UTC."""
        return datetime(self.year, self.number, 1, tzinfo=self.zone).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """First moment after the month, aware UTC."""
        return self.next.starts_at

    def is_over(self, now: datetime) -> bool:
        """Whether the month has ended at the moment `now` (aware)."""
        return now >= self.ends_at

    def widened(self, days: int) -> tuple[datetime, datetime]:
        """The month with `days` before and after, as aware UTC bounds."""
        return self.starts_at - timedelta(days=days), self.ends_at + timedelta(days=days)


def day_of(moment: datetime, zone: ZoneInfo) -> Span:
    """The calendar day of the zone in which an aware moment lies: 23 to 25 hours.

    Examples
    --------
    >>> day = day_of(datetime(2026, 10, 25, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    >>> day.ends_at - day.starts_at
    datetime.timedelta(days=1, seconds=3600)
    """
    local = moment.astimezone(zone).date()
    midnights = (datetime.combine(day, time(), zone) for day in (local, local + timedelta(days=1)))
    return Span(*(midnight.astimezone(UTC) for midnight in midnights))


def parse_month(text: str, zone: ZoneInfo) -> Month:
    """Read `YYYY-MM`.

    Raises
    ------
    InputRefused
        If the text is not a month; the message says what form is expected.

    Examples
    --------
    >>> str(parse_month("2026-02", ZoneInfo("Asia/Shanghai")).next)
    '2026-03'
    """
    found = _MONTH.match(text.strip())
    if not found:
        raise InputRefused(
            "month_malformed",
            f"{text!r} is not a month.",
            "Write year and month as YYYY-MM, for example 2026-10.",
        )
    return Month(int(found[1]), int(found[2]), zone)


def parse_moment(text: str, zone: ZoneInfo) -> datetime:
    """Read a moment in ISO 8601; one without an offset is of the zone.

    Raises
    ------
    InputRefused
        ``moment_malformed``.

    Examples
    --------
    >>> parse_moment("2026-10-05T14:30", ZoneInfo("Asia/Shanghai")).isoformat()
    '2026-10-05T06:30:00+00:00'
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise InputRefused(
            "moment_malformed",
            f"{text!r} is not a moment.",
            "Write it as 2026-10-05T14:30, with an offset or Z if it is not in the fleet's zone.",
        ) from wrong


def to_epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware moment. [ms]"""
    return round(moment.timestamp() * 1000)


def from_epoch_ms(epoch_ms: int) -> datetime:
    """Aware UTC moment of milliseconds since 1970-01-01. [ms]"""
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)
