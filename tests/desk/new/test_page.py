"""The lines of a sale at the desk, and what the customer reads of them: charged, paid for, weighed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.test import Client

from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.telling import tracking
from terminals.models import Transaction, TransactionLine
from tests.desk.conftest import Shop
from tests.factories import make_sale

SignIn = Callable[[Staff], Client]


def _weighed(shop: Shop) -> Transaction:
    """A 60.00 of 0.356 kg, B 40.00, ten per cent off the order."""
    sale = make_sale(shop.merchant, 9_000)
    sale.lines.all().delete()
    for position, (sku, kind, quantity, amount_fen) in enumerate(
        (("A", "article", "0.356", 6_000), ("B", "article", "1", 4_000), ("", "discount", "1", -1_000)), start=1
    ):
        TransactionLine.objects.create(
            transaction=sale,
            position=position,
            sku=sku,
            name=sku or "满减",
            kind=kind,
            quantity=Decimal(quantity),
            unit_price_fen=amount_fen,
            amount_fen=amount_fen,
        )
    return sale


def test_new_page_when_the_order_has_a_discount_shows_what_was_paid_for_each_line(shop: Shop, as_staff: SignIn) -> None:
    sale, client = _weighed(shop), as_staff(shop.cashier)

    page = client.get(f"/desk/new?sale={sale.pk}")

    rows = page.context["sale"].lines
    assert [(row.line.worth_fen, row.comes_back) for row in rows] == [(5_400, True), (3_600, True), (0, False)]
    assert sum(row.line.amount_fen for row in rows) == sum(row.line.worth_fen for row in rows) == sale.amount_fen
    text = page.content.decode()
    assert 'max="0.356" step="0.001"' in text
    assert "-10.00" in text
    assert f"lines-{rows[2].line.pk}" not in text
    assert "36.00" in client.get(f"/desk/transactions/{sale.pk}").content.decode()


def test_submit_when_a_part_of_weighed_goods_comes_back_is_told_the_same_everywhere(
    shop: Shop, as_staff: SignIn
) -> None:
    sale, client = _weighed(shop), as_staff(shop.cashier)
    line = sale.lines.get(sku="A")
    form = {
        "sale": str(sale.pk),
        "idempotency_key": client.get(f"/desk/new?sale={sale.pk}").context["idempotency_key"],
        "reason": "quality",
        "amount": "",
        "consent": "1",
    }
    refused = client.post("/desk/new", {**form, f"lines-{line.pk}": "0,1"})
    assert "0.356" in refused.content.decode()
    assert not RefundRequest.objects.exists()

    client.post("/desk/new", {**form, f"lines-{line.pk}": "0.1"})

    request = RefundRequest.objects.get()
    assert request.amount_fen == 5_400 * 100 // 356
    page = client.get(f"/desk/refunds/{request.number}")
    goods = page.context["refund"].lines
    assert [(row.returned, row.worth_fen, row.refund_fen) for row in goods] == [
        (Decimal("0.1"), 1_516, 1_516),
        (0, None, None),
        (0, None, None),
    ]
    for address in (f"/desk/refunds/{request.number}/voucher", tracking.url_for(request.pk)):
        assert "A × 0.1" in client.get(address).content.decode()
    line.refresh_from_db()
    assert line.reserved_quantity == Decimal("0.1")


def test_refund_page_when_less_is_asked_than_the_pieces_are_worth_adds_up(shop: Shop, as_staff: SignIn) -> None:
    """No line of 54.00 above a total of 10.00."""
    sale, client = _weighed(shop), as_staff(shop.cashier)
    form = {
        "sale": str(sale.pk),
        "idempotency_key": client.get(f"/desk/new?sale={sale.pk}").context["idempotency_key"],
        "reason": "goodwill",
        "amount": "10.00",
        "consent": "1",
        **{f"lines-{line.pk}": str(line.quantity) for line in sale.lines.exclude(kind="discount")},
    }

    client.post("/desk/new", form)

    request = RefundRequest.objects.get()
    refund = client.get(f"/desk/refunds/{request.number}").context["refund"]
    assert [(row.returned, row.refund_fen) for row in refund.lines] == [(0, 600), (0, 400), (0, None)]
    assert refund.amount_fen == 1_000
    assert not sale.lines.filter(reserved_quantity__gt=0).exists()
