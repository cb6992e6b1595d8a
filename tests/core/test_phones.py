"""One form for a phone number, however it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.phones import NotAPhone, phone_number


@pytest.mark.parametrize(
    "typed",
    [
        "13800006021",
        "+8613800006021",
        "+86 138 0000 6021",
        "0086-138-0000-6021",
        "86 138 0000 6021",
        "（+86）138—0000—6021",
        "１３８００００６０２１",
        "＋８６ 138.0000.6021",
        "\u202d13800006021\u202c",
        "\u200b138\u00a00000\u20116021\ufeff",
        "138\u30000000\u30006021",
        "'13800006021",
        "tel:+86-138-0000-6021;",
        "电话：138 0000 6021",
        "手机号码： 138 0000 6021",
        "Tel. 138 0000 6021",
        "１３８ー００００ー６０２１",
        "138_0000_6021",
        "+86 (0)138 0000 6021",
        "13800006021.0",
        "电话是13800006021",
        "13800006021，",
        "138、0000、6021。",
        "١٣٨٠٠٠٠٦٠٢١",
        "\u202a+۸۶ ۱۳۸ ۰۰۰۰ ۶۰۲۱\u202c",
        "1\u034f38\u206000\u116000\u28006021",
        "联系电话（手机）：138 0000 6021",
        "电　话：13800006021",
        "“13800006021”",
        "【138-0000-6021】",
        "8613800006021.00",
        "13,800,006,021",
    ],
)
def test_phone_number_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert phone_number(typed) == "13800006021"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(0571) 8888-0001", "057188880001"),
        ("+86 571 8888 0001", "057188880001"),
        ("010-6655 4433", "01066554433"),
        ("400-820-8820", "4008208820"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("86-571-8888 0001", "057188880001"),
        ("00852 5123 4567", "+85251234567"),
        ("+853－6612－3456", "+85366123456"),
        ("+886 0912 345 678", "+886912345678"),
        ("00886-912-345-678", "+886912345678"),
        ("+81 090 1234 5678", "+819012345678"),
        ("+39 06 6982 0000", "+390669820000"),
    ],
)
def test_phone_number_when_it_is_a_landline_or_abroad_keeps_what_it_needs(typed: str, number: str) -> None:
    assert phone_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "none",
        "12345",
        "138000060211",
        "1380000602",
        "12800006021",
        "6901234567892",
        "+86 12345",
        "RF-261122-0187",
        "+861380000602",
        "01380000602",
        "0571-88888888-801",
        "13800006021/13800006022",
        "13800006021,13800006022",
        "138****6021",
        "010-1234567",
        "1³800006021",
        "①③⑧⓪⓪⓪⓪⑥⓪②①",
        "010-66554433转801",
        "95588",
        "1.3800006021E+10",
    ],
)
def test_phone_number_when_it_is_none_is_refused(typed: str) -> None:
    with pytest.raises(NotAPhone):
        phone_number(typed)


@given(st.integers(13 * 10**9, 2 * 10**10 - 1).map(str), st.data())
def test_marks_and_blanks_anywhere_change_nothing(number: str, data: st.DataObject) -> None:
    noise = st.text(st.sampled_from(" -\u2011\u2014\u200b\u202d\u202c\u00a0."), max_size=2)
    spelled = "".join(digit + data.draw(noise) for digit in number)
    assert phone_number(data.draw(st.sampled_from(["", "+86", "0086 ", "86"])) + spelled) == number
    assert phone_number(phone_number(spelled)) == number
