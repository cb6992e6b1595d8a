"""What the payer gets of a refund where a coupon paid a part of the sale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.rules.coupon import payer_share_fen


@pytest.mark.parametrize(
    ("amount_fen", "payer_paid_fen", "expected"), [(10_000, None, 10_000), (10_000, 8_000, 8_000), (10_000, 0, 0)]
)
def test_payer_share_when_all_goes_back_is_what_the_payer_paid(
    amount_fen: int, payer_paid_fen: int | None, expected: int
) -> None:
    assert payer_share_fen(amount_fen=amount_fen, sale_fen=10_000, payer_paid_fen=payer_paid_fen) == expected


@given(parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=12), paid=st.floats(0, 1))
def test_payer_share_when_a_sale_goes_back_in_parts_they_come_to_what_was_paid(parts: list[int], paid: float) -> None:
    sale_fen = sum(parts)
    payer_paid_fen = int(sale_fen * paid)
    before_fen = payer_before_fen = 0
    for part in parts:
        share = payer_share_fen(
            amount_fen=part,
            sale_fen=sale_fen,
            payer_paid_fen=payer_paid_fen,
            before_fen=before_fen,
            payer_before_fen=payer_before_fen,
        )
        assert 0 <= share <= part
        before_fen, payer_before_fen = before_fen + part, payer_before_fen + share
        assert payer_before_fen <= payer_paid_fen
    assert payer_before_fen == payer_paid_fen


def test_payer_share_when_the_channel_gave_more_before_the_rest_is_never_above_what_was_paid() -> None:
    share = payer_share_fen(
        amount_fen=5_000, sale_fen=10_000, payer_paid_fen=8_000, before_fen=5_000, payer_before_fen=5_000
    )
    assert share == 3_000
