"""What is written to Alipay and read from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_channels.alipay.messages import Status, fault_in, query_content, read_trade, refund_content, trade_content
from payment_channels.contract import TradeReference, TradeState
from payment_channels.parsing import Unreadable
from tests.payment_channels.alipay.conftest import ORDER, REFERENCE

TRADE = {"trade_no": "2026", "out_trade_no": "T1", "trade_status": "TRADE_SUCCESS", "total_amount": "268.00"}


def test_order_when_it_is_written_names_one_number_of_the_sale_and_yuan() -> None:
    content = refund_content(ORDER)
    assert (content["trade_no"], content["out_request_no"]) == (ORDER.channel_transaction_no, ORDER.refund_no)
    assert content["refund_amount"] == "12.00"
    assert "out_trade_no" not in content
    assert refund_content(ORDER) == content, "the same order, the same bytes"


@pytest.mark.parametrize(
    ("changes", "number"), [({"payment_no": "P-2"}, "P-2"), ({}, ORDER.order_no)], ids=["payment", "order"]
)
def test_order_when_alipays_number_is_unknown_is_named_by_the_shops(changes: dict[str, str], number: str) -> None:
    order = replace(ORDER, channel_transaction_no="", **changes)  # type: ignore[arg-type]
    assert refund_content(order)["out_trade_no"] == number
    reference = replace(REFERENCE, channel_transaction_no="", **changes)  # type: ignore[arg-type]
    assert query_content(reference)["out_trade_no"] == number


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_fen": 0},
        {"amount_fen": -1},
        {"amount_fen": ORDER.paid_fen + 1},
        {"refund_no": ""},
        {"channel_transaction_no": "", "order_no": ""},
    ],
)
def test_order_when_it_cannot_be_sent_is_named(changes: dict[str, object]) -> None:
    assert fault_in(ORDER) == ""
    assert fault_in(replace(ORDER, **changes)) != ""  # type: ignore[arg-type]


def test_status_when_there_is_a_sub_code_is_called_by_it() -> None:
    refused = Status.parse({"code": "40004", "msg": "Business Failed", "sub_code": "aop.ACQ.X", "sub_msg": "no"})
    assert (refused.handled, refused.name, refused.message) == (False, "ACQ.X", "no")
    assert Status.parse({"code": "10000", "msg": "Success"}).handled


def test_trade_when_it_is_read_has_fen_and_our_word_for_its_state() -> None:
    trade = read_trade(TRADE, raw="{}")
    assert (trade.amount_fen, trade.state, trade.payment_no) == (26_800, TradeState.PAID, "T1")


@pytest.mark.parametrize(
    "changes", [{"trade_status": "TRADE_DANCING"}, {"total_amount": "268,00"}, {"total_amount": "1e2"}]
)
def test_trade_when_a_field_cannot_be_read_is_unreadable(changes: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_trade({**TRADE, **changes}, raw="{}")


def test_trade_when_it_is_asked_about_is_named_like_a_refunds_sale() -> None:
    assert trade_content(TradeReference(channel_transaction_no="2026", order_no="T1")) == {"trade_no": "2026"}
