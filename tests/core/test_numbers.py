"""Numbers as they are read out, typed and pasted."""

from __future__ import annotations

import pytest

from core.numbers import last_four, order_of_attempt, reference, refund_number


@pytest.mark.parametrize(
    "typed",
    [
        "RF-261122-0187",
        "rf-261122-0187",
        "ＲＦ－２６１１２２－０１８７",
        "RF—261122—0187",
        "RF 261122 0187",
        "rf2611220187",
        "261122-0187",
        "\u202dRF-261122-0187\u202c",
        "\u200bRF\u2011261122\u22120187",
        "'RF-261122-0187",
        '="RF-261122-0187"',
        "RF-261122-0187\t",
        "RF——261122——0187",
        "RFー261122ー0187",
        "RF一261122一0187",
        "退款单号：RF-261122-0187。",
        "（rf-261122-0187）",
        "No. RF-261122-0187, 张三",
        "rf_261122_0187",
        "RF.261122.0187",
        "261122_0187",
        "RF-261122-O187",
        "rf-26ll22-0187",
        "RF\u2043261122\u02d70187",
        "https://desk.example.com/desk/refunds/RF-261122-0187?from=queue",
    ],
)
def test_refund_number_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert refund_number(typed) == "RF-261122-0187"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "RF",
        "13800006021",
        "4200001234202611200000000001",
        "RF-26112-0187",
        "2611220187",
        "RF-261122-0187/1",
        "XRF-261122-0187",
        "RF-261122-0187-2",
        "RF_261122_0187_2",
        "RF-261122-0187,RF-261122-0188",
        "XRF-261122-O187",
        "https://desk.example.com/RF-261122-0187/RF-261122-0188",
    ],
)
def test_refund_number_when_it_is_another_is_empty(typed: str) -> None:
    assert refund_number(typed) == ""


@pytest.mark.parametrize(
    "typed",
    [
        " Ａb－00１２\t",
        "Ab-٠٠١٢",
        "Ab\u3164-00\u034f12",
        "单号：Ab-0012。",
        "微信支付交易单号 Ab-0012，",
        "`Ab-0012",
        "【Ab-0012】",
        "参考号 Ab-0012",
        "凭证号：Ab-0012",
        "银联流水号Ab-0012",
        "订单号是Ab-0012",
        "Order No.: Ab-0012",
        "transaction id：Ab-0012",
        "Order #Ab-0012",
        "order no. Ab-0012",
        "No. Ab-0012",
        "【订单号】Ab-0012",
        "订单号：Ab-0012 复制",
        "微信退款单号：Ab-0012",
        "原交易流水号 Ab-0012",
        "【系统跟踪号】Ab-0012",
        "Ab\u20430012",
        "Ab-0012.",
    ],
)
def test_reference_keeps_case_and_zeros_and_nothing_around(typed: str) -> None:
    assert reference(typed) == "Ab-0012"


@pytest.mark.parametrize(
    ("number", "order_no"),
    [
        ("DB-77-02", "DB-77"),
        ("DB-77_3", "DB-77"),
        ("20261127001#1", "20261127001"),
        ("DB-77-R1", "DB-77"),
        ("S001/88.2", "S001/88"),
        ("DB-77-PAY2", "DB-77"),
        ("DB-77_pay_2", "DB-77"),
        ("PX-ABCDE-P-1", "PX-ABCDE"),
        ("DB-77-retry1", "DB-77"),
        ("DB77(2)", "DB77"),
        ("A1001R2", "A1001"),
        ("DB-77_1764230400", "DB-77"),
        ("DB-77-20261127101500", "DB-77"),
        ("DB-7720261127101500", ""),
        ("20261127-0001", ""),
        ("DB-77", ""),
        ("A-1", ""),
        ("4200009000202611260000000001", ""),
    ],
)
def test_order_of_attempt_is_what_stands_before_the_try(number: str, order_no: str) -> None:
    assert order_of_attempt(number) == order_no


@pytest.mark.parametrize(
    "typed", ["6021", "６０２１", "٦٠٢١", "60 21", "**6021", "\u200e6021", "13800006021", "尾号6021"]
)
def test_last_four_of_what_was_typed(typed: str) -> None:
    assert last_four(typed) == "6021"


@pytest.mark.parametrize(("typed", "left"), [("602", "602"), ("", ""), ("尾号", ""), ("⑥021", "6021")])
def test_last_four_of_fewer_digits_are_these(typed: str, left: str) -> None:
    assert last_four(typed) == left
