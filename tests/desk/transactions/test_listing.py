"""Which sales an address lists."""

from __future__ import annotations

from datetime import timedelta

from django.http import QueryDict
from django.utils import timezone

from desk.access import scope_of
from desk.transactions.listing import listed
from tests.desk.conftest import Shop
from tests.factories import make_sale


def test_sales_of_a_preset_are_those_paid_in_its_days(shop: Shop) -> None:
    today = make_sale(shop.merchant, paid_at=timezone.now())
    make_sale(shop.merchant, paid_at=timezone.now() - timedelta(days=9))
    found = listed(QueryDict("days=7&sort=small"), scope=scope_of(shop.reviewer))
    assert list(found.rows) == [today]
    assert found.order.field == "amount_fen"
