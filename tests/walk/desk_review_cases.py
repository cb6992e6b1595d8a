"""Deciding at the desk: claims, decisions, second looks, and what colleagues mention."""

from __future__ import annotations

from unittest import mock

from django.test import override_settings
from django.utils import timezone

from merchants.models import Role
from merchants.principals import of_staff
from refunds.models import Approval, PendingDecision, SecondLook, StaffNotice
from refunds.review import deciding, second_look
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, in_days, text_of

_REFUND = "/desk/refunds/<str:number>"


@case("POST", "/desk/claim-next")
def claim_next(stage: Stage) -> None:
    request = stage.in_review()
    stage.post(Role.REVIEWER, "/desk/claim-next")
    assert fresh(request).claimed_by == stage.person(Role.REVIEWER)


@case("POST", "/desk/bulk")
def bulk(stage: Stage) -> None:
    requests = [stage.in_review() for _ in range(2)]
    keys = [f"{request.number}@{request.version}" for request in requests]
    dry = stage.post(Role.REVIEWER, "/desk/bulk", action="approve", keys=keys, expect=200)
    assert "536.00" in text_of(dry)
    assert not Approval.objects.exists()
    stage.post(Role.REVIEWER, "/desk/bulk", action="approve", keys=keys, confirm="1")
    assert [fresh(request).state for request in requests] == ["approved", "approved"]


@case("POST", f"{_REFUND}/approve")
def approve(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "approve", amount="268.00", comment="核对无误")
    assert (done.state, done.approved_fen) == ("approved", 26_800)


@case("POST", f"{_REFUND}/look")
def look(stage: Stage) -> None:
    path = f"/desk/refunds/{stage.in_review().number}/look"
    stage.post(Role.REVIEWER, path, expect=200)
    assert stage.person(Role.REVIEWER).name in text_of(stage.post(Role.MANAGER, path, expect=200))
    stage.post(Role.REVIEWER, path, left="1", expect=204)
    assert stage.person(Role.REVIEWER).name not in text_of(stage.post(Role.MANAGER, path, expect=200))


def _notice(stage: Stage) -> StaffNotice:
    """The manager is named in a note."""
    by, manager = of_staff(stage.person(Role.REVIEWER)), stage.person(Role.MANAGER)
    deciding.add_note(request_id=stage.in_review().pk, by=by, at=timezone.now(), text=f"@{manager.name} 请看")
    return StaffNotice.objects.get(staff=manager)


@case("GET", "/desk/notices")
def staff_notices(stage: Stage) -> None:
    assert _notice(stage).request.number in stage.get(Role.MANAGER, "/desk/notices")


@case("GET", "/desk/notices/bell")
def bell(stage: Stage) -> None:
    _notice(stage)
    assert "1 unread" in stage.get(Role.MANAGER, "/desk/notices/bell")


@case("POST", "/desk/notices/<int:notice_id>")
def read_notice(stage: Stage) -> None:
    notice = _notice(stage)
    stage.post(Role.MANAGER, f"/desk/notices/{notice.pk}")
    assert StaffNotice.objects.get().read_at


@case("POST", "/desk/notices/read")
def read_all_notices(stage: Stage) -> None:
    _notice(stage)
    stage.post(Role.MANAGER, "/desk/notices/read")
    assert StaffNotice.objects.get().read_at


@case("POST", f"{_REFUND}/undo")
def undo(stage: Stage) -> None:
    request = stage.in_review()
    with override_settings(UNDO_S=600):
        stage.act(Role.REVIEWER, request, "approve", amount="268.00")
    assert PendingDecision.objects.filter(pk=request.pk).exists()
    done = stage.act(Role.REVIEWER, request, "undo")
    assert (done.state, done.version, PendingDecision.objects.exists()) == ("in_review", request.version, False)


def _second_look(stage: Stage) -> SecondLook:
    """Of what a manager approved, with a picture."""
    request = stage.in_review()
    stage.picture_of(request)
    with mock.patch.object(second_look, "SECOND_LOOKS_PERCENT", 100):
        by = of_staff(stage.person(Role.MANAGER))
        deciding.approve(request_id=request.pk, by=by, at=timezone.now(), version=request.version)
    return SecondLook.objects.get(request=request)


@case("GET", "/desk/second-looks")
def second_looks(stage: Stage) -> None:
    look = _second_look(stage)
    text = stage.get(Role.REVIEWER, "/desk/second-looks")
    assert (f"/desk/second-looks/{look.pk}" in text, look.request.number in text) == (True, False)


@case("POST", "/desk/second-looks/<int:look_id>")
def answer_second_look(stage: Stage) -> None:
    look = _second_look(stage)
    stage.post(Role.REVIEWER, f"/desk/second-looks/{look.pk}", decision="reject", note="看不清")
    look.refresh_from_db()
    assert (look.disagrees, fresh(look.request).state) == (True, "approved")


@case("GET", "/desk/second-looks/<int:look_id>/evidence/<uuid:evidence_id>")
def second_look_evidence(stage: Stage) -> None:
    look = _second_look(stage)
    path = f"/desk/second-looks/{look.pk}/evidence/{look.request.evidence.get().pk}"
    assert stage.browser(Role.REVIEWER).get(path).status_code == 200


@case("POST", f"{_REFUND}/reject")
def reject(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "reject", reason_code="no_proof", message="没有小票")
    assert (done.state, done.message_to_customer) == ("rejected", "没有小票")


@case("POST", f"{_REFUND}/info")
def info(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "info", items="photo", message="请拍清楚一些")
    assert done.state == "needs_info"


@case("POST", f"{_REFUND}/extend")
def extend(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "extend", until=in_days(3), reason="送检", consent="1")
    assert done.extended_until == done.due_at


@case("POST", f"{_REFUND}/claim")
def claim(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "claim")
    assert done.claimed_by == stage.person(Role.REVIEWER)


@case("POST", f"{_REFUND}/release")
def release(stage: Stage) -> None:
    assert stage.act(Role.REVIEWER, stage.claimed(), "release").claimed_by is None


@case("POST", f"{_REFUND}/reassign")
def reassign(stage: Stage) -> None:
    colleague = stage.person(Role.MANAGER)
    assert stage.act(Role.REVIEWER, stage.claimed(), "reassign", staff=colleague.pk).claimed_by == colleague
