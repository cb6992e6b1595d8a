"""Opening hours and disasters as people type them."""

from dataclasses import dataclass
from datetime import date, datetime

from django.http import QueryDict

from core.errors import Invalid
from desk import forms
from merchants.hours import Hours, HoursInvalid, Spans, as_text, read_spans

#: Shut all day, where an empty field says something else.
SHUT = "-"
WEEK = tuple(f"day-{number}" for number in range(7))
#: What a weekday is like whose own field is empty.
EVERY = "every"


def typed_hours(data: QueryDict) -> Hours | None:
    """The hours; None where every field is empty: they are not known. Raises ``HoursInvalid``."""
    every = _spans(data.get(EVERY, "")) or ()
    own = [_spans(data.get(name, "")) for name in WEEK]
    week = tuple(every if spans is None else spans for spans in own)
    holiday, workday = (_spans(data.get(name, "")) for name in ("holiday", "workday"))
    days = dict(_special(line) for line in data.get("days", "").splitlines() if line.strip())
    if not any(week):
        if holiday or workday or days:
            raise HoursInvalid("a store is open on some day of the week")
        return None
    return Hours(week=week, holiday=holiday, workday=workday, days=days)


def as_typed(hours: Hours | None) -> dict[str, str]:
    """The fields that say these hours."""
    if hours is None:
        return {}
    fields = {name: as_text(spans) for name, spans in zip(WEEK, hours.week, strict=True)}
    for name, spans in (("holiday", hours.holiday), ("workday", hours.workday)):
        if spans is not None:
            fields[name] = as_text(spans) or SHUT
    fields["days"] = "\n".join(f"{day} {as_text(spans) or SHUT}" for day, spans in sorted(hours.days.items()))
    return fields


def _spans(text: str) -> Spans | None:
    text = text.strip()[:100]
    return () if text == SHUT else read_spans(text) or None


def _special(line: str) -> tuple[date, Spans]:
    day, _, spans = line.strip().partition(" ")
    try:
        return date.fromisoformat(day), _spans(spans) or ()
    except ValueError as error:
        raise HoursInvalid(f"not a day: {day[:20]!r}") from error


def typed_day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("not a day", code="day_invalid") from error


@dataclass(frozen=True, slots=True)
class Disaster:
    """``stores`` are codes, None for all."""

    stores: list[str] | None
    starts_at: datetime
    ends_at: datetime
    hours: int
    reason: str


def typed_disaster(data: QueryDict) -> Disaster:
    """Raises ``Invalid``."""
    number = forms.whole(data.get("hours", "").strip(), digits=3)
    if number is None:
        raise Invalid("not a number of hours", code="grace_invalid")
    return Disaster(
        None if data.get("all_stores") else data.getlist("stores"),
        forms.moment(data.get("starts_at", "")),
        forms.moment(data.get("ends_at", "")),
        number,
        data.get("reason", "").strip()[:200],
    )
