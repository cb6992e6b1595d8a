"""Amounts written out, as on receipts and by customers, are what they say; what may be two amounts is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.amounts_in_words import fen_in_words
from core.money import capital_yuan, fen_typed


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("壹佰元整", 10_000),
        ("人民币壹仟零伍拾元伍角", 105_050),
        ("人民币:贰佰陆拾捌圆正", 26_800),
        ("一百块", 10_000),
        ("五十块钱", 5_000),
        ("两千三百", 230_000),
        ("兩百塊", 20_000),
        ("廿五元", 2_500),
        ("卅元", 3_000),
        ("二〇五元", 20_500),
        ("一百零五", 10_500),
        ("十五", 1_500),
        ("一百一十五块", 11_500),
        ("一百十五块", 11_500),
        ("三块五", 350),
        ("三块五毛", 350),
        ("五毛", 50),
        ("三角五分", 35),
        ("八分", 8),
        ("二点五元", 250),
        ("十二点零五", 1_205),
        ("12元5角", 1_250),
        ("1,234元5角3分", 123_453),
        ("12块5", 1_250),
        ("1.2万元", 1_200_000),
        ("3千元", 300_000),
        ("一万五千", 1_500_000),
        ("拾万零伍仟元整", 10_500_000),
        ("零万零仟伍佰零拾零元零角零分", 50_000),
        ("陸佰捌拾元", 68_000),
        ("负壹佰元", -10_000),
        ("一 百 元", 10_000),
    ],
)
def test_amount_in_words_is_what_it_says(written: str, fen: int) -> None:
    assert fen_in_words(written) == fen


@pytest.mark.parametrize(
    "written",
    [
        "",
        "元",
        "百元",
        "一百五",
        "一万五",
        "1万5",
        "两千三",
        "一千零五百",
        "十百",
        "壹佰壹佰元",
        "一百点五百",
        "二点五五五",
        "十二角",
        "12",
        "12.00",
        "圆壹",
        "王敏",
        "一百元左右",
        "一百到两百",
        "五折",
        "1.23456789万",
    ],
)
def test_amount_in_words_when_it_is_none_or_two_is_not_guessed(written: str) -> None:
    assert fen_in_words(written) is None


@given(st.integers(min_value=0, max_value=10**11))
def test_what_a_voucher_says_in_capitals_is_read_back(fen: int) -> None:
    assert fen_typed(capital_yuan(fen=fen)) == fen


@given(st.text(alphabet="零一二三四五十百千万亿元角分整点两廿0123456789.,", max_size=20))
def test_any_words_are_an_amount_or_none(written: str) -> None:
    found = fen_in_words(written)
    assert found is None or found >= 0
