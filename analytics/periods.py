"""The days that figures are about, and the days before them that they are compared with.

Days are calendar days in Asia/Shanghai. The previous period has as many days and ends the day before; while the period is
still running, the previous one is cut off at the same time of day, so that like is compared with like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.calendar import SHANGHAI, midnight
from core.errors import FieldError, Invalid

PRESETS: Mapping[str, int] = {"today": 1, "7": 7, "30": 30}
DEFAULT_PRESET = "30"
CUSTOM = "custom"

#: Thirteen months: a year can still be seen together with the month it is compared with.
MAX_DAYS = 400
#: Beyond this many days a bar stands for a week.
_DAILY_UP_TO = 62
#: No refund is older or newer; also keeps date arithmetic within bounds.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)


class BadPeriod(Invalid, code="invalid_period"):
    """The period cannot be understood; ``errors`` names the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Both dates belong to it. ``now`` is when the figures are taken; ``preset`` is the choice that led here."""

    first_date: date
    last_date: date
    now: datetime
    preset: str = CUSTOM

    @property
    def days(self) -> int:
        return (self.last_date - self.first_date).days + 1

    @property
    def start_at(self) -> datetime:
        return midnight(self.first_date)

    @property
    def end_at(self) -> datetime:
        """The first instant that no longer belongs to it."""
        return midnight(self.last_date + timedelta(days=1))

    @property
    def previous_first_date(self) -> date:
        return self.first_date - timedelta(days=self.days)

    @property
    def previous_last_date(self) -> date:
        return self.first_date - timedelta(days=1)

    @property
    def previous_start_at(self) -> datetime:
        return midnight(self.previous_first_date)

    @property
    def previous_end_at(self) -> datetime:
        """The end of the days before, or the same stage of them while this period is running."""
        stage = min(self.end_at, self.now.astimezone(SHANGHAI)) - timedelta(days=self.days)
        return max(stage, self.previous_start_at)

    @property
    def is_running(self) -> bool:
        return self.start_at <= self.now < self.end_at

    @property
    def by_hour(self) -> bool:
        """A single day is drawn hour by hour."""
        return self.days == 1

    @property
    def step_days(self) -> int:
        """How many days a bar stands for, unless it stands for an hour."""
        return 1 if self.days <= _DAILY_UP_TO else 7

    @property
    def buckets(self) -> int:
        return 24 if self.by_hour else -(-self.days // self.step_days)

    def bucket_dates(self, index: int) -> tuple[date, date]:
        """First and last day of a bar; a bar of an hour lies within the only day."""
        if self.by_hour:
            return self.first_date, self.last_date
        first = self.first_date + timedelta(days=index * self.step_days)
        return first, min(first + timedelta(days=self.step_days - 1), self.last_date)

    def bucket_span(self, index: int) -> tuple[datetime, datetime]:
        """The instants of a bar: from, and up to but without."""
        if self.by_hour:
            start = self.start_at + timedelta(hours=index)
            return start, start + timedelta(hours=1)
        first, last = self.bucket_dates(index)
        return midnight(first), midnight(last + timedelta(days=1))


def last_days(*, days: int, now: datetime, preset: str = CUSTOM) -> Period:
    """The last ``days`` calendar days, today included."""
    today = now.astimezone(SHANGHAI).date()
    return Period(first_date=today - timedelta(days=days - 1), last_date=today, now=now, preset=preset)


def parse(*, preset: str = "", first: str = "", last: str = "", now: datetime) -> Period:
    """The period that a query asks for: a preset, or days as ``yyyy-mm-dd``. Nothing named is the last 30 days.

    Days win over a preset. A first day alone reaches to today; a last day alone gives the 30 days up to it.
    Raises ``BadPeriod``.
    """
    if preset not in ("", CUSTOM, *PRESETS):
        raise _bad("period", "unknown_period", f"a period is one of {', '.join([*PRESETS, CUSTOM])}")
    if not first and not last:
        chosen = preset if preset in PRESETS else DEFAULT_PRESET
        return last_days(days=PRESETS[chosen], now=now, preset=chosen)
    to_date = _day("to", last) if last else now.astimezone(SHANGHAI).date()
    from_date = _day("from", first) if first else to_date - timedelta(days=PRESETS[DEFAULT_PRESET] - 1)
    if from_date > to_date:
        raise _bad("from", "from_after_to", "the first day is after the last")
    if (to_date - from_date).days >= MAX_DAYS:
        raise _bad("from", "period_too_long", f"a period has at most {MAX_DAYS} days")
    return Period(first_date=from_date, last_date=to_date, now=now)


def _day(field: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _bad(field, "invalid_date", "a day is written yyyy-mm-dd") from error
    # fromisoformat also takes weeks and dates without hyphens.
    if day.isoformat() != text or not _EARLIEST <= day <= _LATEST:
        raise _bad(field, "invalid_date", "a day is written yyyy-mm-dd")
    return day


def _bad(field: str, code: str, message: str) -> BadPeriod:
    return BadPeriod(message, errors=[FieldError(field, code)])
