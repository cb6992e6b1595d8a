"""Opening hours, other days and disasters over REST: for staff in their session, the same as at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import CalendarDay, Grace, Merchant, Store
from refunds.models import RefundRequest
from tests.api.conftest import Session, session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db

WEEK = ["10:00-14:00 17:00-22:00"] * 5 + ["10:00-02:00", ""]


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    Store.objects.create(merchant=merchant, code="S002", name="二店")
    return merchant


@pytest.fixture
def manager(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "manager"))


@pytest.fixture
def of_one_store(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "manager", stores=[merchant.stores.get(code="S001")]))


def _disaster(**change: Any) -> dict[str, Any]:
    now = timezone.now()
    said = {
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=3)).isoformat(),
        "hours": 72,
        "reason": "洪水",
    }
    return {**said, **change}


def test_hours_when_set_are_told_and_audited(manager: Session) -> None:
    hours = {"week": WEEK, "holiday": "", "workday": None, "days": {"2026-12-31": "10:00-02:00"}}
    said = manager.put("opening-hours/stores/S001", {"hours": hours, "shown": "10–22"}).json()
    kept = {"week": WEEK, "holiday": "", "days": {"2026-12-31": "10:00-02:00"}}
    assert said == {"store": "S001", "name": said["name"], "hours": kept, "shown": "10–22"}
    assert manager.get("opening-hours/stores/S001").json() == said
    assert [row["hours"] for row in manager.get("opening-hours").json()["stores"]] == [kept, None]
    assert AuditEvent.objects.get(action="store.hours").data["after"]["hours"] == kept
    assert manager.put("opening-hours/stores/S001", {"hours": None}).json()["hours"] is None


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        ({"week": WEEK[:6]}, 400),
        ({"week": WEEK, "open": "x"}, 400),
        ({"week": [*WEEK[:6], 8]}, 400),
        ({}, 400),
        ({"week": [*WEEK[:6], "9 to 5"]}, 422),
        ({"week": [*WEEK[:6], "09:00-12:00 11:00-13:00"]}, 422),
        ({"week": [""] * 7}, 422),
        ({"week": WEEK, "days": {"tomorrow": ""}}, 422),
    ],
)
def test_hours_when_they_cannot_be_read_change_nothing(manager: Session, hours: Any, status: int) -> None:
    answer = manager.put("opening-hours/stores/S001", {"hours": hours})
    assert answer.status_code == status, answer.content
    assert status == 400 or answer.json()["code"] == "hours_invalid"
    assert not Store.objects.exclude(hours={}).exists()
    assert not AuditEvent.objects.filter(action="store.hours").exists()


def test_day_when_said_goes_before_the_calendar_until_taken_back(manager: Session, of_one_store: Session) -> None:
    assert manager.put("opening-hours/days/2027-02-17", {"kind": "holiday"}).json() == {
        "date": "2027-02-17",
        "kind": "holiday",
    }
    assert manager.get("opening-hours").json()["calendar_days"] == [{"date": "2027-02-17", "kind": "holiday"}]
    for path, body, status in (
        ("2027-02-30", {"kind": "holiday"}, 422),
        ("soon", {"kind": "holiday"}, 422),
        ("2027-02-17", {"kind": "feast"}, 400),
    ):
        assert manager.put(f"opening-hours/days/{path}", body).status_code == status
    refused = of_one_store.put("opening-hours/days/2027-02-17", {"kind": None})
    assert (refused.status_code, refused.json()["code"]) == (403, "all_stores_required")
    assert CalendarDay.objects.get().kind == "holiday"
    assert manager.put("opening-hours/days/2027-02-17", {"kind": None}).json()["kind"] is None
    assert not CalendarDay.objects.exists()


def test_grace_when_declared_moves_what_lies_on_the_desk_once_and_ends_early(
    merchant: Merchant, manager: Session
) -> None:
    request = make_request(make_sale(merchant, 50_000), 30_000)
    due_at = request.due_at
    body = _disaster(stores=["S001"])
    given = manager.post("graces", body, key="g1")
    assert (given.status_code, given.json()["stores"], given.json()["state"]) == (201, ["S001"], "now")
    assert manager.post("graces", body, key="g1").json() == given.json()
    assert RefundRequest.objects.get().due_at == due_at + timedelta(hours=72)
    again = manager.post("graces", _disaster(), key="g2")
    assert (again.status_code, again.json()["code"]) == (409, "grace_overlaps")
    path = f"graces/{given.json()['id']}/end"
    assert manager.post(path).json()["state"] == "over"
    assert manager.post(path).json()["code"] == "grace_over"
    assert Grace.objects.count() == 1


def test_stores_when_they_are_another_managers_are_not_there(of_one_store: Session, manager: Session) -> None:
    abroad = session_for(make_staff(make_merchant(), "manager"))
    assert manager.post("graces", _disaster(stores=["S002"]), key="g1").status_code == 201
    whole = of_one_store.post("graces", _disaster(), key="g2")
    assert (whole.status_code, whole.json()["code"]) == (403, "all_stores_required")
    for path in ("opening-hours/stores/S002", "opening-hours/stores/S009"):
        assert of_one_store.get(path).status_code == 404
        assert of_one_store.put(path, {"hours": {"week": WEEK}}).status_code == 404
    assert of_one_store.post("graces", _disaster(stores=["S001", "S002"]), key="g3").status_code == 404
    told = of_one_store.get("opening-hours").json()
    assert [[row["store"] for row in told["stores"]], told["graces"]] == [["S001"], []]
    given = Grace.objects.get()
    for who in (of_one_store, abroad):
        assert who.post(f"graces/{given.pk}/end").status_code == 404
    assert abroad.get("opening-hours").json()["graces"] == []
    assert Grace.objects.get().ended_by_id is None
