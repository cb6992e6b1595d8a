"""The page of opening hours: hours, days and more time after a disaster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.hours import read_hours
from merchants.models import CalendarDay, Grace, Staff, Store
from refunds.models import RefundRequest
from tests.desk.conftest import Shop
from tests.factories import works_in

SignIn = Callable[[Staff], Client]


def _typed(days: float) -> str:
    return timezone.localtime(timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_page_says_which_years_the_calendar_knows(manager: Client) -> None:
    page = manager.get("/desk/hours").content.decode()
    assert "knows the holidays until 2026" in page
    assert "not known: the clock runs always" in page


def test_hours_when_typed_are_kept_and_shown_again(manager: Client) -> None:
    week = {f"day-{number}": "10:00-14:00, 17:00-22:00" for number in range(6)}
    special = {"holiday": "-", "days": "2026-12-31 10:00-02:00\n2027-01-01", "shown": "10-22"}
    assert manager.post("/desk/hours/stores/S001", {**week, **special}).status_code == 302
    store = Store.objects.get(code="S001")
    assert (store.opening_hours, store.hours["week"][0]) == ("10-22", "10:00-14:00 17:00-22:00")
    hours = read_hours(store.hours)
    assert hours is not None
    assert (hours.week[6], hours.holiday, hours.workday, len(hours.days)) == ((), (), None, 2)
    assert AuditEvent.objects.get(action="store.hours").data["after"]["shown"] == "10-22"
    assert "2027-01-01 -" in manager.get("/desk/hours").content.decode()
    assert manager.post("/desk/hours/stores/S001", {}).status_code == 302
    assert Store.objects.get(code="S001").hours == {}


@pytest.mark.parametrize(
    "bad", [{"day-0": "9 to 5"}, {"day-0": "09:00-17:00", "days": "soon"}, {"holiday": "09:00-10:00"}]
)
def test_hours_when_typed_badly_are_shown_again_and_not_kept(manager: Client, bad: dict[str, str]) -> None:
    answer = manager.post("/desk/hours/stores/S001", bad)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Write hours like 10:00-14:00" in page
    assert all(text in page for text in bad.values())
    assert Store.objects.get(code="S001").hours == {}
    assert not AuditEvent.objects.filter(action="store.hours").exists()


def test_day_when_said_goes_before_the_calendar_until_it_is_taken_back(manager: Client) -> None:
    manager.post("/desk/hours/days", {"date": "2027-02-06", "kind": "holiday"})
    assert CalendarDay.objects.get().kind == "holiday"
    assert "2027-02-06" in manager.get("/desk/hours").content.decode()
    manager.post("/desk/hours/days", {"date": "2027-02-06", "kind": ""})
    assert not CalendarDay.objects.exists()
    for bad in ({"date": "soon", "kind": "holiday"}, {"date": "2027-02-06", "kind": "feast"}):
        assert manager.post("/desk/hours/days", bad).status_code == 422
    assert AuditEvent.objects.filter(action="calendar.day").count() == 2


def test_grace_when_declared_is_listed_and_can_be_ended(manager: Client) -> None:
    said = {"all_stores": "1", "starts_at": _typed(-1), "ends_at": _typed(2), "hours": "48", "reason": "Typhoon"}
    assert manager.post("/desk/hours/grace", {**said, "hours": "many"}).status_code == 422
    assert manager.post("/desk/hours/grace", {**said, "all_stores": ""}).status_code == 422
    assert not Grace.objects.exists()
    assert manager.post("/desk/hours/grace", said).status_code == 302
    assert manager.post("/desk/hours/grace", said).status_code == 409
    given = Grace.objects.get()
    assert "48 hours more" in manager.get("/desk/hours").content.decode()
    assert manager.post(f"/desk/hours/grace/{given.pk}/end").status_code == 302
    assert manager.post(f"/desk/hours/grace/{given.pk}/end").status_code == 409
    given.refresh_from_db()
    assert given.ends_at <= timezone.now()


def test_manager_of_one_store_sets_its_hours_and_nothing_of_the_others(shop: Shop, manager: Client) -> None:
    other = Store.objects.create(merchant=shop.merchant, code="S002", name="二号店")
    works_in(shop.manager, other)
    assert manager.post("/desk/hours/stores/S001", {"day-0": "09:00-17:00"}).status_code == 404
    assert manager.post("/desk/hours/days", {"date": "2027-02-06", "kind": "holiday"}).status_code == 403
    assert manager.post("/desk/hours/stores/S002", {"day-0": "09:00-17:00"}).status_code == 302
    assert Store.objects.get(code="S001").hours == {}
    assert not CalendarDay.objects.exists()


def test_extend_when_the_form_is_filled_in_moves_the_clock(shop: Shop, as_staff: SignIn) -> None:
    request, desk = shop.waiting(), as_staff(shop.reviewer)
    assert "Give it more time" in desk.get(f"/desk/refunds/{request.number}?do=extend").content.decode()
    form = {"version": "3", "until": _typed(3), "reason": "inspection", "consent": "1"}
    refused = desk.post(f"/desk/refunds/{request.number}/extend", {**form, "consent": ""})
    assert refused.status_code == 422
    assert "ask them, and say that they agreed" in refused.content.decode()
    assert desk.post(f"/desk/refunds/{request.number}/extend", form).status_code == 302
    kept = RefundRequest.objects.get(pk=request.pk)
    assert kept.extended_until == kept.due_at > request.due_at
    assert "as the customer agreed" in desk.get(f"/desk/refunds/{request.number}").content.decode()
