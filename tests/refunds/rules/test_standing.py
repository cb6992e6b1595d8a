"""What came before a request."""

from __future__ import annotations

from refunds.rules.standing import Standing


def test_standing_of_nobody_counts_nothing() -> None:
    nobody = Standing()
    assert (nobody.order_fen, nobody.tier_fen, nobody.order_rejected) == (0, 0, False)
    assert {nobody.customer_day_fen, nobody.cashier_day_count, nobody.key_day_count, nobody.key_day_fen} == {None}
