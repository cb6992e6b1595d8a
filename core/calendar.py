"""The calendar that merchants and channels live by: Shanghai's days, the statutory holidays with their make-up workdays."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def is_working_day(day: date) -> tuple[bool, bool]:
    """Whether people work on that day, and whether that is certain: the library knows no year beyond its release."""
    # Here and not above: most of the product wants the time zone only, and loading every holiday costs memory.
    import chinese_calendar  # noqa: PLC0415

    try:
        return chinese_calendar.is_workday(day), True
    except NotImplementedError:
        return day.weekday() < 5, False
