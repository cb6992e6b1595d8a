"""Two approvals where the policy wants two: by two people with no hand in it, over one amount, in time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Forbidden
from merchants import api_keys, delegations
from merchants.models import Delegation, KeyScope, Merchant, Staff
from merchants.principals import of_staff
from merchants.rights import Act
from refunds import payouts
from refunds.facts import approvals, conditions, holds
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import Approval, Execution, RefundRequest
from refunds.review import decidable, deciding
from refunds.states import Route
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff, of_api_key
from tests.invariants.planting import plant
from tests.refunds import hand

pytestmark = pytest.mark.django_db

_TWO = {**RULES, "four_eyes_above_fen": 20_000, "second_approval_hours": 4}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(rules=_TWO)


@pytest.fixture
def people(merchant: Merchant) -> list[Staff]:
    return [make_staff(merchant, "reviewer") for _ in range(3)]


def _approve(request: RefundRequest, by: Staff, *, at: datetime | None = None, **more: Any) -> RefundRequest:
    version = RefundRequest.objects.get(pk=request.pk).version
    return deciding.approve(request_id=request.pk, by=of_staff(by), at=at or timezone.now(), version=version, **more)


def _refused(request: RefundRequest, by: Staff, **more: Any) -> str:
    before = (Approval.objects.count(), AuditEvent.objects.count())
    with pytest.raises(DomainError) as error:
        _approve(request, by, **more)
    assert (Approval.objects.count(), AuditEvent.objects.count()) == before
    assert not Execution.objects.filter(request=request).exists()
    return error.value.code


def test_approve_when_two_are_needed_leaves_the_first_in_review_and_pays_with_the_second(
    waiting: RefundRequest, people: list[Staff]
) -> None:
    deciding.claim(request_id=waiting.pk, by=of_staff(people[0]), at=timezone.now())
    after = _approve(waiting, people[0])
    assert (after.state, after.version, after.claimed_by_id) == ("in_review", waiting.version, None)
    assert not Execution.objects.exists()
    assert not payouts.claim(limit=10, at=timezone.now())
    paid = _approve(waiting, people[1])
    assert (paid.state, paid.approved_fen) == ("approved", 30_000)
    assert [(row.staff_id, row.needed) for row in Approval.objects.order_by("pk")] == [
        (people[0].pk, 2),
        (people[1].pk, 2),
    ]
    assert len(payouts.claim(limit=10, at=timezone.now())) == 1


def test_approve_when_below_the_limit_needs_one(merchant: Merchant, people: list[Staff]) -> None:
    small = make_request(make_sale(merchant, 50_000), 15_000, reason="goodwill")
    assert _approve(small, people[0]).state == "approved"


def test_approve_when_several_of_one_order_come_to_more_needs_two(merchant: Merchant, people: list[Staff]) -> None:
    sale = make_sale(merchant, 50_000)
    first, second = (make_request(sale, amount, reason="goodwill") for amount in (15_000, 14_000))
    assert {_approve(one, people[0]).state for one in (first, second)} == {"in_review"}


@pytest.mark.parametrize("route", [Route.CASH, Route.BANK_TRANSFER])
def test_approve_when_it_leaves_as_cash_or_by_transfer_needs_two(route: Route) -> None:
    rules = {**hand.BY_HAND_RULES, "four_eyes_above_fen": 90_000}
    merchant = make_merchant(rules=rules)
    request = hand.asked(route, sale=hand.sale_for(merchant, route))
    first, second = make_staff(merchant, "owner"), make_staff(merchant, "owner")
    assert _approve(request, first).state == "in_review"
    assert _approve(request, second).state == "approved"


def test_second_approval_by_the_first_is_refused_in_every_way(waiting: RefundRequest, people: list[Staff]) -> None:
    _approve(waiting, people[0])
    now = timezone.now()
    assert _refused(waiting, people[0]) == "second_approver_needed"
    with pytest.raises(Forbidden):
        deciding.claim(request_id=waiting.pk, by=of_staff(people[0]), at=now)
    fresh = RefundRequest.objects.get(pk=waiting.pk)
    found = decidable.undecidable(requests=[fresh], by=of_staff(people[0]), at=now)
    assert found[waiting.pk].code == "second_approver_needed"
    assert decidable.undecidable(requests=[fresh], by=of_staff(people[1]), at=now) == {}
    assert deciding.claim_next(by=of_staff(people[0]), at=now) is None
    assert deciding.claim_next(by=of_staff(people[1]), at=now) is not None


def test_second_approval_by_who_has_a_hand_in_it_is_refused(merchant: Merchant, people: list[Staff]) -> None:
    """The requester, the cashier by till code or login, the corrector, the maker of the key, the requester's deputy."""
    requester = make_staff(merchant, "manager")
    cashier, named = make_staff(merchant, "reviewer"), make_staff(merchant, "reviewer", username="till.nine")
    Staff.objects.filter(pk=cashier.pk).update(till_codes=["C42"])
    cashier.refresh_from_db()
    asked = make_request(make_sale(merchant, 50_000, cashier="C42"), 30_000, by=requester)
    _approve(asked, people[0])
    assert _refused(asked, requester) == _refused(asked, cashier) == "own_request"

    _give(requester, people[1], by=requester)
    assert _refused(asked, people[1]) == "own_request"
    deputised = decidable.undecidable(requests=[asked], by=of_staff(people[1]), at=timezone.now())
    assert deputised[asked.pk].code == "own_request"

    rung_up = make_request(make_sale(merchant, 50_000, cashier="till.nine"), 30_000)
    _approve(rung_up, people[0])
    assert _refused(rung_up, named) == "own_request"

    maker = make_staff(merchant, "owner")
    key, _, _ = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=[KeyScope.REFUNDS_WRITE],
        by=of_staff(maker),
        at=timezone.now(),
        all_stores=True,
    )
    by_key = make_request(make_sale(merchant, 50_000), 30_000, by=of_api_key(key))
    _approve(by_key, people[0])
    assert _refused(by_key, maker) == "own_request"
    assert _approve(asked, people[2]).state == "approved"


def _give(absent: Staff, deputy: Staff, *, by: Staff, limit_fen: int | None = None) -> None:
    now = timezone.now()
    delegations.give(
        absent=absent.pk,
        deputy=deputy.pk,
        starts_at=now,
        ends_at=now + timedelta(days=1),
        limit_fen=limit_fen,
        by=of_staff(by),
        at=now,
    )


def test_another_amount_takes_the_place_of_the_first_approval(waiting: RefundRequest, people: list[Staff]) -> None:
    _approve(waiting, people[0])
    assert _approve(waiting, people[1], amount_fen=25_000).state == "in_review"
    assert _refused(waiting, people[1], amount_fen=25_000) == "second_approver_needed"
    paid = _approve(waiting, people[0], amount_fen=25_000)
    assert (paid.state, paid.approved_fen) == ("approved", 25_000)
    assert [row.staff_id for row in approvals.counting(paid, Approval.objects.all(), at=timezone.now())] == [
        people[1].pk,
        people[0].pk,
    ]


def test_a_changed_request_voids_the_first_approval_and_is_judged_again(
    waiting: RefundRequest, people: list[Staff], merchant: Merchant
) -> None:
    _approve(waiting, people[0])
    now, fresh = timezone.now(), RefundRequest.objects.get(pk=waiting.pk)
    deciding.request_info(request_id=waiting.pk, by=of_staff(people[2]), at=now, version=fresh.version, message="?")
    resubmitting.resubmit(
        request_id=waiting.pk,
        correction=Correction(amount_fen=29_000),
        by=of_staff(make_staff(merchant, "manager")),
        at=now,
    )
    changed = RefundRequest.objects.get(pk=waiting.pk)
    assert changed.state == "in_review"
    assert approvals.first_of_two(request=changed, at=now) is None
    assert _approve(waiting, people[1]).state == "in_review"


def test_lapse_firsts_says_so_once_and_the_request_is_in_plain_review(
    waiting: RefundRequest, people: list[Staff]
) -> None:
    now = timezone.now()
    _approve(waiting, people[0], at=now)
    assert deciding.lapse_firsts(at=now + timedelta(hours=3)) == 0
    later = now + timedelta(hours=4)
    assert [deciding.lapse_firsts(at=later) for _ in range(2)] == [1, 0]
    assert AuditEvent.objects.filter(action="refund.approval_lapsed", object_id=str(waiting.pk)).count() == 1
    assert approvals.first_of_two(request=waiting, at=later) is None
    # Two are wanted again, of whom the first may be one.
    assert _approve(waiting, people[1], at=later).state == "in_review"
    assert _approve(waiting, people[0], at=later).state == "approved"
    assert len(payouts.claim(limit=10, at=later)) == 1


def test_lapse_firsts_when_it_was_decided_in_time_says_nothing(waiting: RefundRequest, people: list[Staff]) -> None:
    now = timezone.now()
    _approve(waiting, people[0], at=now)
    _approve(waiting, people[1], at=now)
    assert deciding.lapse_firsts(at=now + timedelta(hours=5)) == 0


# --- deputies -----------------------------------------------------------------------------------------------------------


def test_approve_for_somebody_away_says_for_whom(merchant: Merchant) -> None:
    large = make_request(make_sale(merchant, 300_000), 150_000)
    reviewer, manager, other = (make_staff(merchant, role) for role in ("reviewer", "manager", "manager"))
    assert _refused(large, reviewer) == "tier_required"
    _give(manager, reviewer, by=manager, limit_fen=149_999)
    assert _refused(large, reviewer) == "tier_required"
    _give(manager, reviewer, by=manager)
    assert decidable.may_decide(by=of_staff(reviewer), request=large, at=timezone.now())
    _approve(large, reviewer)
    first = Approval.objects.get()
    assert (first.staff_id, first.on_behalf_of_id, first.role) == (reviewer.pk, manager.pk, "manager")
    assert AuditEvent.objects.get(action="refund.approve_first").data["for"] == manager.name
    # The one who is away is the first approver, too.
    assert _refused(large, manager) == "second_approver_needed"
    assert _approve(large, other).state == "approved"
    assert len(payouts.claim(limit=10, at=timezone.now())) == 1


def test_second_approval_for_the_first_approver_is_refused(merchant: Merchant) -> None:
    large = make_request(make_sale(merchant, 300_000), 150_000)
    reviewer, manager = make_staff(merchant, "reviewer"), make_staff(merchant, "manager")
    _give(manager, reviewer, by=manager)
    _approve(large, manager)
    assert _refused(large, reviewer) == "tier_required"
    assert not conditions.may(Act.APPROVE, by=of_staff(reviewer), request=large, amount_fen=150_000, at=timezone.now())
    undecidable = decidable.undecidable(requests=[large], by=of_staff(reviewer), at=timezone.now())
    assert undecidable[large.pk].code == "tier_required"


# --- payouts and races --------------------------------------------------------------------------------------------------


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    "breach",
    [
        "DELETE FROM refunds_approval WHERE lapses_at IS NOT NULL",
        "DELETE FROM refunds_approval",
        "UPDATE refunds_approval SET amount_fen = 1 WHERE lapses_at IS NOT NULL",
        "UPDATE refunds_approval SET staff_id = (SELECT max(staff_id) FROM refunds_approval)",
        "UPDATE refunds_approval SET lapses_at = at WHERE lapses_at IS NOT NULL",
    ],
)
def test_claim_when_the_approvals_are_not_enough_sends_nothing(
    waiting: RefundRequest, people: list[Staff], breach: str
) -> None:
    _approve(waiting, people[0])
    _approve(waiting, people[1])
    plant(breach, [], {})
    assert payouts.claim(limit=10, at=timezone.now()) == []
    assert Execution.objects.get(request=waiting).sends == 0


def _at_once(*acts: Callable[[], object]) -> list[str]:
    """What comes of each, or the code of its refusal, sorted."""

    def run(act: Callable[[], object]) -> str:
        try:
            return str(getattr(done := act(), "state", done))
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def _act(act: Callable[..., object], request: RefundRequest, by: Staff, **more: Any) -> Callable[[], object]:
    said = {"request_id": request.pk, "by": of_staff(by), "at": timezone.now(), "version": request.version, **more}
    return partial(act, **said)


@pytest.mark.django_db(transaction=True)
def test_two_second_approvals_at_once_pay_once(waiting: RefundRequest, people: list[Staff]) -> None:
    _approve(waiting, people[0])
    answers = _at_once(*(_act(deciding.approve, waiting, by) for by in people[1:]))
    assert answers == ["approved", "version_conflict"]
    assert Execution.objects.filter(request=waiting).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_approvals_at_once_are_two(waiting: RefundRequest, people: list[Staff]) -> None:
    assert _at_once(*(_act(deciding.approve, waiting, by) for by in people[:2])) == ["approved", "in_review"]
    assert Execution.objects.filter(request=waiting).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_person_twice_at_once_is_one_approval(waiting: RefundRequest, people: list[Staff]) -> None:
    approve = _act(deciding.approve, waiting, people[0])
    assert _at_once(approve, approve) == ["in_review", "second_approver_needed"]
    assert not Execution.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_second_approval_beside_a_question_to_the_customer_is_one_of_them(
    waiting: RefundRequest, people: list[Staff]
) -> None:
    _approve(waiting, people[0])
    asking = _act(deciding.request_info, waiting, people[2], message="?")
    answers = _at_once(_act(deciding.approve, waiting, people[1]), asking)
    assert answers in (["approved", "version_conflict"], ["needs_info", "version_conflict"])
    assert Execution.objects.filter(request=waiting).count() == (answers[0] == "approved")


@pytest.mark.django_db(transaction=True)
def test_lapse_firsts_by_two_workers_at_once_says_so_once(waiting: RefundRequest, people: list[Staff]) -> None:
    now = timezone.now()
    _approve(waiting, people[0], at=now)
    lapse = partial(deciding.lapse_firsts, at=now + timedelta(hours=5))
    assert _at_once(lapse, lapse) == ["0", "1"]


def test_approve_when_the_delegation_ends_while_it_is_being_judged_is_refused(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = make_request(make_sale(merchant, 300_000), 150_000)
    reviewer, manager = (make_staff(merchant, role) for role in ("reviewer", "manager"))
    _give(manager, reviewer, by=manager)
    given = Delegation.objects.get()

    def ends(**_: object) -> None:
        delegations.revoke(delegation_id=given.pk, by=of_staff(manager), at=timezone.now())

    # After it was asked whether they may, before what is stored is read.
    monkeypatch.setattr(holds, "check_not_held", ends)
    with pytest.raises(Forbidden) as error:
        _approve(large, reviewer)
    assert error.value.code == "tier_required"
    assert not Approval.objects.exists()
