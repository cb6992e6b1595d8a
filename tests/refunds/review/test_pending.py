"""A decision at the desk can be taken back for ten seconds, and nothing leaves before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core.audit.models import AuditEvent
from core.errors import DomainError
from merchants import delegations, policies
from merchants.models import Merchant, Role, Staff
from merchants.principals import SYSTEM, Principal, of_staff
from refunds.facts import vouching
from refunds.facts.conditions import DecisionPending
from refunds.models import Approval, Execution, OutboxMessage, PendingDecision, RefundRequest
from refunds.models.approval import Decision
from refunds.payouts import ways_back
from refunds.review import deciding, pending
from refunds.review.pending import UndoTooLate
from tests.factories import make_request, make_sale, make_staff
from tests.passkeys import signed, with_passkey

pytestmark = pytest.mark.django_db

SOON = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def _ten_seconds(settings: Settings) -> None:
    settings.UNDO_S = 10


@pytest.fixture
def reviewer(merchant: Merchant) -> Staff:
    return make_staff(merchant, Role.REVIEWER)


def _decide(request: RefundRequest, by: Staff, at: datetime, **said: Any) -> PendingDecision | None:
    decision = Decision.REJECT if "reason" in said else Decision.APPROVE
    values = {"request_id": request.pk, "version": request.version, **said}
    return pending.decide(decision=decision, by=of_staff(by), at=at, **values)[1]


def _stand(request: RefundRequest) -> tuple[str, int, int, int, int]:
    """State, version, and how many decisions, payouts and outbox rows there are."""
    fresh = RefundRequest.objects.get(pk=request.pk)
    told = OutboxMessage.objects.filter(request_id=request.pk).count()
    return fresh.state, fresh.version, fresh.approvals.count(), fresh.executions.count(), told


@pytest.mark.parametrize(
    "said", [{"amount_fen": 25_000, "note": "照片属实"}, {"reason": "no_proof", "message": "没有小票"}]
)
def test_decide_when_ten_seconds_are_over_takes_effect_once_and_not_before(
    waiting: RefundRequest, reviewer: Staff, said: dict[str, Any]
) -> None:
    before, now = _stand(waiting), timezone.now()
    assert _decide(waiting, reviewer, now, **said) is not None
    assert pending.take_effect(at=now + timedelta(seconds=9)) == 0
    assert _stand(waiting) == before
    assert (pending.take_effect(at=now + SOON), pending.take_effect(at=now + SOON)) == (1, 0)
    approves = "reason" not in said
    state, version, decisions, payouts, told = _stand(waiting)
    assert (state, version) == ("approved" if approves else "rejected", waiting.version + 1)
    assert (decisions, payouts, told) == (1, int(approves), before[4] + 1)
    decision = Approval.objects.get()
    assert (decision.staff_id, decision.amount_fen) == (reviewer.pk, 25_000 if approves else None)


def test_undo_leaves_everything_as_it_was_and_the_trail_says_so(waiting: RefundRequest, reviewer: Staff) -> None:
    before, now = _stand(waiting), timezone.now()
    _decide(waiting, reviewer, now)
    pending.undo(request_id=waiting.pk, by=of_staff(reviewer), at=now + timedelta(seconds=9))
    assert pending.take_effect(at=now + SOON) == 0
    assert _stand(waiting) == before
    assert RefundRequest.objects.get(pk=waiting.pk).claimed_by == reviewer
    acts = AuditEvent.objects.filter(object_id=str(waiting.pk), action__in=["refund.decide", "refund.undo"])
    assert [(one.action, one.actor_id) for one in acts.order_by("pk")] == [
        ("refund.decide", str(reviewer.pk)),
        ("refund.undo", str(reviewer.pk)),
    ]


def test_undo_when_it_is_a_colleagues_or_took_effect_is_refused(waiting: RefundRequest, reviewer: Staff) -> None:
    now, manager = timezone.now(), make_staff(waiting.merchant, Role.MANAGER)
    _decide(waiting, reviewer, now)
    with pytest.raises(UndoTooLate):
        pending.undo(request_id=waiting.pk, by=of_staff(manager), at=now)
    assert pending.take_effect(at=now + SOON) == 1
    with pytest.raises(UndoTooLate):
        pending.undo(request_id=waiting.pk, by=of_staff(reviewer), at=now + SOON)
    assert _stand(waiting)[0] == "approved"


def test_decide_when_a_decision_is_pending_refuses_everybody_and_nobody_is_given_it(
    waiting: RefundRequest, reviewer: Staff
) -> None:
    now, manager = timezone.now(), make_staff(waiting.merchant, Role.MANAGER)
    before = _stand(waiting)
    _decide(waiting, reviewer, now)
    for who in (reviewer, manager):
        with pytest.raises(DecisionPending):
            _decide(waiting, who, now)
        with pytest.raises(DecisionPending):
            deciding.request_info(
                request_id=waiting.pk, by=of_staff(who), at=now, version=waiting.version, message="photo"
            )
    RefundRequest.objects.filter(pk=waiting.pk).update(claimed_by=None)
    assert deciding.claim_next(by=of_staff(manager), at=now) is None
    assert _stand(waiting) == before


def test_take_effect_when_the_request_was_withdrawn_pays_nothing_and_says_so(
    waiting: RefundRequest, reviewer: Staff
) -> None:
    now = timezone.now()
    _decide(waiting, reviewer, now)
    ways_back.cancel(request_id=waiting.pk, by=of_staff(make_staff(waiting.merchant, Role.MANAGER)), at=now)
    assert pending.take_effect(at=now + SOON) == 0
    assert not PendingDecision.objects.exists()
    assert _stand(waiting)[:4:2] == ("cancelled", 0)
    assert AuditEvent.objects.get(action="refund.decision_void").data["code"] == "version_conflict"


def test_take_effect_when_the_deputys_time_ended_within_the_ten_seconds_pays_nothing_and_says_so(
    merchant: Merchant, waiting: RefundRequest, reviewer: Staff
) -> None:
    """To the very moment: decided before the end it is theirs, at the end it is not, and nor is what would take effect then."""
    now, owner = timezone.now(), make_staff(merchant, Role.OWNER)
    large = make_request(make_sale(merchant, 300_000), 150_000)
    ends_at = now + timedelta(minutes=5)
    said: dict[str, Any] = {"starts_at": now, "limit_fen": None, "by": of_staff(owner), "at": now}
    delegations.give(absent=owner.pk, deputy=reviewer.pk, ends_at=ends_at, **said)
    in_time = _decide(large, reviewer, ends_at - SOON - timedelta(microseconds=1))
    assert in_time is not None
    assert pending.take_effect(at=in_time.effective_at) == 1
    assert _stand(large)[0] == "approved"

    late = make_request(make_sale(merchant, 300_000), 150_000)
    decided = _decide(late, reviewer, ends_at - timedelta(microseconds=1))
    assert decided is not None
    assert pending.take_effect(at=decided.effective_at) == 0
    assert (_stand(late)[0], _stand(late)[3]) == ("in_review", 0)
    assert AuditEvent.objects.get(action="refund.decision_void").data["code"] == "tier_required"
    with pytest.raises(DomainError, match="tier"):
        _decide(late, reviewer, ends_at)


def test_take_effect_when_the_person_was_switched_off_meanwhile_pays_nothing(
    waiting: RefundRequest, reviewer: Staff
) -> None:
    now = timezone.now()
    _decide(waiting, reviewer, now)
    Staff.objects.filter(pk=reviewer.pk).update(is_active=False)
    assert pending.take_effect(at=now + SOON) == 0
    assert (_stand(waiting)[0], Execution.objects.exists()) == ("in_review", False)


@pytest.mark.django_db(transaction=True)
def test_undo_at_the_last_moment_beside_two_workers_is_the_one_or_the_other(
    merchant: Merchant, reviewer: Staff
) -> None:
    now = timezone.now()
    requests = [make_request(make_sale(merchant, 50_000), 30_000) for _ in range(6)]
    for request in requests:
        _decide(request, reviewer, now)

    def undo(request: RefundRequest) -> str:
        try:
            pending.undo(request_id=request.pk, by=of_staff(reviewer), at=now + SOON)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "in_review"

    def work() -> int:
        try:
            return pending.take_effect(at=now + SOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        undone = [pool.submit(partial(undo, request)) for request in requests]
        said = [one.result(timeout=60) for one in undone]
        effective = sum(one.result(timeout=60) for one in workers)
    # Whom the workers passed over, because they were being taken back, is left.
    effective += pending.take_effect(at=now + SOON)
    for request, answer in zip(requests, said, strict=True):
        is_undone = answer == "in_review"
        assert _stand(request)[:4:3] == (("in_review", 0) if is_undone else ("approved", 1))
    assert effective == said.count("undo_too_late")


@pytest.mark.parametrize("how", ["written by hand", "another amount", "put back after it was taken back"])
def test_decision_that_nobody_made_never_takes_effect(waiting: RefundRequest, reviewer: Staff, how: str) -> None:
    before, now = _stand(waiting), timezone.now()
    row = PendingDecision(
        request=waiting, staff=reviewer, decision="approve", version=waiting.version, decided_at=now, effective_at=now
    )
    row.said = {"amount_fen": 25_000, "note": "", "shown": {}}
    if how != "written by hand":
        made = _decide(waiting, reviewer, now, amount_fen=25_000)
        assert made is not None
        row.said, row.effective_at = made.said, made.effective_at
    if how == "another amount":
        row.said = {**row.said, "amount_fen": 30_000}
    if how == "put back after it was taken back":
        pending.undo(request_id=waiting.pk, by=of_staff(reviewer), at=now)
        row.save(force_insert=True)
    else:
        row.save()
    assert pending.take_effect(at=now + SOON) == 0
    assert _stand(waiting) == before
    assert not PendingDecision.objects.exists()
    assert AuditEvent.objects.get(action="refund.decision_void").data["code"] == "not_decided"


def test_large_decision_when_signed_takes_effect_with_its_signature_whatever_was_signed_meanwhile(
    merchant: Merchant,
) -> None:
    manager, owner = make_staff(merchant, Role.MANAGER), make_staff(merchant, Role.OWNER)
    rules = {
        **merchant.policy_versions.latest("number").rules,
        "four_eyes_above_fen": 20_000,
        "second_approval_hours": 4,
    }
    policies.publish(merchant=merchant, name="two", rules=rules, by=SYSTEM, at=timezone.now())
    first, second = (make_request(make_sale(merchant, 50_000), 30_000) for _ in range(2))
    keys, now = {one.pk: with_passkey(one) for one in (manager, owner)}, timezone.now()

    def decides(person: Staff, request: RefundRequest) -> PendingDecision | None:
        def act(by: Principal) -> PendingDecision | None:
            fresh = RefundRequest.objects.get(pk=request.pk)
            return pending.decide(request_id=fresh.pk, version=fresh.version, decision=Decision.APPROVE, by=by, at=now)[
                1
            ]

        return signed(person, keys[person.pk], act)

    assert decides(manager, first) is None
    assert decides(owner, first) is not None
    # Signed, and in effect at once, while the other one waits: the key has counted on.
    assert decides(owner, second) is None
    assert pending.take_effect(at=now + SOON) == 1
    assert _stand(first)[0] == "approved"
    assert [row.factor for row in first.approvals.order_by("pk")] == ["webauthn", "webauthn"]
    assert not vouching.faults([first.pk], paying=True)
