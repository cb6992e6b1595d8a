"""Sales are found by their articles once each, and listed by when they were paid."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from terminals import finding
from terminals.models import Transaction, TransactionLine
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


def test_narrow_when_an_article_is_on_two_lines_finds_the_sale_once() -> None:
    merchant = make_merchant()
    sale, _other = make_sale(merchant), make_sale(merchant)
    TransactionLine.objects.filter(transaction=sale).update(sku="SKU-2")
    TransactionLine.objects.create(
        transaction=sale, position=2, sku="SKU-2", name="滤网", quantity=1, unit_price_fen=1, amount_fen=1
    )
    wanted = {"sku": "SKU-2", "paid_after": timezone.now() - timedelta(days=1)}
    assert list(finding.narrow(Transaction.objects.all(), wanted=wanted)) == [sale]
