"""The page of a sale."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale

SignIn = Callable[[Staff], Client]


def test_transaction_shows_its_refunds_and_masks_the_payer(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980, phone="13800006021")
    request = make_request(sale, 26_800)
    page = reviewer.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert request.number in page
    assert "138 **** 6021" in page
    assert "13800006021" not in page
    assert reviewer.get(f"/desk/transactions/{uuid4()}").status_code == 404
