"""What the page of a sale shows. Amounts in fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from desk import rows
from desk.refund.page import till_label
from desk.rows import RefundRow, SaleRow
from merchants import channels
from refunds.models import RefundRequest
from refunds.telling.destinations import destination_label
from terminals.models import Transaction


@dataclass(frozen=True, slots=True)
class Article:
    """A line of the receipt; ``returned`` pieces of it came back or are on their way."""

    name: str
    sku: str
    unit_price_fen: int
    quantity: int
    returned: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Another payment of the order."""

    channel: str
    channel_label: str
    url: str
    paid_fen: int
    refundable_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """Three parts of one bar: paid back, ``under_way_fen``, left."""

    sale: SaleRow
    channel_label: str
    destination_label: str
    channel_no: str
    till_label: str
    reporter_label: str
    under_way_fen: int
    lines: Sequence[Article]
    refunds: Sequence[RefundRow]
    others: Sequence[Payment]


def transaction_page(
    found: Transaction, *, refunds: Sequence[RefundRequest], others: Sequence[Transaction]
) -> TransactionPage:
    """``refunds`` are ``lean``; ``others`` are the other payments of the order."""
    return TransactionPage(
        sale=rows.sale(found),
        channel_label=channels.label(found.channel),
        destination_label=destination_label(sale=found),
        channel_no=found.channel_transaction_no or "",
        till_label=till_label(found.terminal),
        reporter_label=found.reported_by,
        under_way_fen=found.reserved_fen - found.refunded_fen,
        lines=[
            Article(line.name, line.sku, line.unit_price_fen, line.quantity, line.reserved_quantity, line.amount_fen)
            for line in found.lines.all()
        ],
        refunds=rows.refunds(refunds),
        others=[
            Payment(
                channel=one.channel,
                channel_label=channels.label(one.channel),
                url=reverse("desk:transaction", args=[one.pk]),
                paid_fen=one.amount_fen,
                refundable_fen=one.refundable_fen,
            )
            for one in others
        ],
    )
