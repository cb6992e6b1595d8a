"""Quantities: pieces and weights, exact to three decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.quantities import NotAQuantity, quantity, quantity_number, quantity_text, quantity_typed


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


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("2", "2"),
        (" 1.500 ", "1.5"),
        ("２．５", "2.5"),
        ("2。5", "2.5"),
        ("3 件", "3"),
        ("0.356kg", "0.356"),
        ("1.2 公斤", "1.2"),
        ("+2", "2"),
        (".5", "0.5"),
        ("2\u200b", "2"),
    ],
)
def test_quantity_typed_when_people_write_it_is_what_it_says(typed: str, text: str) -> None:
    assert quantity_text(quantity_typed(typed)) == text


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2,5", "quantity_comma"),
        ("1,500", "quantity_comma"),
        ("1.234,5", "quantity_comma"),
        ("２，５", "quantity_comma"),
        *(
            (typed, "invalid_quantity")
            for typed in ("", "0", "-1", "1e2", "1_0", "1²", "1.2345", "0x10", "nan", "半", "2 斤")
        ),
        ("9999999", "invalid_quantity"),
    ],
)
def test_quantity_typed_when_it_may_mean_two_things_or_none_says_so(typed: str, code: str) -> None:
    with pytest.raises(NotAQuantity) as caught:
        quantity_typed(typed)
    assert caught.value.code == code
