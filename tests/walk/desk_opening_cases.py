"""Hours, deputies, shifts and decisions at the till, at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from merchants.models import CalendarDay, Delegation, Grace, Role, Store
from refunds.models import Shift
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, in_days


def _graced(stage: Stage) -> Grace:
    form: dict[str, Any] = {
        "starts_at": in_days(-1),
        "ends_at": in_days(1),
        "hours": "72",
        "reason": "台风",
        "all_stores": "1",
    }
    stage.post(Role.MANAGER, "/desk/hours/grace", **form)
    return Grace.objects.get()


@case("GET", "/desk/hours")
def hours(stage: Stage) -> None:
    assert 'name="day-6"' in stage.get(Role.MANAGER, "/desk/hours")


@case("POST", "/desk/hours/stores/<str:code>")
def store_hours(stage: Stage) -> None:
    form: dict[str, Any] = {"day-0": "09:00-18:00"}
    stage.post(Role.MANAGER, "/desk/hours/stores/S001", **form)
    assert Store.objects.get(code="S001").hours["week"][0] == "09:00-18:00"


@case("POST", "/desk/hours/days")
def calendar_day(stage: Stage) -> None:
    stage.post(Role.MANAGER, "/desk/hours/days", date="2027-02-06", kind="holiday")
    assert CalendarDay.objects.get().kind == "holiday"


@case("POST", "/desk/hours/grace")
def declare_grace(stage: Stage) -> None:
    assert _graced(stage).hours == 72


@case("POST", "/desk/hours/grace/<int:grace_id>/end")
def end_grace(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"/desk/hours/grace/{_graced(stage).pk}/end")
    assert Grace.objects.get().ended_by is not None


@case("GET", "/desk/deputies")
@case("POST", "/desk/deputies")
@case("POST", "/desk/deputies/<int:delegation_id>/revoke")
def name_a_deputy(stage: Stage) -> None:
    absent, deputy, now = stage.person(Role.MANAGER), stage.person(Role.REVIEWER), timezone.localtime()
    times: dict[str, Any] = {
        "starts_at": f"{now:%Y-%m-%dT%H:%M}",
        "ends_at": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }
    stage.post(Role.OWNER, "/desk/deputies", absent=absent.pk, deputy=deputy.pk, limit="", **times)
    row = Delegation.objects.get()
    assert deputy.name in stage.get(Role.OWNER, "/desk/deputies")
    stage.post(Role.OWNER, f"/desk/deputies/{row.pk}/revoke")
    assert Delegation.objects.get().revoked_at is not None


@case("GET", "/desk/at-till/<str:token>")
@case("POST", "/desk/at-till/<str:token>")
def decide_at_the_till(stage: Stage) -> None:
    request = stage.in_review()
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": request.amount_fen}
    shown = stage.call("POST", f"refund-requests/{request.pk}/till-authorisations", body, expect=201)
    path = "/desk/at-till/" + shown["url"].rsplit("/", 1)[1]
    assert request.number in stage.get(Role.MANAGER, path)
    stage.post(Role.MANAGER, path, decision="approve")
    assert fresh(request).approved_fen == request.amount_fen


@case("GET", "/desk/shifts")
@case("POST", "/desk/shifts")
@case("GET", "/desk/shifts/<int:shift_id>")
@case("POST", "/desk/shifts/<int:shift_id>")
def run_shift(stage: Stage) -> None:
    till = stage.merchant.stores.order_by("pk")[0].terminals.get(code="POS-01")
    stage.post(Role.CASHIER, "/desk/shifts", terminal=till.pk, float="100")
    shift = Shift.objects.get()
    assert "POS-01" in stage.get(Role.CASHIER, "/desk/shifts")
    path = f"/desk/shifts/{shift.pk}"
    assert "100.00" in stage.get(Role.CASHIER, path)
    stage.post(Role.CASHIER, path, counted="99", expect=422)
    stage.post(Role.CASHIER, path, counted="99", note="short by one")
    assert Shift.objects.get().counted_fen == 9_900
