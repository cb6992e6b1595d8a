"""What the page of a refund says."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.states import RejectReason
from terminals.correcting import SaleCorrection, correct_sale
from terminals.reporting import SaleLine
from tests.desk.conftest import Shop
from tests.factories import make_sale, submit

SignIn = Callable[[Staff], Client]


def test_each_reason_brings_words_in_the_customers_language(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    RefundRequest.objects.filter(pk=request.pk).update(customer_locale="zh-CN")
    reasons = reviewer.get(f"/desk/refunds/{request.number}").context["dialogs"].reject_reasons
    assert {reason.value for reason in reasons} == set(RejectReason.values)
    assert all(reason.label.isascii() and not reason.text.isascii() for reason in reasons)


def test_a_sale_that_was_corrected_since_says_what_the_articles_are_worth_by_now(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 60_000, quantity=3)
    request = submit(sale, 40_000, lines=[("SKU-1", 2)], customer_consent=True)
    path = f"/desk/refunds/{request.number}"
    assert "Corrected since" not in reviewer.get(path, {"lang": "en"}).content.decode()
    told = SaleCorrection(amount_fen=50_000, lines=[SaleLine("SKU-1", "空气炸锅 4L", 3, 16_667, 50_000)])
    by = of_staff(shop.finance)

    correct_sale(transaction_id=sale.pk, correction=told, reason="标价录错", by=by, at=timezone.now())

    page = reviewer.get(path, {"lang": "en"}).content.decode()
    assert "Corrected since" in page
    assert "The articles are worth ¥333.33 by now." in page
