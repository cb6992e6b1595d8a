"""What an order is: one number, one store, one day; and whose its articles are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import Invalid, NotFound
from terminals import orders
from terminals.models import Transaction, TransactionLine
from tests.factories import make_merchant, make_sale
from tests.refunds.plans import order_of_two

pytestmark = pytest.mark.django_db


def test_lines_of_when_payments_name_the_same_lines_counts_the_first_reported() -> None:
    first, second = order_of_two()
    assert [line.transaction_id for line in _lines_of(second, first)] == [first.pk]


def _lines_of(*payments: Transaction) -> list[TransactionLine]:
    return orders.lines_of((sale.pk, sale.amount_fen, list(sale.lines.all())) for sale in payments)


def test_lines_of_when_each_payment_is_paid_for_its_own_counts_a_second_round() -> None:
    merchant = make_merchant()
    rounds = [make_sale(merchant, 1_000, order_no="T7") for _ in range(2)]
    assert [line.transaction_id for line in _lines_of(*rounds)] == [sale.pk for sale in rounds]


def test_lines_of_when_the_last_payment_names_the_whole_order_adds_what_is_new() -> None:
    merchant = make_merchant()
    first, last = make_sale(merchant, 1_000, order_no="T7"), make_sale(merchant, 500, order_no="T7")
    last.lines.update(amount_fen=1_000)
    TransactionLine.objects.create(
        transaction=last, position=2, sku="NEW", name="x", quantity=1, unit_price_fen=500, amount_fen=500
    )
    assert [line.sku for line in _lines_of(first, last)] == ["SKU-1", "NEW"]
    told = [(sale.pk, sale.amount_fen, list(sale.lines.all())) for sale in (first, last)]
    assert [(paid_fen, len(lines)) for paid_fen, lines in orders.shares_of(told)] == [(1_000, 1), (500, 1)]


def test_find_when_the_number_comes_again_on_another_day_names_both() -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=second.pk).update(paid_at=first.paid_at - timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        orders.find(sales=Transaction.objects.select_related("store"), order_no=first.order_no)
    assert set(refused.value.facts["candidates"]) == {str(first.pk), str(second.pk)}


def test_find_when_nobody_knows_the_number_is_not_found() -> None:
    with pytest.raises(NotFound):
        orders.find(sales=Transaction.objects.all(), order_no="no")


def test_siblings_when_an_order_has_two_payments_has_both_in_order() -> None:
    first, second = order_of_two()
    assert [sale.pk for sale in orders.siblings(second)] == [first.pk, second.pk]


@pytest.mark.parametrize("number", ["DB-77-02", "db-77-02", "4200 0000", "42000000"])
def test_find_when_the_number_is_that_on_a_payments_slip_has_the_whole_order(number: str) -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=second.pk).update(payment_no="DB-77-02", channel_transaction_no="42000000")

    found = orders.find(sales=Transaction.objects.select_related("store"), order_no=number)

    assert [sale.pk for sale in found] == [first.pk, second.pk]


@pytest.mark.parametrize("number", ["DB-77-01", "DB-77-2"])
def test_find_when_the_number_only_looks_like_an_attempts_is_not_found(number: str) -> None:
    """Money goes by it: another order that was not reported yet may be called so."""
    make_sale(make_merchant(), order_no="DB-77", payment_no="DB-77-02")

    with pytest.raises(NotFound):
        orders.find(sales=Transaction.objects.all(), order_no=number)


def test_find_when_two_payments_have_the_slips_number_names_both() -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=first.pk).update(payment_no="DB-77-02")
    Transaction.objects.filter(pk=second.pk).update(channel_transaction_no="DB-77-02")

    with pytest.raises(Invalid) as refused:
        orders.find(sales=Transaction.objects.select_related("store"), order_no="DB-77-02")

    assert set(refused.value.facts["candidates"]) == {str(first.pk), str(second.pk)}


@pytest.mark.parametrize("copied", ["订单号：DB-88", "【订单号】DB-88 复制", "Order #DB-88", "DB\u204388"])
def test_find_when_the_number_was_copied_with_its_label_has_the_order(copied: str) -> None:
    sale = make_sale(make_merchant(), 10_000, order_no="DB-88")
    assert orders.find(sales=Transaction.objects.filter(merchant=sale.merchant), order_no=copied) == [sale]


def test_find_when_the_label_is_the_shops_own_is_that_order() -> None:
    sale = make_sale(make_merchant(), 10_000, order_no="No.88")
    make_sale(sale.merchant, 10_000, order_no="88")
    assert orders.find(sales=Transaction.objects.filter(merchant=sale.merchant), order_no="No.88") == [sale]
