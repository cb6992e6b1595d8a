"""What a caller says of a sale, and whether it holds."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from core.errors import Invalid, NotFound
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.intake.judging import PolicyRefused
from terminals.models import Transaction, TransactionLine
from tests.factories import at_the_till, make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


def test_another_merchants_or_stores_sale_is_not_found() -> None:
    sale, other = make_sale(make_merchant()), make_sale(make_merchant())
    draft = Draft(amount_fen=1, reason="quality", transaction_id=other.pk)
    with pytest.raises(NotFound):
        submitting.submit(draft=draft, by=at_the_till(sale), at=timezone.now())
    elsewhere = sale.merchant.stores.create(code="S002", name="二号店")
    draft = Draft(amount_fen=1, reason="quality", transaction_id=sale.pk)
    with pytest.raises(NotFound):
        submitting.submit(draft=draft, by=at_the_till(sale, stores=frozenset({elsewhere.pk})), at=timezone.now())
    with pytest.raises(NotFound):
        submit(Transaction(pk=uuid4(), merchant=sale.merchant))


def test_pieces_are_spread_over_the_sales_lines_of_the_article() -> None:
    sale = make_sale(make_merchant(), 50_300, quantity=2)
    TransactionLine.objects.filter(transaction=sale).update(unit_price_fen=25_000, amount_fen=50_000)
    TransactionLine.objects.create(
        transaction=sale, position=2, sku="SKU-1", name="同款", quantity=3, unit_price_fen=100, amount_fen=300
    )
    request = submit(sale, 100, lines=[("SKU-1", 1), ("SKU-1", 3)])
    # The cheaper ones first.
    assert list(request.lines.order_by("line").values_list("quantity", flat=True)) == [1, 3]
    with pytest.raises(PolicyRefused) as refused:
        submit(sale, 100, lines=[("SKU-1", 2)])
    assert refused.value.code == "exceeds_quantity"
    with pytest.raises(Invalid) as unknown:
        submit(sale, 100, lines=[("SKU-9", 1), ("SKU-8", 1)])
    assert len(unknown.value.errors) == 2


def test_articles_when_a_bottle_and_its_deposit_have_one_number_go_by_the_reason() -> None:
    sale = make_sale(make_merchant(), 1_200)
    TransactionLine.objects.filter(transaction=sale).update(amount_fen=1_000, unit_price_fen=1_000)
    deposit = TransactionLine.objects.create(
        transaction=sale,
        position=2,
        sku="SKU-1",
        name="押金",
        kind="deposit",
        quantity=1,
        unit_price_fen=200,
        amount_fen=200,
    )

    bottle = submit(sale, 1_000, lines=[("SKU-1", 1)])
    put_down = submit(sale, 200, lines=[("SKU-1", 1)], reason="deposit")

    assert (bottle.state, bottle.lines.get().value_fen) == ("approved", 1_000)
    assert (put_down.lines.get().line, put_down.lines.get().value_fen) == (deposit, 200)


def test_articles_when_a_discount_is_claimed_back_are_refused() -> None:
    sale = make_sale(make_merchant(), 900)
    TransactionLine.objects.filter(transaction=sale).update(amount_fen=1_000, unit_price_fen=1_000)
    TransactionLine.objects.create(
        transaction=sale,
        position=2,
        sku="D-1",
        name="满减",
        kind="discount",
        quantity=1,
        unit_price_fen=-100,
        amount_fen=-100,
    )

    with pytest.raises(Invalid) as refused:
        submit(sale, 100, lines=[("D-1", 1)])

    assert refused.value.code == "unknown_article"
    assert not sale.refund_requests.exists()
