"""Hours as people type them."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from core.errors import Invalid
from desk.hours.form import as_typed, typed_day, typed_disaster, typed_hours
from merchants.hours import Hours, HoursInvalid


def _sent(**fields: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({name.replace("_", "-") if name.startswith("day_") else name: text for name, text in fields.items()})
    return data


def test_typed_hours_when_shown_again_say_the_same() -> None:
    nine = ((540, 1080),)
    hours = Hours(
        week=(nine,) * 6 + ((),), holiday=(), workday=nine, days={date(2027, 1, 1): (), date(2027, 1, 2): nine}
    )
    data = QueryDict(mutable=True)
    data.update(as_typed(hours))
    assert typed_hours(data) == hours


def test_typed_hours_when_all_is_empty_are_not_known() -> None:
    assert typed_hours(_sent()) is None
    assert as_typed(None) == {}


@pytest.mark.parametrize("fields", [{"holiday": "09:00-10:00"}, {"days": "2027-01-01 09:00-10:00"}, {"day_1": "nine"}])
def test_typed_hours_when_they_say_no_week_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(HoursInvalid):
        typed_hours(_sent(**fields))


@pytest.mark.parametrize("text", ["", "soon", "2027-02-30"])
def test_typed_day_when_it_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        typed_day(text)


@pytest.mark.parametrize("hours", ["", "-1", "1.5", "99999", "７２"])
def test_typed_disaster_when_the_hours_are_no_number_is_refused(hours: str) -> None:
    with pytest.raises(Invalid) as refused:
        typed_disaster(_sent(hours=hours, starts_at="2026-11-27T12:00", ends_at="2026-11-28T12:00"))
    assert refused.value.code == "grace_invalid"
