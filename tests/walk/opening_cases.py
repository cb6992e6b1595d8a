"""Every call about when stores are open, about disasters, and about who decides for whom. Their pages are among the desk's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from merchants.models import CalendarDay, Delegation, Grace, Role, Store
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh

_API = "/api/v1/"
_WEEK = ["10:00-14:00 17:00-22:00"] * 5 + ["10:00-02:00", ""]
_OPEN = {"hours": {"week": _WEEK, "holiday": ""}, "shown": "10–22"}


def _graced(stage: Stage) -> Any:
    now = timezone.now()
    ends_at = now + timedelta(days=3)
    body = {"stores": ["S001"], "starts_at": now.isoformat(), "ends_at": ends_at.isoformat(), "hours": 72}
    return stage.call_as(Role.MANAGER, "graces", {**body, "reason": "洪水"}, expect=201)


def _deputed(stage: Stage) -> Any:
    now = timezone.now()
    body = {
        "absent": stage.person(Role.MANAGER).username,
        "deputy": stage.person(Role.REVIEWER).username,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=7)).isoformat(),
        "limit_fen": 50_000,
    }
    return stage.call_as(Role.OWNER, "delegations", body, expect=201)


@case("GET", f"{_API}opening-hours")
def opening_hours(stage: Stage) -> None:
    given = _graced(stage)
    told = stage.call_as(Role.MANAGER, "opening-hours", None, method="GET")
    assert ([row["store"] for row in told["stores"]], told["graces"]) == (["S001"], [given])


@case("GET", f"{_API}opening-hours/stores/<str:code>")
def store_hours(stage: Stage) -> None:
    stage.call_as(Role.MANAGER, "opening-hours/stores/S001", _OPEN, method="PUT")
    told = stage.call_as(Role.MANAGER, "opening-hours/stores/S001", None, method="GET")
    assert (told["hours"]["week"], told["shown"]) == (_WEEK, "10–22")


@case("PUT", f"{_API}opening-hours/stores/<str:code>")
def set_store_hours(stage: Stage) -> None:
    stage.call_as(Role.MANAGER, "opening-hours/stores/S001", _OPEN, method="PUT")
    assert Store.objects.get(code="S001").hours == {"week": _WEEK, "holiday": ""}


@case("PUT", f"{_API}opening-hours/days/<str:day>")
def set_calendar_day(stage: Stage) -> None:
    stage.call_as(Role.MANAGER, "opening-hours/days/2027-02-17", {"kind": "holiday"}, method="PUT")
    assert CalendarDay.objects.get().kind == "holiday"


@case("POST", f"{_API}graces")
def declare_grace(stage: Stage) -> None:
    request = stage.in_review()
    assert (_graced(stage)["state"], Grace.objects.get().reason) == ("now", "洪水")
    assert fresh(request).due_at == request.due_at + timedelta(hours=72)


@case("POST", f"{_API}graces/<int:grace_id>/end")
def end_grace(stage: Stage) -> None:
    given = _graced(stage)
    assert stage.call_as(Role.MANAGER, f"graces/{given['id']}/end", None)["state"] == "over"
    assert Grace.objects.get().ended_by == stage.person(Role.MANAGER)


@case("GET", f"{_API}delegations")
def delegations(stage: Stage) -> None:
    given = _deputed(stage)
    assert stage.call_as(Role.OWNER, "delegations", None, method="GET")["results"] == [given]


@case("POST", f"{_API}delegations")
def give_delegation(stage: Stage) -> None:
    assert _deputed(stage)["state"] == "now"
    given = Delegation.objects.get()
    assert (given.deputy, given.limit_fen) == (stage.person(Role.REVIEWER), 50_000)


@case("POST", f"{_API}delegations/<int:delegation_id>/revoke")
def revoke_delegation(stage: Stage) -> None:
    given = _deputed(stage)
    assert stage.call_as(Role.OWNER, f"delegations/{given['id']}/revoke", None)["state"] == "revoked"
    assert Delegation.objects.get().revoked_at is not None
