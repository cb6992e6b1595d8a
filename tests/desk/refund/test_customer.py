"""Whose money a refund is and who handed it in, as its page says it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from desk.refund.customer import customer, requester_label, source_label
from merchants.models import ApiKey
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale

PHONE = "13812345678"


def test_customer_is_masked_and_told_by_what_the_phone_bought_and_brought_back(shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980, phone=PHONE)
    make_sale(shop.merchant, 5_000, phone=PHONE)
    make_sale(shop.merchant, 5_000, phone=PHONE, paid_at=timezone.now() - timedelta(days=31))
    request = make_request(sale, 1_200, phone=PHONE, name="王小敏")

    with translation.override("en"):
        shown = customer(request, payee=None)

    assert PHONE not in shown.phone_masked
    assert shown.phone_masked.endswith("5678")
    assert "小" not in shown.name_masked
    assert shown.history == "2 sales, 1 refunds in 30 days"
    assert shown.has_contact


def test_customer_without_a_phone_has_no_history(shop: Shop) -> None:
    shown = customer(shop.waiting(), payee=None)

    assert shown.history == ""
    assert not shown.has_contact


@pytest.mark.parametrize(
    ("cashier", "requester", "source"),
    [("C001", "Cashier C001", "Till"), ("", "web shop", "API")],
    ids=["till", "api"],
)
def test_requester_when_a_key_handed_it_in_is_the_cashier_or_the_key(
    shop: Shop, cashier: str, requester: str, source: str
) -> None:
    request = shop.waiting()
    request.api_key, request.cashier = ApiKey(name="web shop"), cashier

    with translation.override("en"):
        assert requester_label(request) == requester
        assert source_label(request) == source


def test_requester_when_a_colleague_handed_it_in_is_named_with_the_role(shop: Shop) -> None:
    request = shop.waiting(by=shop.cashier)

    with translation.override("en"):
        assert shop.cashier.name in requester_label(request)
        assert source_label(request) == "Desk"


def test_source_when_it_was_made_in_the_channels_portal_is_the_portal(shop: Shop) -> None:
    request = shop.waiting()
    request.verdict = {**request.verdict, "source": "portal"}

    with translation.override("en"):
        assert source_label(request) == "Channel's portal"
