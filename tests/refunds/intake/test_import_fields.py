"""What cells of an imported file say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from refunds.intake import import_fields
from refunds.intake.import_fields import Reading, instant

_SALE = {
    "order_no": "A-1",
    "channel": "微信支付",
    "channel_transaction_no": "42000001",
    "store": "S001",
    "amount": "￥1,268.00",
    "paid_at": "2026/11/26 12:03",
}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-26 12:03:00",
        "2026/11/26 12:03",
        "2026年11月26日 12时03分",
        "20261126120300",
        "2026-11-26T04:03:00Z",
        "２０２６-11-26 12:03:00.250",
    ],
)
def test_instant_when_written_in_any_usual_way_is_the_same(text: str) -> None:
    assert instant(text) == datetime.fromisoformat("2026-11-26T12:03:00+08:00")


@pytest.mark.parametrize("text", ["26/11/2026", "11/12/26 10:00", "2026-02-30", "45987.5", "yesterday", ""])
def test_instant_when_it_can_be_read_in_two_ways_is_none(text: str) -> None:
    assert instant(text) is None


def test_guess_when_the_header_is_a_portals_finds_each_column_once() -> None:
    found = import_fields.guess(["交易时间", "微信订单号", "商户订单号", "订单金额（元）", "备注"], kind="sales")
    assert found == {
        "paid_at": "交易时间",
        "channel_transaction_no": "微信订单号",
        "order_no": "商户订单号",
        "amount": "订单金额（元）",
    }
    assert import_fields.missing(found, kind="sales") == ["channel", "store"]
    assert import_fields.guess(["渠道流水号"], kind="sales") == {"channel_transaction_no": "渠道流水号"}
    assert import_fields.guess(["付款方式", "付款金额"], kind="sales") == {"channel": "付款方式", "amount": "付款金额"}


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"order_no": "1.23E+17"}, "order_no", "digits_lost"),
        ({"channel_transaction_no": "４.2Ｅ+27"}, "channel_transaction_no", "digits_lost"),
        ({"order_no": ""}, "order_no", "required"),
        ({"amount": "1e2"}, "amount", "amount_exponent"),
        ({"amount": "6901234567892"}, "amount", "amount_barcode"),
        ({"amount": "-5.00"}, "amount", "not_a_sale"),
        ({"paid_at": "26/11/2026"}, "paid_at", "date_unclear"),
        ({"channel": "bitcoin"}, "channel", "channel_unknown"),
        ({"status": "REFUND"}, "status", "not_a_sale"),
        ({"channel_transaction_no": ""}, "channel_transaction_no", "required"),
        ({"payer_phone": "12"}, "payer_phone", "invalid_phone"),
    ],
)
def test_sale_when_a_cell_cannot_be_read_names_it(changed: dict[str, Any], field: str, code: str) -> None:
    reading = Reading([{**_SALE, **changed}])
    assert reading.sale() is None
    assert [(one.field, one.code) for one in reading.errors] == [(field, code)]


def test_sale_when_rows_are_its_lines_adds_them_up_and_keeps_what_only_looks_odd() -> None:
    first = {**_SALE, "amount": "", "sku": "0085", "item": "杯子", "quantity": "3", "unit_price": "2.55"}
    second = {**first, "sku": "7", "item": "茶叶", "quantity": "0.356", "unit_price": "10.00"}
    more = {"payer_phone": "138****6021", "card_last4": "21", "status": "支付成功"}
    reading = Reading([{**first, **more}, second])
    sale = reading.sale()
    assert sale is not None, reading.errors
    assert (sale.amount_fen, [line.amount_fen for line in sale.lines]) == (1_121, [765, 356])
    assert (sale.lines[0].sku, sale.channel, sale.payer_phone, sale.card_last4) == ("0085", "wechat", "", "0021")


def test_sale_when_rows_of_one_order_differ_is_refused() -> None:
    line = {"item": "杯子", "line_amount": "634"}
    reading = Reading([{**_SALE, **line}, {**_SALE, **line, "amount": "9.00"}])
    assert reading.sale() is None
    assert [(one.field, one.code) for one in reading.errors] == [("amount", "rows_differ")]


def test_draft_reads_reasons_in_both_languages_and_amounts_with_a_minus() -> None:
    asked = {
        "order_no": "a－1",
        "amount": "-12.00",
        "reason": "质量问题",
        "consent": "是",
        "customer_phone": "+86 13800006021",
    }
    draft = Reading([asked]).draft()
    assert draft is not None
    assert (draft.order_no, draft.amount_fen, draft.reason, draft.customer_consent) == ("a-1", 1_200, "quality", True)
    assert draft.customer.phone == "13800006021"
    reading = Reading([{**asked, "reason": "因为", "amount": "12"}])
    assert reading.draft() is None
    assert [one.code for one in reading.errors] == ["reason_unknown"]


#: Headers of acquirers' lists as they are handed out.
_LISTS = {
    "银联商务": "交易时间,终端号,交易类型,卡号,交易金额,清算金额,手续费,流水号,检索号,商户号,商户订单号,银商订单号,交易方式",
    "拉卡拉": "商户编号,交易日期,交易时间,终端号,交易类型,拉卡拉流水号,交易金额（分）,手续费（分）,商户订单号,支付方式",
    "通联": "商户号,门店名称,终端号,交易时间,交易类型,凭证号,参考号,卡号,交易金额,手续费,交易日期,订单号",
}


@pytest.mark.parametrize(
    ("acquirer", "found"),
    [
        ("银联商务", {"paid_at": "交易时间", "trade_type": "交易类型", "order_no": "商户订单号", "amount": "交易金额"}),
        ("拉卡拉", {"paid_at": "交易时间", "paid_on": "交易日期", "amount": "交易金额（分）", "channel": "支付方式"}),
        ("通联", {"paid_at": "交易时间", "paid_on": "交易日期", "order_no": "订单号", "terminal": "终端号"}),
    ],
)
def test_guess_when_the_list_is_an_acquirers_finds_what_it_names(acquirer: str, found: dict[str, str]) -> None:
    guessed = import_fields.guess(_LISTS[acquirer].split(","), kind="sales")
    assert found.items() <= guessed.items()
    assert import_fields.says_fen(guessed["amount"]) is (acquirer == "拉卡拉")


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        ("2026-11-26", "12:03:11"),
        ("20261126", "120311"),
        ("2026/11/26", "12:03:11"),
        ("2026-11-26 00:00:00", "12:03:11"),
        ("2026-11-25", "2026-11-26 12:03:11"),
    ],
)
def test_sale_when_day_and_time_stand_apart_is_of_both(day: str, moment: str) -> None:
    reading = Reading([{**_SALE, "paid_on": day, "paid_at": moment}])
    sale = reading.sale()
    assert sale is not None, reading.errors
    assert sale.paid_at == datetime.fromisoformat("2026-11-26T12:03:11+08:00")


def test_sale_when_its_time_has_lost_a_zero_or_its_day_is_missing() -> None:
    sale = Reading([{**_SALE, "paid_on": "20261126", "paid_at": "93011"}]).sale()
    assert sale is not None
    assert sale.paid_at == datetime.fromisoformat("2026-11-26T09:30:11+08:00")
    reading = Reading([{**_SALE, "paid_at": "12:03:11"}])
    assert reading.sale() is None
    assert [one.code for one in reading.errors] == ["date_unclear"]


@pytest.mark.parametrize("kind", ["退货", "消费撤销", "冲正", "REFUND"])
def test_sale_when_the_list_says_that_money_went_back_is_none(kind: str) -> None:
    reading = Reading([{**_SALE, "trade_type": kind}])
    assert reading.sale() is None
    assert [(one.field, one.code) for one in reading.errors] == [("trade_type", "not_a_sale")]
    assert Reading([{**_SALE, "trade_type": "消费"}]).sale() is not None


@pytest.mark.parametrize("amount", ["(12.00)", "（12.00）", "12.00-", "-12.00", "¥(12.00)", "–12.00", "负壹拾贰元"])
def test_draft_when_a_bookkeeper_wrote_the_amount_is_a_refund_of_it_and_no_sale(amount: str) -> None:
    asked = {"order_no": "a-1", "amount": amount, "reason": "质量问题"}
    draft = Reading([asked]).draft()
    assert draft is not None
    assert draft.amount_fen == 1_200
    reading = Reading([{**_SALE, "amount": amount}])
    assert reading.sale() is None
    assert [(one.field, one.code) for one in reading.errors] == [("amount", "not_a_sale")]


@pytest.mark.parametrize(("amount", "fen"), [("(1200)", 1_200), ("1200-", 1_200), ("-1200", 1_200), ("1200", 1_200)])
def test_draft_when_amounts_are_in_fen_reads_what_is_below_zero(amount: str, fen: int) -> None:
    draft = Reading([{"order_no": "a-1", "amount": amount, "reason": "质量问题"}], is_fen=True).draft()
    assert draft is not None
    assert draft.amount_fen == fen


@pytest.mark.parametrize(
    ("column", "is_fen", "differs"),
    [
        ("交易金额（分）", False, True),
        ("交易金额(分)", True, False),
        ("amount_fen", False, True),
        ("订单金额（元）", True, True),
        ("订单金额（元）", False, False),
        ("金额", True, False),
        ("amount", False, False),
        ("积分", False, False),
    ],
)
def test_in_other_units_when_the_column_says_its_unit(column: str, is_fen: bool, differs: bool) -> None:
    assert import_fields.in_other_units({"amount": column}, is_fen=is_fen) == (["amount"] if differs else [])
