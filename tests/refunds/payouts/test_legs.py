"""The legs of a plan are paid, fail and are mended each by itself; the request's state follows from all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from core.errors import Conflict
from merchants.principals import Principal, of_staff
from payment_channels.manual import ManualRefundChannel
from refunds import payouts
from refunds.models import Execution, LedgerEntry, RefundRequest
from refunds.payouts import by_hand, ways_back
from refunds.payouts.by_hand import Payment
from refunds.review import deciding
from terminals.models import Transaction
from tests.factories import RULES, make_merchant, make_sale, make_staff, till
from tests.refunds.plans import WIDE, answer, ask, held, order_of_two

pytestmark = pytest.mark.django_db


def _finance(request: RefundRequest) -> Principal:
    return of_staff(make_staff(request.merchant, "finance"))


def _states(request: RefundRequest) -> list[tuple[int, str]]:
    return list(request.executions.order_by("created_at", "pk").values_list("sequence", "state"))


def test_settle_when_all_legs_are_paid_the_request_is_refunded() -> None:
    first, second = order_of_two()
    request = ask(first)
    assert answer(request, 1).state == "partially_refunded"
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 0, 1)]
    request = answer(request, 2)
    assert (request.state, request.refunded_fen) == ("refunded", 30_000)
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]
    moved = LedgerEntry.objects.filter(account="channel_clearing", kind="payout").values_list("channel_account_id")
    by_account = dict(moved.annotate(fen=Sum("amount_fen")).order_by())
    assert by_account == {first.channel_account_id: -20_000, second.channel_account_id: -10_000}


def test_claim_when_both_legs_are_due_both_are_sent_at_once() -> None:
    first, _ = order_of_two()
    request = ask(first)
    claimed = payouts.claim(limit=10, at=timezone.now())
    assert sorted(row.order.amount_fen for row in claimed) == [10_000, 20_000]
    assert {row.order.channel_transaction_no for row in claimed} == set(
        Transaction.objects.values_list("channel_transaction_no", flat=True)
    )
    assert RefundRequest.objects.get(pk=request.pk).state == "executing"


@pytest.mark.parametrize("paid_first", [True, False])
def test_settle_when_one_leg_fails_what_is_paid_stands_and_the_rest_stays_reserved(paid_first: bool) -> None:
    first, second = order_of_two()
    request = ask(first)
    for sequence, outcome in [(1, "done"), (2, "refused")] if paid_first else [(2, "refused"), (1, "done")]:
        request = answer(request, sequence, outcome)
    assert (request.state, request.refunded_fen, request.reserved_fen) == ("partially_refunded", 20_000, 30_000)
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 0, 1)]


def test_settle_when_every_leg_fails_all_is_released() -> None:
    first, second = order_of_two()
    request = ask(first)
    assert answer(request, 1, "refused").state == "executing"
    request = answer(request, 2, "refused")
    assert (request.state, request.reserved_fen) == ("failed", 0)
    assert held(first, second) == [(0, 0, 0), (0, 0, 0)]
    retried = ways_back.retry(request_id=request.pk, by=_finance(request), at=timezone.now(), version=request.version)
    assert (retried.state, held(first, second)) == ("approved", [(20_000, 0, 1), (10_000, 0, 1)])
    answer(request, 1)
    assert answer(request, 2).state == "refunded"


def test_settle_when_one_leg_is_unknown_the_request_is_until_it_is_known() -> None:
    first, _ = order_of_two()
    request = ask(first)
    assert answer(request, 2, "unknown").state == "unknown"
    assert answer(request, 1).state == "partially_refunded"
    assert answer(request, 2).state == "refunded"


def test_retry_when_one_leg_failed_only_that_goes_out_again() -> None:
    first, second = order_of_two()
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "refused")
    by = _finance(request)
    request = ways_back.retry(request_id=request.pk, by=by, at=timezone.now(), version=request.version)
    assert (request.state, _states(request)) == ("partially_refunded", [(1, "succeeded"), (2, "failed"), (2, "ready")])
    assert request.executions.get(state="ready").refund_no.endswith("L2N2")
    assert answer(request, 2).state == "refunded"
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


def test_give_up_leg_when_it_is_the_last_its_amount_is_free_and_the_rest_stands() -> None:
    first, second = order_of_two()
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "refused")
    request = ways_back.give_up_leg(
        request_id=request.pk, sequence=2, note="换货", by=_finance(request), at=timezone.now(), version=request.version
    )
    assert (request.state, request.refunded_fen, request.approved_fen) == ("refunded", 20_000, 20_000)
    assert held(first, second) == [(20_000, 20_000, 1), (0, 0, 0)]
    assert ask(first, 10_000).transaction_id == second.pk


def test_give_up_leg_when_it_is_paid_or_under_way_nothing_changes() -> None:
    first, second = order_of_two()
    request = ask(first)
    request = answer(request, 1)
    for sequence in (1, 2, 3):
        with pytest.raises(Conflict) as caught:
            ways_back.give_up_leg(
                request_id=request.pk,
                sequence=sequence,
                note="",
                by=_finance(request),
                at=timezone.now(),
                version=request.version,
            )
        assert caught.value.code == "state_conflict"
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 0, 1)]


def test_settle_when_it_goes_in_tranches_the_next_waits_and_a_failure_halts() -> None:
    merchant = make_merchant(rules={**WIDE, "tranche_fen": 10_000})
    sale = make_sale(merchant, 25_000)
    request = ask(sale, 25_000)
    request = answer(request, 1)
    assert _states(request) == [(1, "succeeded"), (2, "ready")]
    request = answer(request, 2, "refused")
    assert (request.state, _states(request)) == ("partially_refunded", [(1, "succeeded"), (2, "failed")])
    request = ways_back.retry(request_id=request.pk, by=_finance(request), at=timezone.now(), version=request.version)
    answer(request, 2)
    request = answer(request, 3)
    assert (request.state, held(sale)) == ("refunded", [(25_000, 25_000, 3)])


def test_settle_when_a_part_was_paid_in_cash_a_person_gives_it_last() -> None:
    first, second = order_of_two(channel="cash", channel_account=None, funding="cash")
    Transaction.objects.filter(pk=second.pk).update(channel_account=None)
    request = ask(first)
    assert _states(request) == [(1, "ready")]
    request = answer(request, 1)
    assert (request.state, _states(request)) == ("partially_refunded", [(1, "succeeded"), (2, "ready")])
    (claimed,) = payouts.claim(limit=10, at=timezone.now())
    handed = payouts.ask(claimed, ManualRefundChannel())
    payouts.settle([handed], at=timezone.now())
    request = RefundRequest.objects.get(pk=request.pk)
    request = by_hand.confirm(
        request_id=request.pk,
        payment=Payment(reference_no="C-1", paid_at=timezone.now(), drawer="POS-01"),
        by=_finance(request),
        at=timezone.now(),
        version=request.version,
    )
    assert (request.state, held(first, second)) == ("refunded", [(20_000, 20_000, 1), (10_000, 10_000, 1)])


def test_cancel_when_nothing_was_sent_all_legs_are_free_again() -> None:
    first, second = order_of_two()
    request = ask(first)
    request = ways_back.cancel(request_id=request.pk, by=till(first.merchant), at=timezone.now())
    assert (request.state, held(first, second)) == ("cancelled", [(0, 0, 0), (0, 0, 0)])
    assert {row.state for row in request.executions.all()} == {"cancelled"}


@pytest.mark.parametrize(("amount_fen", "expected"), [(30_000, [20_000, 10_000]), (15_000, [10_000, 5_000])])
def test_approve_when_less_is_approved_each_payment_gives_less(amount_fen: int, expected: list[int]) -> None:
    first, second = order_of_two(rules={**RULES, "auto_approve_limit_fen": 100})
    request = ask(first)
    assert (request.state, request.executions.count()) == ("in_review", 0)
    manager = of_staff(make_staff(request.merchant, "manager"))
    request = deciding.approve(
        request_id=request.pk, by=manager, at=timezone.now(), version=request.version, amount_fen=amount_fen
    )
    assert [row.amount_fen for row in request.executions.order_by("sequence")] == expected
    assert [reserved for reserved, _, _ in held(first, second)] == expected
    answer(request, 1)
    assert answer(request, 2).refunded_fen == amount_fen


def test_reject_when_it_has_legs_all_are_free_again() -> None:
    first, second = order_of_two(rules={**RULES, "auto_approve_limit_fen": 100})
    request = ask(first)
    manager = of_staff(make_staff(request.merchant, "manager"))
    deciding.reject(
        request_id=request.pk,
        by=manager,
        at=timezone.now(),
        version=request.version,
        reason="no_proof",
        message="无凭证",
    )
    assert held(first, second) == [(0, 0, 0), (0, 0, 0)]


def test_claim_when_a_worker_died_between_legs_each_is_asked_about_before_it_is_sent() -> None:
    first, second = order_of_two()
    request = ask(first)
    now = timezone.now()
    payouts.claim(limit=1, at=now)
    # The worker is gone; the other leg goes on, and the first is asked about once its lease is over.
    (other,) = payouts.claim(limit=10, at=now)
    assert other.send
    (again,) = [
        row for row in payouts.claim(limit=10, at=now + timedelta(hours=1)) if row.execution_id != other.execution_id
    ]
    assert not again.send
    assert Execution.objects.filter(request=request).count() == 2
    answer(request, 1, at=now + timedelta(hours=2))
    assert answer(request, 2, at=now + timedelta(hours=2)).state == "refunded"
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]
