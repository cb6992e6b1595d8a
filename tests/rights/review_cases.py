"""What waits for a person, and what they do with it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from merchants.principals import Principal
from merchants.rights import Act
from refunds.intake import resubmitting
from refunds.models import RefundRequest
from refunds.review import agreeing, deciding, exporting, grace, handing_over, revealing
from refunds.review.agreeing import Consent
from tests.rights.cases import Call, Domain, Page, later, on, read
from tests.rights.world import Who, World


def _reassign(world: World, by: Principal) -> object:
    to = world.decider.staff_id
    assert to is not None
    return handing_over.hand_over(request_id=world.requests["waiting"].pk, to=to, by=by, at=timezone.now())


def _export(world: World, by: Principal) -> object:
    taken = exporting.checked(RefundRequest.objects.all(), by=by, filters={}, at=timezone.now())
    assert all(row.merchant_id == by.merchant_id and by.works_in(row.store_id) for row in taken)
    return taken


def _extension(_world: World, _who: Who) -> dict[str, Any]:
    return {"version": 3, "until": later().isoformat(), "reason": "?", "consent": True}


def _agreement(_world: World, _who: Who) -> dict[str, Any]:
    return {"amount_fen": 1, "agreed_by": "?", "means": "phone", "agreed_at": timezone.now().isoformat()}


def _reopening(world: World, _who: Who) -> dict[str, Any]:
    return {"version": world.requests["rejected"].version, "evidence": [str(world.ahead.pk)], "note": "?"}


def _disaster(world: World, _who: Who) -> dict[str, Any]:
    when = {"starts_at": timezone.now().isoformat(), "ends_at": later().isoformat()}
    return {"stores": [world.store.code], **when, "hours": 72, "reason": "flood"}


DOMAIN: dict[Act, Domain] = {
    Act.ADD_NOTE: on("waiting", deciding.add_note, text="?"),
    Act.SEE_QUEUE: read(Act.SEE_QUEUE),
    Act.CLAIM: on("waiting", deciding.claim),
    Act.RELEASE: on("waiting", deciding.release),
    Act.REASSIGN: _reassign,
    Act.APPROVE: on("waiting", deciding.approve),
    Act.REJECT: on("waiting", deciding.reject, reason="no_proof", message="?"),
    Act.REQUEST_INFO: on("waiting", deciding.request_info, message="?"),
    Act.EXTEND: lambda world, by: on("waiting", deciding.extend, until=later(), reason="?", consent=True)(world, by),
    Act.AGREE: lambda world, by: on(
        "waiting",
        agreeing.agree_amount,
        amount_fen=1,
        consent=Consent(agreed_by="?", means="phone", agreed_at=timezone.now()),
    )(world, by),
    Act.REOPEN: lambda world, by: on("rejected", resubmitting.reopen, evidence=[world.ahead.pk], note="?")(world, by),
    Act.REVEAL: lambda world, by: revealing.reveal(request=world.requests["waiting"], by=by, at=timezone.now()),
    Act.EXPORT: _export,
    Act.GIVE_GRACE: lambda world, by: grace.declare(
        store_ids=[world.store.pk],
        starts_at=timezone.now(),
        ends_at=later(),
        hours=72,
        reason="flood",
        by=by,
        at=timezone.now(),
    ),
}

REST: list[Call] = [
    (Act.CLAIM, "POST", "refund-requests/{waiting}/claim", {}),
    (Act.RELEASE, "POST", "refund-requests/{waiting}/release", {}),
    (Act.APPROVE, "POST", "refund-requests/{waiting}/approve", {"version": 3}),
    (Act.REJECT, "POST", "refund-requests/{waiting}/reject", {"version": 3, "reason_code": "no_proof", "message": "?"}),
    (Act.REQUEST_INFO, "POST", "refund-requests/{waiting}/request-info", {"version": 3, "message": "?"}),
    (Act.EXTEND, "POST", "refund-requests/{waiting}/extend", _extension),
    (Act.AGREE, "POST", "refund-requests/{waiting}/agreements", _agreement),
    (Act.REOPEN, "POST", "refund-requests/{rejected}/reopen", _reopening),
    (Act.SEE_QUEUE, "GET", "tasks", None),
    (Act.GIVE_GRACE, "POST", "graces", _disaster),
]

DESK: list[Page] = [
    (Act.ADD_NOTE, "POST", "/desk/refunds/{waiting}/note", {"text": "?"}),
    # /desk itself leads whoever has no queue to the work of their own.
    (Act.SEE_QUEUE, "GET", "/desk/notifications", {}),
    (Act.CLAIM, "POST", "/desk/refunds/{waiting}/claim", {}),
    (Act.RELEASE, "POST", "/desk/refunds/{waiting}/release", {}),
    (Act.REASSIGN, "POST", "/desk/refunds/{waiting}/reassign", {"staff": "{decider}"}),
    (Act.APPROVE, "POST", "/desk/refunds/{waiting}/approve", {"version": "3"}),
    (Act.REJECT, "POST", "/desk/refunds/{waiting}/reject", {"version": "3", "reason_code": "no_proof", "message": "?"}),
    (Act.REQUEST_INFO, "POST", "/desk/refunds/{waiting}/info", {"version": "3", "message": "?"}),
    (
        Act.EXTEND,
        "POST",
        "/desk/refunds/{waiting}/extend",
        {"version": "3", "until": "later", "reason": "?", "consent": "1"},
    ),
    (
        Act.AGREE,
        "POST",
        "/desk/refunds/{waiting}/agree",
        {"version": "3", "amount": "0.01", "agreed_by": "?", "means": "phone"},
    ),
    (Act.REOPEN, "POST", "/desk/refunds/{rejected}/reopen", {"version": "4", "files": "picture", "note": "?"}),
    (Act.REVEAL, "POST", "/desk/refunds/{waiting}/reveal", {}),
    (Act.EXPORT, "GET", "/desk/refunds.csv", {}),
    (
        Act.GIVE_GRACE,
        "POST",
        "/desk/hours/grace",
        {"stores": "{store}", "starts_at": "now", "ends_at": "later", "hours": "72", "reason": "flood"},
    ),
]
