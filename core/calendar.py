"""The calendar that merchants and channels live by: Shanghai's days, the statutory holidays with their make-up workdays."""

from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def midnight(day: date) -> datetime:
    """When a calendar day begins in Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


class DayKind(StrEnum):
    """``HOLIDAY``: a day of a statutory holiday. ``WORKDAY``: a weekend's day on which people make up for one."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    WORKDAY = "workday"


def is_working_day(day: date) -> tuple[bool, bool]:
    """Whether people work on that day, and whether that is certain: the library knows no year beyond its release."""
    # Here and not above: most of the product wants the time zone only, and loading every holiday costs memory.
    import chinese_calendar  # noqa: PLC0415 - see above

    try:
        return chinese_calendar.is_workday(day), True
    except NotImplementedError:
        return day.weekday() < 5, False


def kind_of_day(day: date) -> DayKind:
    """What the statutory calendar says of a day; of a year that the library does not know, that it is an ordinary one."""
    import chinese_calendar  # noqa: PLC0415 - as above

    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return DayKind.ORDINARY
    if name is None:
        return DayKind.ORDINARY
    return DayKind.HOLIDAY if is_off else DayKind.WORKDAY


def known_until() -> int:
    """The last year whose holidays the library knows."""
    import chinese_calendar  # noqa: PLC0415 - as above

    return int(max(chinese_calendar.holidays).year)
