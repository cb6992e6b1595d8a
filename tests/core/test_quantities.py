"""Quantities: pieces and weights, exact to three decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.quantities import quantity, quantity_number, quantity_text


@pytest.mark.parametrize(
    ("given", "text", "number"),
    [(1, "1", 1), (1.0, "1", 1), ("1", "1", 1), (0.356, "0.356", 0.356), ("10.50", "10.5", 10.5)],
)
def test_quantity_when_it_is_one_reads_back_as_it_was(given: float | str, text: str, number: float) -> None:
    found = quantity(given)

    assert (quantity_text(found), quantity_number(found)) == (text, number)
    assert quantity(quantity_number(found)) == found


@pytest.mark.parametrize("given", [0, -1, 0.0001, 1.2345, "1_0", "１", "", "x", float("inf"), float("nan"), 10**9])
def test_quantity_when_it_is_none_is_refused(given: float | str) -> None:
    with pytest.raises(ValueError, match=r"quantity|decimals"):
        quantity(given)


def test_quantity_text_of_tens_keeps_their_zeros() -> None:
    assert quantity_text(Decimal("100.000")) == "100"
