"""Amounts are what they say, or refused with what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import NotAnAmount, fen_typed, is_barcode, yuan, yuan_grouped


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("1,234.00", 123_400),
        ("￥268.00", 26_800),
        ("¥ 268", 26_800),
        ("268元", 26_800),
        ("268.5 元", 26_850),
        ("人民币268元整", 26_800),
        ("RMB 268", 26_800),
        ("２６８．００", 26_800),
        ("１，２３４．００", 123_400),
        ("\u202d268.00\u202c", 26_800),
        ("268。5", 26_850),
        ("1 234.00", 123_400),
        (".5", 50),
        ("0.10", 10),
        ("-5", -500),
        ("\u22125", -500),
        ("268.5000", 26_850),
        ("٢٦٨", 26_800),
        ("۱٬۲۳۴٫۵", 123_450),
        ("+12", 1_200),
        ("＋12.50", 1_250),
        ("12塊", 1_200),
        ("12圓", 1_200),
        ("CNY 12.00", 1_200),
        ("12.", 1_200),
        ("(12.00)", -1_200),
        ("（1,234.50）", -123_450),
        ("¥ (12.00)", -1_200),
        ("(¥12)", -1_200),
        ("12.00-", -1_200),
        ("–12.00", -1_200),
        ("壹佰元", 10_000),
        ("一百块", 10_000),
        ("¥一百", 10_000),
    ],
)
def test_amount_is_what_it_says(typed: str, fen: int) -> None:
    assert fen_typed(typed) == fen


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("268,5", "amount_comma"),
        ("1.234,00", "amount_comma"),
        ("12,34,567", "amount_comma"),
        ("1e2", "amount_exponent"),
        ("1E+2", "amount_exponent"),
        ("1_000", "amount_invalid"),
        ("0x10", "amount_invalid"),
        ("NaN", "amount_invalid"),
        ("Infinity", "amount_invalid"),
        ("", "amount_invalid"),
        ("元", "amount_invalid"),
        ("1.2.3", "amount_invalid"),
        ("12²", "amount_invalid"),
        ("①②", "amount_invalid"),
        ("12.345", "amount_finer"),
        ("0.001", "amount_finer"),
        ("⑫", "amount_invalid"),
        ("㊿", "amount_invalid"),
        ("⒓", "amount_invalid"),
        ("1 234,00", "amount_comma"),
        ("1\u00a0234,00", "amount_comma"),
        ("1.000.00", "amount_invalid"),
        ("一百五", "amount_invalid"),
        ("百元", "amount_invalid"),
        ("-(12.00)", "amount_invalid"),
        ("(-12.00)", "amount_invalid"),
        ("()", "amount_invalid"),
        ("十二亿", "amount_too_large"),
        ("1e400", "amount_exponent"),
        ("6901234567892", "amount_barcode"),
        ("6901234567890", "amount_barcode"),
        ("9999999999.00", "amount_too_large"),
    ],
)
def test_amount_when_it_could_mean_something_else_is_refused(typed: str, code: str) -> None:
    with pytest.raises(NotAnAmount) as refused:
        fen_typed(typed)
    assert refused.value.code == code


@given(st.integers(min_value=0, max_value=10**11))
def test_what_we_write_is_read_back(fen: int) -> None:
    if is_barcode(yuan(fen).removesuffix(".00")):
        return
    for text in (yuan(fen), yuan_grouped(fen), f"¥{yuan_grouped(fen)}", f"{yuan(fen)}元"):
        assert fen_typed(text) == fen


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        fen_typed(text)
    except NotAnAmount as refused:
        code = refused.code
    else:
        code = "amount_"
    assert code.startswith("amount_")
