"""A failed leg goes another allowed way, by a person; what is paid stays as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import DomainError, Forbidden
from merchants.principals import Principal, of_staff
from payment_channels.manual import ManualRefundChannel
from refunds import lifecycle, payouts
from refunds.intake.claims import Account
from refunds.intake.rerouting import move_leg
from refunds.models import RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.by_hand import Payment
from refunds.review import deciding
from tests.factories import make_staff
from tests.refunds.plans import WIDE, answer, ask, held, order_of_two, replaced

pytestmark = pytest.mark.django_db

RULES = {**WIDE, "routes": ["original", "cash", "store_credit", "bank_transfer"]}
_ACCOUNT = Account(holder_name="王敏", account_no="6222 0000 1234 5678", bank_name="工商银行")


def _half_paid() -> RefundRequest:
    first, _ = order_of_two(rules=RULES)
    request = ask(first)
    answer(request, 1)
    return answer(request, 2, "refused")


def _finance(request: RefundRequest) -> Principal:
    return of_staff(make_staff(request.merchant, "finance"))


def _move(request: RefundRequest, by: Principal, route: str = "bank_transfer", **more: object) -> RefundRequest:
    values = {"customer_consent": True, "account": _ACCOUNT if route == "bank_transfer" else None, **more}
    return move_leg(
        request_id=request.pk,
        sequence=2,
        route=route,
        by=by,
        at=timezone.now(),
        version=request.version,
        **values,  # type: ignore[arg-type]
    )


def test_move_leg_when_a_transfer_takes_its_place_another_person_pays_it() -> None:
    request = _half_paid()
    by = _finance(request)
    request = _move(request, by)
    leg = request.legs.get(sequence=2)
    assert (request.state, leg.route, leg.why) == ("partially_refunded", "bank_transfer", "moved")
    (claimed,) = payouts.claim(limit=10, at=timezone.now())
    payouts.settle([payouts.ask(claimed, ManualRefundChannel())], at=timezone.now())
    payment = Payment(reference_no="20261127001", paid_at=timezone.now())
    with pytest.raises(Forbidden) as caught:
        by_hand.confirm(request_id=request.pk, payment=payment, by=by, at=timezone.now(), version=request.version)
    assert caught.value.code == "two_persons_needed"
    request = by_hand.confirm(
        request_id=request.pk, payment=payment, by=_finance(request), at=timezone.now(), version=request.version
    )
    assert (request.state, request.refunded_fen) == ("refunded", 30_000)
    assert request.executions.get(sequence=2, state="succeeded").received_account


@pytest.mark.parametrize(
    ("route", "more", "code"),
    [
        ("original", {}, "route_not_for_a_leg"),
        ("cash", {}, "route_funding"),
        ("bank_transfer", {"account": None}, "account_incomplete"),
        ("bank_transfer", {"customer_consent": False}, "consent_to_route"),
    ],
)
def test_move_leg_when_the_route_is_not_allowed_nothing_changes(route: str, more: dict[str, object], code: str) -> None:
    request = _half_paid()
    with pytest.raises(DomainError) as caught:
        _move(request, _finance(request), route, **more)
    assert caught.value.code == code
    now = RefundRequest.objects.get(pk=request.pk)
    assert (now.version, now.legs.get(sequence=2).route) == (request.version, "original")
    assert held(*[leg.transaction for leg in now.legs.order_by("sequence")]) == [(20_000, 20_000, 1), (10_000, 0, 1)]


def test_move_leg_when_two_approve_a_transfer_is_another_persons_than_the_approvers() -> None:
    rules = {**RULES, "auto_approve_limit_fen": 100, "auto_order_limit_fen": 100, "four_eyes_above_fen": 90_000}
    first, _ = order_of_two(rules=rules)
    request = ask(first)
    manager = of_staff(make_staff(request.merchant, "manager"))
    request = deciding.approve(request_id=request.pk, by=manager, at=timezone.now(), version=request.version)
    request = answer(answer(request, 1), 2, "refused")
    with pytest.raises(Forbidden) as caught:
        _move(request, manager)
    assert caught.value.code == "two_persons_needed"
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
    assert _move(request, manager, "store_credit").legs.get(sequence=2).route == "store_credit"


def test_move_leg_when_a_cashier_would_it_is_forbidden() -> None:
    request = _half_paid()
    with pytest.raises(Forbidden):
        _move(request, of_staff(make_staff(request.merchant, "cashier")))


def test_move_leg_when_its_account_takes_no_calls_a_person_pays_it_and_the_channel_is_never_asked() -> None:
    first, _ = order_of_two(rules=RULES)
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "barred")
    request = RefundRequest.objects.get(pk=request.pk)
    moved = _move(request, _finance(request))
    assert moved.state == "partially_refunded"
    rows = moved.executions.filter(sequence=2).order_by("attempt_no")
    assert [(row.state, row.due_at is None) for row in rows] == [("failed", True), ("ready", False)]
    (claimed,) = payouts.claim(limit=10, at=timezone.now() + timedelta(days=1))
    assert claimed.channel == "bank_transfer"


def test_move_leg_when_a_call_may_have_arrived_it_is_refused() -> None:
    first, _ = order_of_two(rules=RULES)
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "barred")
    request.executions.filter(sequence=2).update(queries=1)
    with pytest.raises(lifecycle.WrongState):
        _move(request, _finance(request))
    assert request.executions.get(sequence=2).state == "held"


@pytest.mark.parametrize(("number", "goes"), [("1900000001", True), ("1900000002", False), ("", False)])
def test_move_leg_when_its_account_was_replaced_it_goes_through_the_one_of_the_same_number(
    number: str, goes: bool
) -> None:
    first, _ = order_of_two(rules=RULES)
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "barred")
    old = request.executions.get(sequence=2).channel_account
    new = replaced(old, number=number)
    if not goes:
        with pytest.raises(DomainError) as caught:
            _move(request, _finance(request), "original")
        assert caught.value.code == "route_not_for_a_leg"
        assert request.executions.get(sequence=2).state == "held"
        return
    moved = _move(request, _finance(request), "original")
    rows = moved.executions.filter(sequence=2).order_by("attempt_no")
    assert [(row.state, row.channel_account) for row in rows] == [("failed", old), ("ready", new)]
    assert (moved.legs.get(sequence=2).route, moved.state) == ("original", "partially_refunded")
    assert answer(moved, 2).state == "refunded"
