"""Saying when stores are open: audited, of one's own stores."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError
from merchants import opening
from merchants.hours import read_hours
from merchants.models import CalendarDay, Store
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db

HOURS = read_hours({"week": ["09:00-18:00"] * 7})


def test_set_hours_when_they_change_keeps_what_was_before() -> None:
    merchant = make_merchant()
    store, manager = merchant.stores.get(), of_staff(make_staff(merchant, "manager"))
    said: dict[str, Any] = {"store_id": store.pk, "by": manager, "at": timezone.now()}
    opening.set_hours(**said, hours=HOURS, shown=" 9-18 ")
    opening.set_hours(**said, hours=None, shown="")
    first, second = AuditEvent.objects.filter(action="store.hours").order_by("pk")
    assert first.data["before"] == {"hours": {}, "shown": ""}
    assert first.data["after"] == second.data["before"]
    assert second.data["before"]["shown"] == "9-18"
    assert Store.objects.get(pk=store.pk).hours == {}


@pytest.mark.parametrize("role", ["cashier", "reviewer", "finance"])
def test_set_hours_when_the_role_may_not_changes_nothing(role: str) -> None:
    merchant = make_merchant()
    by = of_staff(make_staff(merchant, role))
    with pytest.raises(DomainError) as refused:
        opening.set_hours(store_id=merchant.stores.get().pk, hours=HOURS, shown="", by=by, at=timezone.now())
    assert refused.value.code == "role_required"
    with pytest.raises(DomainError):
        opening.set_day(day=date(2027, 1, 1), kind="holiday", by=by, at=timezone.now())
    assert merchant.stores.get().hours == {}
    assert not CalendarDay.objects.exists()


def test_set_hours_when_the_store_is_another_merchants_is_not_found() -> None:
    by = of_staff(make_staff(make_merchant(), "manager"))
    store = make_merchant().stores.get()
    with pytest.raises(DomainError) as refused:
        opening.set_hours(store_id=store.pk, hours=HOURS, shown="", by=by, at=timezone.now())
    assert refused.value.code == "not_found"
    assert Store.objects.get(pk=store.pk).hours == {}


def test_set_day_when_said_twice_is_one_day_and_empty_takes_it_back() -> None:
    merchant = make_merchant()
    said: dict[str, Any] = {
        "day": date(2027, 2, 6),
        "by": of_staff(make_staff(merchant, "owner")),
        "at": timezone.now(),
    }
    for kind in ("holiday", "workday"):
        opening.set_day(**said, kind=kind)
    assert CalendarDay.objects.get().kind == "workday"
    with pytest.raises(DomainError):
        opening.set_day(**said, kind="feast")
    opening.set_day(**said, kind="")
    assert not CalendarDay.objects.exists()
    assert AuditEvent.objects.filter(action="calendar.day").count() == 3
