"""Shifts: each payout and each cash sale in exactly one, equal to the ledger; cash counted against what should be there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from core.errors import DomainError
from merchants.models import Merchant, Role, Store
from merchants.principals import Principal, of_staff
from refunds import payouts
from refunds.models import Execution, LedgerEntry, RefundRequest, Shift, ShiftLine
from refunds.payouts import by_hand, shifts
from refunds.states import ExecutionState
from terminals.models import Terminal
from tests.factories import make_merchant, make_request, make_sale, make_staff, till
from tests.refunds import hand
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Merchant:
    return hand.make_shop()


def begin(shop: Merchant, *, float_fen: int = 20_000, terminal: str = "POS-01") -> Shift:
    return shifts.begin(terminal=terminal, float_fen=float_fen, by=till(shop), at=timezone.now())


def close(shift: Shift, counted_fen: int, **fields: Any) -> shifts.Standing:
    by = till(shift.terminal.store.merchant)
    return shifts.close(shift_id=shift.pk, counted_fen=counted_fen, by=by, at=timezone.now(), **fields)


def refused(code: str, shift: Shift, counted_fen: int, **fields: Any) -> None:
    with pytest.raises(DomainError) as error:
        close(shift, counted_fen, **fields)
    assert error.value.code == code
    assert Shift.objects.filter(pk=shift.pk, closed_at=None).exists()
    assert not ShiftLine.objects.exists()


def in_ledger() -> int:
    rows = LedgerEntry.objects.filter(kind="payout", account="channel_clearing")
    return rows.aggregate(sum=Sum("amount_fen"))["sum"] or 0


def in_shifts() -> int:
    return ShiftLine.objects.exclude(execution=None).aggregate(sum=Sum("amount_fen"))["sum"] or 0


def test_close_counts_cash_sales_and_refunds_and_equals_the_ledger(shop: Merchant) -> None:
    shift = begin(shop)
    hand.sale_for(shop, "cash", 10_000)
    hand.confirmed(hand.waiting("cash", sale=hand.sale_for(shop, "cash", 5_000), amount_fen=1_200))
    paid(make_request(make_sale(shop, 3_000), 1_000))
    closed = close(shift, 33_800)
    assert (closed.cash_sales_fen, closed.cash_refunds_fen, closed.expected_fen) == (15_000, 1_200, 33_800)
    assert [(one.tender, one.count, one.amount_fen) for one in closed.paid] == [
        ("cash", 1, 1_200),
        ("wechat", 1, 1_000),
    ]
    assert in_shifts() == in_ledger() == -2_200
    assert (closed.shift.expected_fen, closed.shift.counted_fen) == (33_800, 33_800)
    # What was closed is not counted again.
    after = begin(shop, float_fen=33_800)
    assert shifts.standing(shift_id=after.pk, by=till(shop)).paid == []
    assert close(after, 33_800).expected_fen == 33_800


def test_close_when_a_cash_refund_is_open_is_refused(shop: Merchant) -> None:
    shift = begin(shop)
    open_one = hand.waiting("cash", sale=hand.sale_for(shop, "cash", 5_000))
    assert shifts.standing(shift_id=shift.pk, by=till(shop)).open_cash == [open_one.number]
    refused("cash_refunds_open", shift, 25_000)
    hand.confirmed(open_one)
    assert close(shift, 23_800).cash_refunds_fen == 1_200


def test_close_when_an_outcome_is_unknown_wants_a_name_to_look_after_it(shop: Merchant) -> None:
    shift = begin(shop)
    request = make_request(make_sale(shop, 3_000), 1_000)
    Execution.objects.filter(request=request).update(state=ExecutionState.SENDING)
    Execution.objects.filter(request=request).update(state=ExecutionState.UNKNOWN)
    refused("unknown_not_handed_over", shift, 20_000)
    closed = close(shift, 20_000, handed_to="王店长")
    assert (closed.unknown, closed.shift.handed_to) == ([request.number], "王店长")


def test_close_when_the_count_differs_wants_a_note(shop: Merchant) -> None:
    shift = begin(shop)
    refused("count_differs", shift, 19_900)
    assert close(shift, 19_900, note="少一元").shift.note == "少一元"


def test_close_twice_is_refused(shop: Merchant) -> None:
    shift = begin(shop)
    close(shift, 20_000)
    with pytest.raises(DomainError) as error:
        close(shift, 20_000)
    assert error.value.code == "shift_not_open"


def test_begin_when_one_is_open_is_refused(shop: Merchant) -> None:
    begin(shop)
    with pytest.raises(DomainError) as error:
        begin(shop)
    assert error.value.code == "shift_is_open"
    assert Shift.objects.count() == 1


def test_cash_counts_for_the_drawer_that_it_came_from(shop: Merchant) -> None:
    Terminal.objects.create(store=shop.stores.get(), code="POS-02")
    first, second = begin(shop), begin(shop, terminal="POS-02")
    request = hand.waiting("cash", sale=hand.sale_for(shop, "cash", 5_000))
    by_hand.confirm(
        request_id=request.pk,
        payment=hand.payment(request, drawer="POS-02"),
        by=hand.payer(request),
        at=timezone.now() + timedelta(seconds=1),
        version=request.version,
    )
    assert close(first, 25_000).cash_refunds_fen == 0
    assert close(second, 18_800).cash_refunds_fen == 1_200


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.FINANCE])
def test_close_by_who_runs_no_till_is_refused(shop: Merchant, role: Role) -> None:
    shift, by = begin(shop), of_staff(make_staff(shop, role))
    with pytest.raises(DomainError) as error:
        shifts.close(shift_id=shift.pk, counted_fen=20_000, by=by, at=timezone.now())
    assert error.value.code == "role_required"
    assert Shift.objects.filter(closed_at=None).exists()


def test_shift_of_another_merchant_or_store_is_not_found(shop: Merchant) -> None:
    shift = begin(shop)
    store = Store.objects.create(merchant=shop, code="S002", name="二号店")
    others: list[Principal] = [till(make_merchant()), of_staff(make_staff(shop, Role.MANAGER, stores=[store]))]
    for by in others:
        with pytest.raises(DomainError) as error:
            shifts.standing(shift_id=shift.pk, by=by)
        assert error.value.code == "not_found"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [24, pytest.param(200, marks=pytest.mark.long)])
def test_close_while_refunds_are_paid_counts_each_once(count: int) -> None:
    shop = hand.make_shop()
    begin(shop)
    requests = [make_request(make_sale(shop, 3_000, cashier=f"K{n}"), 1_000 + n) for n in range(count)]
    payouts.claim(limit=count, at=timezone.now())

    def pay(request: RefundRequest) -> None:
        try:
            paid(request)
        finally:
            connection.close()

    def hand_over() -> None:
        try:
            for _ in range(4):
                shift = Shift.objects.get(closed_at=None)
                close(shift, shift.float_fen)
                begin(shop)
        finally:
            connection.close()

    with ThreadPoolExecutor(min(count // 6, 32)) as pool:
        jobs = [pool.submit(pay, request) for request in requests[: count // 2]]
        jobs += [pool.submit(hand_over), *(pool.submit(pay, request) for request in requests[count // 2 :])]
        for job in jobs:
            job.result()
    close(Shift.objects.get(closed_at=None), 20_000)
    assert ShiftLine.objects.count() == len(requests)
    assert in_shifts() == in_ledger() == -sum(request.amount_fen for request in requests)
