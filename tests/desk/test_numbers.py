"""What a typed number names."""

from __future__ import annotations

import pytest

from desk.access import scope_of
from desk.numbers import clean, recognise
from merchants.models import Merchant
from refunds.models import Execution, RefundRequest
from terminals.models import Transaction
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def _refund(merchant: Merchant) -> RefundRequest:
    sale = make_sale(merchant, phone="13800006021", order_no="A-77-b", card_last4="4321")
    return make_request(sale, 1_200, phone="13800006021")


@pytest.mark.parametrize(
    "how",
    [
        "number",
        "lower case",
        "blanks",
        "receipt",
        "receipt in another case",
        "receipt with a blank",
        "channel",
        "payout",
        "phone",
        "tail",
    ],
)
def test_number_when_it_names_a_refund_finds_that_one_alone(shop: Shop, how: str) -> None:
    request, sale = _refund(shop.merchant), None
    make_request(make_sale(shop.merchant), 1_000)
    sale = Transaction.objects.get(pk=request.transaction_id)
    text = {
        "number": request.number,
        "lower case": request.number.lower(),
        "blanks": f" {request.number[:5]} {request.number[5:]}\u200b",
        "receipt": "A-77-b",
        "receipt in another case": "a-77-B",
        "receipt with a blank": " Order 00012－001－0001",
        "channel": sale.channel_transaction_no,
        "payout": Execution.objects.get(request=request).refund_no,
        "phone": "+86 138-0000-6021",
        "tail": "6021",
    }[how]
    if how == "receipt with a blank":
        # As Odoo prints it.
        Transaction.objects.filter(pk=sale.pk).update(order_no="Order 00012-001-0001")
    if how == "receipt in another case":
        Transaction.objects.filter(pk=sale.pk).update(order_no="A-77-B")
    found = recognise(text, scope=scope_of(shop.reviewer))
    assert list(found.refunds.values_list("number", flat=True)) == [request.number]
    assert found.recognised != ""


def test_number_when_it_is_the_end_of_a_card_finds_the_sale(shop: Shop) -> None:
    request = _refund(shop.merchant)
    found = recognise("4321", scope=scope_of(shop.reviewer))
    assert list(found.sales.values_list("pk", flat=True)) == [request.transaction_id]


@pytest.mark.parametrize("text", ["", " ", "\u200b", "nothing-like-it", "9999"])
def test_number_when_it_names_nothing_finds_nothing(shop: Shop, text: str) -> None:
    _refund(shop.merchant)
    found = recognise(text, scope=scope_of(shop.reviewer))
    assert not found.refunds.exists()
    assert not found.sales.exists()


def test_number_when_it_is_another_merchants_finds_nothing(shop: Shop) -> None:
    theirs = _refund(make_merchant())
    found = recognise(theirs.number, scope=scope_of(shop.reviewer))
    assert not found.refunds.exists()


def test_clean_when_the_text_is_long_keeps_what_a_number_can_have() -> None:
    assert len(clean("9" * 500)) == 64


def test_name_finds_its_customers_however_it_is_spelled_and_nobody_elses(shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant), 1_000, name="Wang Min")
    make_request(make_sale(shop.merchant), 1_000, name="王敏")
    make_request(make_sale(make_merchant()), 1_000, name="Wang Min")
    for text in ("wang  min", "ＷＡＮＧ Min\u200b"):
        assert list(recognise(text, scope=scope_of(shop.reviewer)).refunds) == [request]
    assert not recognise("wang", scope=scope_of(shop.reviewer)).refunds.exists()


def test_part_of_a_receipt_and_a_days_number_find_what_they_can_mean(shop: Shop) -> None:
    scope = scope_of(shop.reviewer)
    sale = make_sale(shop.merchant, order_no="Ab20261120-3391", phone="13800001111")
    other = make_sale(shop.merchant, order_no="X-1", phone="13900003391")
    request = make_request(sale, 1_000)
    assert set(recognise("3391", scope=scope).sales) == {sale, other}
    assert list(recognise("AB2026", scope=scope).sales) == [sale]
    assert set(recognise("aB2026", scope=scope).sales) == {sale}
    assert list(recognise("Ab2026", scope=scope).sales) == [sale]
    assert list(recognise("0-3391", scope=scope).refunds) == [request]
    assert not recognise("391", scope=scope).sales.exists()
    assert request in recognise(request.number.rpartition("-")[2], scope=scope).refunds
    assert list(recognise(request.number.removeprefix("RF-")[:-1], scope=scope).refunds) == [request]
