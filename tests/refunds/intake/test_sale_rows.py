"""A sale as a row of a batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from refunds.intake import sale_rows
from terminals.reporting import ReportedSale, SaleLine


def test_sale_when_kept_as_text_is_read_back_as_it_was() -> None:
    sale = ReportedSale(
        order_no="A-1",
        channel="wechat",
        channel_transaction_no="42",
        kind="sale",
        amount_fen=356,
        paid_at=datetime.fromisoformat("2026-11-20T10:00:00+08:00"),
        store="S001",
        terminal="",
        cashier="王",
        payer_phone="13800006021",
        card_last4="",
        funding="",
        lines=[SaleLine("7", "茶叶", Decimal("0.356"), 1_000, 356)],
    )
    assert sale_rows.read(sale_rows.asked(sale)) == sale
    assert sale_rows.read(sale_rows.asked(replace(sale, lines=[]))).lines == []
