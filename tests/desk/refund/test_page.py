"""What the page of a refund says."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.states import RejectReason
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_each_reason_brings_words_in_the_customers_language(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    RefundRequest.objects.filter(pk=request.pk).update(customer_locale="zh-CN")
    reasons = reviewer.get(f"/desk/refunds/{request.number}").context["dialogs"].reject_reasons
    assert {reason.value for reason in reasons} == set(RejectReason.values)
    assert all(reason.label.isascii() and not reason.text.isascii() for reason in reasons)
