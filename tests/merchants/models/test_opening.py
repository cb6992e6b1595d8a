"""What no code can store of days and disasters."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import tenant_wall
from merchants.models import CalendarDay, Grace
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def _grace(**more: Any) -> Grace:
    merchant, now = make_merchant(), timezone.now()
    said = {"starts_at": now, "ends_at": now + timedelta(days=1), "hours": 72, "reason": "flood", "declared_at": now}
    return Grace.objects.create(merchant=merchant, declared_by=make_staff(merchant, "owner"), **{**said, **more})


@pytest.mark.parametrize("more", [{"hours": 0}, {"hours": 361}, {"ends_at": timezone.now() - timedelta(days=1)}])
def test_grace_when_it_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        _grace(**more)
    assert not Grace.objects.exists()


def test_calendar_day_is_there_once() -> None:
    merchant = make_merchant()
    CalendarDay.objects.create(merchant=merchant, date=date(2027, 1, 1), kind="holiday")
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarDay.objects.create(merchant=merchant, date=date(2027, 1, 1), kind="workday")


def test_days_and_disasters_stand_behind_the_wall_of_their_merchant() -> None:
    one, other = _grace(), _grace()
    CalendarDay.objects.create(merchant=other.merchant, date=date(2027, 1, 1), kind="holiday")
    with tenant_wall.within(one.merchant_id):
        assert list(Grace.objects.all()) == [one]
        assert not CalendarDay.objects.exists()
