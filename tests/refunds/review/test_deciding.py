"""Deciding: who may, in which order, and that nobody signs for what they asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Conflict, Forbidden, Invalid, NotFound
from merchants import api_keys, policies
from merchants.models import KeyScope, Merchant, Staff
from merchants.principals import of_staff
from refunds.facts.conditions import ClaimedByAnother
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.lifecycle import AlreadyChanged, WrongState
from refunds.models import Approval, Execution, RefundRequest
from refunds.review import deciding
from tests.api.conftest import session_for
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff, of_api_key, works_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(merchant: Merchant) -> Staff:
    return make_staff(merchant, "reviewer")


def _approve(request: RefundRequest, by: Staff, *, at: datetime | None = None, **more: Any) -> RefundRequest:
    version = RefundRequest.objects.get(pk=request.pk).version
    return deciding.approve(request_id=request.pk, by=of_staff(by), at=at or timezone.now(), version=version, **more)


def test_approval_makes_the_payout_ready_and_is_kept_with_its_tier(waiting: RefundRequest, reviewer: Staff) -> None:
    approved = _approve(waiting, reviewer, amount_fen=25_000, note="照片属实")
    payout = Execution.objects.get(request=waiting)
    assert (approved.state, approved.approved_fen, approved.reserved_fen) == ("approved", 25_000, 25_000)
    assert (payout.state, payout.amount_fen) == ("ready", 25_000)
    decision = Approval.objects.get()
    assert (decision.decision, decision.tier, decision.amount_fen, decision.version) == (
        "approve",
        "manager",
        25_000,
        4,
    )
    waiting.transaction.refresh_from_db()
    assert waiting.transaction.reserved_fen == 25_000


@pytest.mark.parametrize("amount", [0, -1, 30_001])
def test_no_other_amount_than_up_to_what_was_asked_for(waiting: RefundRequest, reviewer: Staff, amount: int) -> None:
    with pytest.raises(Invalid) as refused:
        _approve(waiting, reviewer, amount_fen=amount)
    assert refused.value.code == "amount_above_requested"


def test_requester_cannot_approve_nor_reject(merchant: Merchant) -> None:
    manager = make_staff(merchant, "manager")
    own = make_request(make_sale(merchant, 50_000), 30_000, by=manager)
    with pytest.raises(Forbidden) as refused:
        _approve(own, manager)
    assert refused.value.code == "own_request"
    with pytest.raises(Forbidden):
        deciding.reject(
            request_id=own.pk,
            by=of_staff(manager),
            at=timezone.now(),
            version=own.version,
            reason="no_proof",
            message="x",
        )


def test_who_rang_the_sale_up_cannot_approve_its_refund(merchant: Merchant) -> None:
    manager = make_staff(merchant, "manager", username="C001")
    with pytest.raises(Forbidden) as refused:
        _approve(make_request(make_sale(merchant, 50_000), 30_000), manager)
    assert refused.value.code == "own_request"


@pytest.mark.parametrize("by_key", [False, True])
def test_who_corrected_a_request_cannot_approve_it(merchant: Merchant, waiting: RefundRequest, by_key: bool) -> None:
    """Ask for more, send it in again with another amount, approve: that would be approving one's own request."""
    manager, other = make_staff(merchant, "manager"), make_staff(merchant, "manager")
    now = timezone.now()
    deciding.request_info(request_id=waiting.pk, by=of_staff(manager), at=now, version=waiting.version, message="?")
    by = of_staff(manager)
    if by_key:
        # Another till of the same store asked for it: its keys may correct what one of them sent in.
        asked, corrected = (
            api_keys.issue(
                merchant=merchant,
                name="k",
                scopes=[KeyScope.REFUNDS_WRITE, KeyScope.REFUNDS_READ],
                by=of_staff(maker),
                at=now,
                store=waiting.store,
            )[0]
            for maker in (make_staff(merchant, "owner"), manager)
        )
        RefundRequest.objects.filter(pk=waiting.pk).update(api_key=asked)
        by = of_api_key(corrected)
    resubmitting.resubmit(request_id=waiting.pk, correction=Correction(amount_fen=40_000), by=by, at=now)
    with pytest.raises(Forbidden) as refused:
        _approve(waiting, manager)
    assert refused.value.code == "own_request"
    assert _approve(waiting, other).state == "approved"


def test_limits_of_today_count_not_those_of_the_day_of_submission(
    merchant: Merchant, waiting: RefundRequest, reviewer: Staff
) -> None:
    owner = Staff.objects.get(merchant=merchant, role="owner")
    tighter = {**RULES, "tiers": [{**RULES["tiers"][0], "limit_fen": 10_000}, RULES["tiers"][1]]}
    policies.publish(merchant=merchant, name="tighter", rules=tighter, by=of_staff(owner), at=timezone.now())
    with pytest.raises(Forbidden) as refused:
        _approve(waiting, reviewer)
    assert refused.value.code == "tier_required"
    assert _approve(waiting, reviewer, amount_fen=10_000).state == "approved"


@pytest.mark.parametrize(("role", "may"), [("cashier", False), ("finance", False), ("reviewer", True), ("owner", True)])
def test_roles(waiting: RefundRequest, role: str, may: bool) -> None:
    # The owner that the merchant came with has made no key and asked for nothing.
    staff = make_staff(waiting.merchant, role)
    if may:
        assert deciding.claim(request_id=waiting.pk, by=of_staff(staff), at=timezone.now()).claimed_by_id == staff.pk
        return
    with pytest.raises(Forbidden):
        deciding.claim(request_id=waiting.pk, by=of_staff(staff), at=timezone.now())
    with pytest.raises(Forbidden):
        _approve(waiting, staff)


@pytest.mark.urls("tests.api_urls")
def test_disabled_user_is_out_at_once(waiting: RefundRequest, reviewer: Staff) -> None:
    session = session_for(reviewer)
    assert session.post(f"refund-requests/{waiting.pk}/claim", {}).status_code == 200
    Staff.objects.filter(pk=reviewer.pk).update(is_active=False)
    answer = session.post(f"refund-requests/{waiting.pk}/approve", {"version": 3})
    assert answer.status_code in {401, 403}
    assert RefundRequest.objects.get(pk=waiting.pk).state == "in_review"


@pytest.mark.urls("tests.api_urls")
def test_reviewer_of_one_store_does_not_see_the_others(merchant: Merchant, reviewer: Staff) -> None:
    elsewhere = merchant.stores.create(code="S002", name="二号店")
    works_in(reviewer, elsewhere)
    there = make_request(make_sale(merchant, 50_000), 30_000)
    assert session_for(reviewer).post(f"refund-requests/{there.pk}/approve", {"version": 3}).status_code == 404


@pytest.mark.urls("tests.api_urls")
def test_reviewer_of_another_merchant_gets_the_same_404_as_for_nothing(waiting: RefundRequest) -> None:
    stranger = session_for(make_staff(make_merchant(), "owner"))
    bodies: dict[str, dict[str, Any]] = {
        "claim": {},
        "release": {},
        "approve": {"version": 3},
        "reject": {"version": 3, "reason_code": "no_proof", "message": "x"},
        "request-info": {"version": 3, "message": "x"},
    }
    for action, body in bodies.items():
        theirs = stranger.post(f"refund-requests/{waiting.pk}/{action}", body)
        nothing = stranger.post(f"refund-requests/00000000-0000-7000-8000-000000000000/{action}", body)
        assert (theirs.status_code, theirs.json()) == (404, nothing.json())


@pytest.mark.urls("tests.api_urls")
@pytest.mark.parametrize("field", ["state", "merchant", "approver", "paid_fen", "staff_id", "tier"])
def test_fields_that_are_nobodys_to_set_are_refused(waiting: RefundRequest, reviewer: Staff, field: str) -> None:
    answer = session_for(reviewer).post(f"refund-requests/{waiting.pk}/approve", {"version": 3, field: "x"})
    assert answer.status_code == 400
    assert RefundRequest.objects.get(pk=waiting.pk).version == 3


@pytest.mark.urls("tests.api_urls")
def test_decided_amount_cannot_be_changed_afterwards(waiting: RefundRequest, reviewer: Staff) -> None:
    _approve(waiting, reviewer, amount_fen=10_000)
    answer = session_for(make_staff(waiting.merchant, "manager")).post(
        f"refund-requests/{waiting.pk}/approve", {"version": 4, "amount_fen": 30_000}
    )
    assert answer.status_code == 409
    answer = session_for(reviewer).post(f"refund-requests/{waiting.pk}/resubmit", {"amount_fen": 30_000})
    assert answer.status_code == 409
    assert RefundRequest.objects.get(pk=waiting.pk).approved_fen == 10_000


def test_claim_is_a_courtesy_between_colleagues(waiting: RefundRequest, reviewer: Staff) -> None:
    now, colleague = timezone.now(), make_staff(waiting.merchant, "reviewer")
    deciding.claim(request_id=waiting.pk, by=of_staff(reviewer), at=now)
    deciding.claim(request_id=waiting.pk, by=of_staff(reviewer), at=now)
    assert AuditEvent.objects.filter(action="refund.claim").count() == 1
    with pytest.raises(ClaimedByAnother):
        deciding.claim(request_id=waiting.pk, by=of_staff(colleague), at=now)
    with pytest.raises(ClaimedByAnother):
        _approve(waiting, colleague)
    with pytest.raises(Forbidden):
        deciding.release(request_id=waiting.pk, by=of_staff(colleague), at=now)
    deciding.release(request_id=waiting.pk, by=of_staff(make_staff(waiting.merchant, "manager")), at=now)
    assert _approve(waiting, colleague).state == "approved"


def test_next_is_the_most_urgent_that_one_may_decide(merchant: Merchant, reviewer: Staff) -> None:
    now = timezone.now()
    sale = make_sale(merchant, 200_000)
    own = make_request(sale, 21_000, by=reviewer, at=now - timedelta(hours=5))
    urgent = make_request(sale, 22_000, at=now - timedelta(hours=3))
    later = make_request(sale, 23_000, at=now)
    found = [deciding.claim_next(by=of_staff(reviewer), at=now) for _ in range(3)]
    assert [request.pk if request else None for request in found] == [urgent.pk, later.pk, None]
    assert RefundRequest.objects.get(pk=own.pk).claimed_by_id is None


def test_stale_page_decides_nothing(waiting: RefundRequest, reviewer: Staff) -> None:
    with pytest.raises(AlreadyChanged) as refused:
        deciding.approve(request_id=waiting.pk, by=of_staff(reviewer), at=timezone.now(), version=2)
    assert refused.value.facts["version"] == 3


def test_what_is_decided_cannot_be_decided_again(waiting: RefundRequest, reviewer: Staff) -> None:
    now = timezone.now()
    deciding.reject(
        request_id=waiting.pk,
        by=of_staff(reviewer),
        at=now,
        version=3,
        reason="no_proof",
        message="缺少凭证",
        note="见照片",
    )
    rejected = RefundRequest.objects.get(pk=waiting.pk)
    assert (rejected.state, rejected.reserved_fen, rejected.reject_reason) == ("rejected", 0, "no_proof")
    with pytest.raises(WrongState):
        _approve(waiting, reviewer)
    with pytest.raises(WrongState):
        deciding.claim(request_id=waiting.pk, by=of_staff(reviewer), at=now)


@pytest.mark.parametrize(("reason", "code"), [("because", "unknown_reason_code"), ("", "unknown_reason_code")])
def test_rejection_needs_a_coded_reason(waiting: RefundRequest, reviewer: Staff, reason: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        deciding.reject(
            request_id=waiting.pk, by=of_staff(reviewer), at=timezone.now(), version=3, reason=reason, message="m"
        )
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["", "   "])
def test_questions_and_notes_need_words(waiting: RefundRequest, reviewer: Staff, text: str) -> None:
    now = timezone.now()
    with pytest.raises(Invalid):
        deciding.request_info(request_id=waiting.pk, by=of_staff(reviewer), at=now, version=3, message=text)
    with pytest.raises(Invalid):
        deciding.add_note(request_id=waiting.pk, by=of_staff(reviewer), at=now, text=text)


def test_sale_that_lost_its_channel_meanwhile_cannot_be_approved(waiting: RefundRequest, reviewer: Staff) -> None:
    sale = waiting.transaction
    sale.channel_account = None
    sale.save()
    with pytest.raises(Conflict) as refused:
        _approve(waiting, reviewer)
    assert refused.value.code == "original_route_impossible"


def test_claim_next_passes_over_what_one_could_not_decide(merchant: Merchant) -> None:
    reviewer = make_staff(merchant, "reviewer", till_codes=["C017"])
    now = timezone.now()
    for number, (amount, cashier) in enumerate([(150_000, "C001"), (30_000, "c017"), (30_000, "C001")]):
        sale = make_sale(merchant, 200_000, cashier=cashier)
        make_request(sale, amount, at=now - timedelta(hours=5 - number))
    found = [deciding.claim_next(by=of_staff(reviewer), at=now) for _ in range(2)]
    assert [row and (row.amount_fen, row.transaction.cashier) for row in found] == [(30_000, "C001"), None]
    assert RefundRequest.objects.filter(claimed_by=None).count() == 2


def test_decide_when_the_store_is_another_is_not_found(waiting: RefundRequest) -> None:
    reviewer = make_staff(waiting.merchant, "reviewer")
    works_in(reviewer, waiting.merchant.stores.create(code="S002", name="二号店"))
    for act in (deciding.claim, deciding.release):
        with pytest.raises(NotFound):
            act(request_id=waiting.pk, by=of_staff(reviewer), at=timezone.now())
    with pytest.raises(NotFound):
        _approve(waiting, reviewer)
    assert RefundRequest.objects.get(pk=waiting.pk).version == waiting.version


def test_claim_when_ten_are_on_the_desk_is_refused_until_one_is_given_back(
    waiting: RefundRequest, reviewer: Staff, merchant: Merchant
) -> None:
    theirs = [make_request(make_sale(merchant, 50_000), 30_000) for _ in range(10)]
    RefundRequest.objects.filter(pk__in=[one.pk for one in theirs]).update(claimed_by=reviewer)
    now = timezone.now()
    with pytest.raises(Conflict) as refused:
        deciding.claim(request_id=waiting.pk, by=of_staff(reviewer), at=now)
    assert (refused.value.code, RefundRequest.objects.get(pk=waiting.pk).claimed_by) == ("desk_full", None)
    deciding.release(request_id=theirs[0].pk, by=of_staff(reviewer), at=now)
    assert deciding.claim(request_id=waiting.pk, by=of_staff(reviewer), at=now).claimed_by_id == reviewer.pk


@pytest.mark.parametrize("meanwhile", [{"is_active": False}, {"role": "cashier"}, {"limit_fen": 100}])
def test_approve_when_they_lost_the_right_while_they_waited_for_the_lock_refuses(
    waiting: RefundRequest, reviewer: Staff, meanwhile: dict[str, Any]
) -> None:
    """A request begins with who somebody is, and may wait for seconds behind others that hold the order."""
    as_it_began = of_staff(reviewer)
    Staff.objects.filter(pk=reviewer.pk).update(**meanwhile)
    with pytest.raises(Forbidden):
        deciding.approve(request_id=waiting.pk, by=as_it_began, at=timezone.now(), version=waiting.version)
    assert not Execution.objects.exists()
    if "limit_fen" not in meanwhile:
        with pytest.raises(Forbidden):
            deciding.reject(
                request_id=waiting.pk,
                by=as_it_began,
                at=timezone.now(),
                version=waiting.version,
                reason="no_proof",
                message="没有小票",
            )
