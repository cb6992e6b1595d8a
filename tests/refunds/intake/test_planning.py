"""An order paid by several payments is taken in as one request with a plan of legs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import Conflict, DomainError, Invalid
from merchants.models import ChannelAccount, Store
from refunds.intake import judging, planning
from refunds.intake.claims import Draft
from refunds.intake.planning import PlanChanged
from refunds.lifecycle import OverRefund
from refunds.models import Leg, RefundRequest
from terminals.models import Transaction, TransactionLine
from tests.factories import make_merchant, make_sale, submit, till
from tests.refunds.plans import WIDE, ask, held, order_of_two

pytestmark = pytest.mark.django_db


def _refused(sale: Transaction, code: str, **more: Any) -> DomainError:
    before = RefundRequest.objects.count(), held(*Transaction.objects.order_by("pk"))
    with pytest.raises((Conflict, Invalid)) as caught:
        ask(sale, **more)
    assert caught.value.code == code
    assert (RefundRequest.objects.count(), held(*Transaction.objects.order_by("pk"))) == before
    return caught.value


def test_submit_when_an_order_has_two_payments_each_gives_its_part() -> None:
    first, second = order_of_two()
    request = ask(first, lines=[("SKU-1", 3)])
    legs = list(request.legs.order_by("sequence"))
    assert [(leg.transaction_id, leg.amount_fen) for leg in legs] == [(first.pk, 20_000), (second.pk, 10_000)]
    assert (request.state, request.reserved_fen, request.leg_count) == ("approved", 30_000, 2)
    assert held(first, second) == [(20_000, 0, 1), (10_000, 0, 1)]
    payouts = request.executions.order_by("sequence")
    assert [(row.transaction_id, row.amount_fen, row.refund_no[-4:]) for row in payouts] == [
        (first.pk, 20_000, payouts[0].refund_no[-4:]),
        (second.pk, 10_000, "L2N1"),
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("pro_rata", [10_000, 5_000]),
        ("reverse", [10_000, 5_000]),
        ("highest_first", [15_000]),
        ("stored_value_first", [15_000]),
    ],
)
def test_submit_when_the_merchant_has_a_rule_it_is_kept(rule: str, expected: list[int]) -> None:
    first, _ = order_of_two(rules={**WIDE, "plan_rule": rule})
    request = ask(first, 15_000)
    assert [row.amount_fen for row in request.executions.order_by("sequence")] == expected


def test_submit_when_one_payment_can_take_nothing_more_the_other_gives_all() -> None:
    first, second = order_of_two()
    submit(second, 10_000)
    request = ask(first, 20_000)
    assert (request.leg_count, request.transaction_id, Leg.objects.count()) == (0, first.pk, 0)
    assert held(first, second) == [(20_000, 0, 1), (10_000, 0, 1)]
    _refused(first, "exceeds_refundable", amount_fen=1)


def test_submit_when_a_payment_is_named_only_that_one_gives() -> None:
    first, second = order_of_two()
    request = submit(second, 10_000)
    assert (request.leg_count, request.transaction_id) == (0, second.pk)
    assert held(first, second) == [(0, 0, 0), (10_000, 0, 1)]


def test_submit_when_the_window_of_one_payment_has_closed_it_is_left_out() -> None:
    first, _ = order_of_two()
    Transaction.objects.update(paid_at=timezone.now() - timedelta(days=100))
    ChannelAccount.objects.filter(channel="alipay").update(profile_overrides={"window_days": 90})
    assert ask(first, 20_000).transaction_id == first.pk
    _refused(first, "exceeds_refundable", amount_fen=5_000)


@pytest.mark.parametrize("lines", ["repeated", "none"])
def test_submit_when_pieces_come_back_they_are_counted_of_the_order(lines: str) -> None:
    first, second = order_of_two()
    if lines == "none":
        TransactionLine.objects.filter(transaction=second).delete()
    submit(second, 10_000, lines=[("SKU-1", 2)])
    _refused(first, "exceeds_quantity", amount_fen=15_000, lines=[("SKU-1", 2)])
    ask(first, 10_000, lines=[("SKU-1", 1)])
    line = TransactionLine.objects.get(transaction=first)
    assert line.reserved_quantity == line.quantity == 3


def test_submit_when_payments_name_other_articles_the_order_has_all_of_them() -> None:
    first, second = order_of_two()
    TransactionLine.objects.filter(transaction=first).update(amount_fen=20_000)
    TransactionLine.objects.filter(transaction=second).update(sku="SKU-2", amount_fen=10_000)
    request = ask(first, lines=[("SKU-1", 3), ("SKU-2", 3)])
    assert request.lines.count() == 2


def test_submit_when_a_declined_attempt_came_before_the_paid_one_is_meant() -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=first.pk).update(status="declined")
    assert ask(second, 10_000).transaction_id == second.pk


def test_submit_when_two_stores_have_the_number_it_names_the_candidates() -> None:
    first, second = order_of_two()
    other = Store.objects.create(merchant=first.merchant, code="S002", name="二号店")
    Transaction.objects.filter(pk=second.pk).update(store=other, terminal=None)
    refused = _refused(first, "ambiguous_order_no")
    assert refused.facts["candidates"] == [str(first.pk), str(second.pk)]
    assert ask(first, 10_000, store="S002").transaction_id == second.pk


def test_submit_when_a_till_counts_from_one_every_morning_days_are_other_orders() -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=second.pk).update(paid_at=first.paid_at - timedelta(days=1))
    _refused(first, "ambiguous_order_no")


def test_submit_when_another_plan_was_seen_it_says_which_holds_now() -> None:
    first, second = order_of_two()
    draft = Draft(amount_fen=15_000, reason="quality", order_no=first.order_no)
    _, _, legs = judging.quote(draft=draft, by=till(first.merchant), at=timezone.now())
    seen = planning.hash_of(legs)
    submit(second, 4_000)
    refused = _refused(first, "plan_changed", amount_fen=15_000, plan_hash=seen)
    assert isinstance(refused, PlanChanged)
    now = refused.facts["legs"]
    assert sum(leg.amount_fen for leg in now) == 15_000
    assert ask(first, 15_000, plan_hash=planning.hash_of(now)).state == "approved"


def test_submit_when_it_is_large_it_goes_in_tranches_one_after_another() -> None:
    merchant = make_merchant(rules={**WIDE, "tranche_fen": 10_000})
    sale = make_sale(merchant, 25_000)
    request = ask(sale, 25_000)
    assert [leg.amount_fen for leg in request.legs.order_by("sequence")] == [10_000, 10_000, 5_000]
    assert [row.sequence for row in request.executions.all()] == [1]
    assert held(sale) == [(25_000, 0, 3)]


def test_submit_when_an_order_is_paid_by_hand_one_payment_gives_it() -> None:
    first, second = order_of_two()
    request = ask(first, 15_000, route="store_credit", customer_consent=True)
    assert (request.transaction_id, request.leg_count) == (first.pk, 0)
    _refused(first, "ambiguous_order_no", amount_fen=16_000, route="store_credit", customer_consent=True)
    assert held(second) == [(0, 0, 0)]


def test_submit_when_the_sum_is_above_all_payments_nothing_is_stored() -> None:
    first, _ = order_of_two()
    refused = _refused(first, "exceeds_refundable", amount_fen=30_001)
    assert not isinstance(refused, OverRefund)
