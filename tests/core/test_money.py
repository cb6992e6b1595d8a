"""Money as whole fen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_FEN, fen_from_yuan, yuan, yuan_grouped


@given(st.integers(-MAX_FEN, MAX_FEN))
def test_yuan_and_back_is_the_same_amount(fen: int) -> None:
    assert fen_from_yuan(yuan(fen)) == fen
    assert yuan_grouped(fen).replace(",", "") == yuan(fen)


@pytest.mark.parametrize("text", ["", "1.001", "1e30", "NaN", "Infinity", "１２", "1,000.00", "ten", str(MAX_FEN)])
def test_fen_from_yuan_when_it_is_no_amount_in_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        fen_from_yuan(text)


def test_yuan_of_a_negative_amount_has_one_sign() -> None:
    assert (yuan(-5), yuan_grouped(-123_456_700)) == ("-0.05", "-1,234,567.00")
