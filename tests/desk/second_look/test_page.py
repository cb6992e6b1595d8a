"""The page of second looks shows nothing of the decision."""

from __future__ import annotations

from django.test import Client

from refunds.models import RefundRequest
from tests.desk.conftest import Shop


def test_page_tells_neither_the_refund_nor_its_decision(reviewer: Client, decided: RefundRequest, shop: Shop) -> None:
    text = reviewer.get("/desk/second-looks").content.decode()
    assert "268.00" in text
    for betrays in (decided.number, "123.45", "只退一半", shop.colleague.name):
        assert betrays not in text
