"""Holding all payments of an order, and letting go of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from refunds.facts import holds
from refunds.facts.holds import SaleHeld
from terminals.models import Transaction
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


def test_set_held_holds_the_payments_of_the_order_and_no_other() -> None:
    sale = make_sale(make_merchant(), order_no="1")
    other = make_sale(sale.merchant, order_no="1")
    yesterday = make_sale(sale.merchant, order_no="1", paid_at=sale.paid_at - timedelta(days=1))
    holds.set_held(transaction_id=sale.pk, at=timezone.now())
    held = set(Transaction.objects.filter(held_at__isnull=False).values_list("pk", flat=True))
    assert held == {sale.pk, other.pk}
    with pytest.raises(SaleHeld):
        holds.check_not_held(transaction_id=other.pk)
    holds.check_not_held(transaction_id=yesterday.pk)
    holds.set_held(transaction_id=other.pk, at=None)
    assert not Transaction.objects.filter(held_at__isnull=False).exists()
