"""Rows of the lists: a payout that takes longer than was promised says so, with the new day."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/desk/refunds", "/desk/transactions/{sale}"])
def test_row_when_the_payout_is_overdue_says_so_and_the_new_day(shop: Shop, reviewer: Client, path: str) -> None:
    sale = make_sale(shop.merchant, funding="balance")
    make_request(sale, 1_200)
    path = path.format(sale=sale.pk)

    assert "overdue" not in reviewer.get(path).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert "overdue; expected by" in reviewer.get(path).content.decode()


def test_row_when_it_is_paid_is_not_overdue(shop: Shop, reviewer: Client) -> None:
    paid(make_request(make_sale(shop.merchant, funding="balance"), 1_200))

    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert "overdue; expected by" not in reviewer.get("/desk/refunds").content.decode()
