"""Yuan and fen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.parsing import Unreadable, fen_from_yuan, json_object, whole, yuan_from_fen


@pytest.mark.parametrize(
    ("yuan", "fen"),
    [
        ("0.00", 0),
        ("0.01", 1),
        ("12", 1200),
        ("12.3", 1230),
        ("12.30", 1230),
        ("1.3000", 130),
        ("-0.05", -5),
        ("-12.30", -1230),
    ],
)
def test_fen_from_yuan(yuan: str, fen: int) -> None:
    assert fen_from_yuan(yuan) == fen


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", ".5", "1.", "1.234", "1,000.00", "1e3", "+1", " 1", "1 ", "1\n", "１", "0x1", "NaN", "9" * 13],
)
def test_fen_from_yuan_when_it_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        fen_from_yuan(text)


@given(st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1))
def test_there_and_back(fen: int) -> None:
    yuan = yuan_from_fen(fen)

    assert fen_from_yuan(yuan) == fen
    assert Decimal(yuan) * 100 == fen


@pytest.mark.parametrize(
    "raw", [b'{"status": "PROCESSING", "status": "SUCCESS"}', b'{"amount": {"refund": 1, "refund": 2}}']
)
def test_object_when_a_name_stands_twice_in_it_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        json_object(raw)


@pytest.mark.parametrize("value", ["1200", True, 12.0, None])
def test_whole_number_when_it_is_none_is_unreadable(value: object) -> None:
    assert whole({"refund": 1200}, "refund") == 1200
    with pytest.raises(Unreadable):
        whole({"refund": value}, "refund")
