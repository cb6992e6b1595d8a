"""Opening hours, typed: weekdays with several spans, statutory holidays and make-up workdays, special days.

Kept with the store as JSON; times are of Shanghai, which has no summer time::

    {"week": ["10:00-14:00 17:00-22:00", ..., ""], "holiday": "10:00-23:00", "workday": "10:00-22:00",
     "days": {"2026-12-31": "10:00-02:00", "2027-01-01": ""}}

Seven texts from Monday on; "" is shut all day. A span that ends at or before its beginning ends on the next day. Where
``holiday`` or ``workday`` is left out, such a day is like its weekday. ``{}``: the hours are not known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from core.calendar import SHANGHAI, DayKind, kind_of_day
from core.errors import Invalid

_DAY = 24 * 60
#: So far ahead and no further opening hours are looked at: longer than any promise.
HORIZON_DAYS = 31
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s?[-–]\s?([01][0-9]|2[0-4]):([0-5][0-9])")

#: Minutes of the day, from and to; beyond 1440 it is the next day.
Spans = tuple[tuple[int, int], ...]


class HoursInvalid(Invalid, code="hours_invalid"):
    """The hours as typed cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """``week`` from Monday on; ``holiday`` and ``workday`` None: as on that weekday; ``days`` goes before all else."""

    week: tuple[Spans, ...]
    holiday: Spans | None = None
    workday: Spans | None = None
    days: Mapping[date, Spans] = field(default_factory=dict)

    def of(self, day: date, *, kinds: Mapping[date, DayKind]) -> Spans:
        """The spans that begin on a day. ``kinds`` are what the merchant says otherwise than the calendar."""
        if day in self.days:
            return self.days[day]
        usual = self.week[day.weekday()]
        if self.holiday is None and self.workday is None:
            return usual
        kind = kinds.get(day) or kind_of_day(day)
        said = {DayKind.HOLIDAY: self.holiday, DayKind.WORKDAY: self.workday}.get(kind)
        return usual if said is None else said

    def opening(self, *, since: datetime, lasting: timedelta, kinds: Mapping[date, DayKind]) -> tuple[int, ...]:
        """Begin and end of each time that it is open from ``since`` on, flat, in minutes since the epoch, until they last so
        long together; at most over the horizon. A store that is shut all that time opens for no time at its end: it is known to
        be shut.
        """
        start = int(since.timestamp()) // 60
        left, found = lasting // timedelta(minutes=1) + 1, []
        for begin, end in self._merged(since, kinds):
            if end <= start:
                continue
            begin = max(begin, start)
            found += [begin, end]
            left -= end - begin
            if left <= 0:
                break
        return tuple(found) or (start + HORIZON_DAYS * _DAY,) * 2

    def _merged(self, since: datetime, kinds: Mapping[date, DayKind]) -> Iterator[tuple[int, int]]:
        """The times that it is open, in order; what touches or overlaps is one."""
        # A span of the evening before may reach into this day.
        first = since.astimezone(SHANGHAI).date() - timedelta(days=1)
        open_at = until = None
        for number in range(HORIZON_DAYS + 2):
            day = first + timedelta(days=number)
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) // 60
            for begin, end in sorted(self.of(day, kinds=kinds)):
                begin, end = midnight + begin, midnight + end
                if until is not None and open_at is not None and begin <= until:
                    until = max(until, end)
                    continue
                if until is not None and open_at is not None:
                    yield open_at, until
                open_at, until = begin, end
        if until is not None and open_at is not None:
            yield open_at, until

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"week": [as_text(spans) for spans in self.week]}
        if self.holiday is not None:
            said["holiday"] = as_text(self.holiday)
        if self.workday is not None:
            said["workday"] = as_text(self.workday)
        if self.days:
            said["days"] = {day.isoformat(): as_text(spans) for day, spans in sorted(self.days.items())}
        return said


def read_spans(text: str) -> Spans:
    """``"10:00-14:00, 17:00-22:00"``; "" is shut. Raises ``HoursInvalid``; what overlaps is a slip of the hand."""
    left = _SPAN.sub("", text)
    if left.strip(" ,;，；、"):
        raise HoursInvalid(f"not opening hours: {text[:80]!r}")
    spans = []
    for match in _SPAN.finditer(text):
        from_h, from_m, to_h, to_m = map(int, match.groups())
        begin, end = from_h * 60 + from_m, to_h * 60 + to_m
        if end > _DAY:
            raise HoursInvalid("a day ends at 24:00")
        spans.append((begin, end if end > begin else end + _DAY))
    spans.sort()
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise HoursInvalid(f"two spans overlap: {text[:80]!r}")
    return tuple(spans)


def as_text(spans: Sequence[tuple[int, int]]) -> str:
    """As it is typed."""
    return " ".join(f"{_clock(begin)}-{_clock(end if end <= _DAY else end - _DAY)}" for begin, end in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def read_hours(data: Mapping[str, Any]) -> Hours | None:
    """The hours that a store keeps; None where they are not known. Raises ``HoursInvalid``."""
    if not data:
        return None
    try:
        days = {date.fromisoformat(day): read_spans(text) for day, text in data.get("days", {}).items()}
        week = tuple(map(read_spans, data["week"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HoursInvalid("the hours cannot be read") from error
    if len(week) != 7:
        raise HoursInvalid("a week has seven days")
    if not any(week):
        raise HoursInvalid("a store is open on some day of the week")
    holiday, workday = (read_spans(data[name]) if name in data else None for name in ("holiday", "workday"))
    return Hours(week=week, holiday=holiday, workday=workday, days=days)
