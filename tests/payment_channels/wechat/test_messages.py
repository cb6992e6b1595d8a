"""What is written to WeChat Pay and read from it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from payment_channels.contract import AbnormalRefundOrder, Done, PayeeKind, Retry, TradeReference, TradeState, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.wechat.messages import (
    MAX_REASON_BYTES,
    RefundState,
    abnormal_refund_body,
    cut_to_bytes,
    fault_in,
    fault_in_payee,
    read_trade,
    refund_body,
    trade_target,
)
from tests.payment_channels.wechat.conftest import ORDER, refund_state

ELSEWHERE = AbnormalRefundOrder(
    refund_no="R1",
    channel_refund_no="50",
    amount_fen=100,
    payee=PayeeKind.CUSTOMER_CARD,
    bank_type="ICBC_DEBIT",
    card_number="6225880137891234",
    holder_name="王敏",
)


def test_order_when_it_is_written_has_both_amounts_in_fen_and_the_same_bytes_each_time() -> None:
    body = refund_body(ORDER, sub_mchid="", funding="")
    read = json.loads(body)
    assert read["amount"] == {"refund": 1_200, "total": 26_800, "currency": "CNY"}
    assert (read["transaction_id"], read["out_refund_no"]) == (ORDER.channel_transaction_no, ORDER.refund_no)
    assert not {"sub_mchid", "funds_account", "out_trade_no"} & read.keys()
    assert refund_body(ORDER, sub_mchid="", funding="") == body


def test_order_when_wechats_number_is_unknown_is_named_by_the_shops() -> None:
    read = json.loads(
        refund_body(replace(ORDER, channel_transaction_no="", payment_no="P1"), sub_mchid="19", funding="A")
    )
    assert (read["out_trade_no"], read["sub_mchid"], read["funds_account"]) == ("P1", "19", "A")


def test_reason_when_it_is_too_long_is_cut_between_characters() -> None:
    read = json.loads(refund_body(replace(ORDER, reason="退" * 100), sub_mchid="", funding=""))
    assert len(read["reason"].encode()) <= MAX_REASON_BYTES
    assert set(read["reason"]) == {"退"}
    assert cut_to_bytes("退款", 5) == "退"


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_no": "R 1"},
        {"refund_no": "R" * 65},
        {"amount_fen": 0},
        {"amount_fen": ORDER.paid_fen + 1},
        {"channel_transaction_no": "", "order_no": ""},
    ],
)
def test_order_when_it_cannot_be_sent_is_named(changes: dict[str, object]) -> None:
    assert fault_in(ORDER) == ""
    assert fault_in(replace(ORDER, **changes)) != ""  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"channel_refund_no": ""}, {"holder_name": ""}, {"card_number": "6225 8801"}])
def test_payee_when_something_is_missing_is_named_without_card_or_name(changes: dict[str, str]) -> None:
    assert fault_in_payee(ELSEWHERE) == ""
    fault = fault_in_payee(replace(ELSEWHERE, **changes))  # type: ignore[arg-type]
    assert fault != ""
    assert "6225" not in fault
    assert "王敏" not in fault


def test_stuck_refund_when_it_goes_to_the_merchant_carries_no_card() -> None:
    order = replace(ELSEWHERE, payee=PayeeKind.MERCHANT_ACCOUNT)
    body = json.loads(abnormal_refund_body(order, sub_mchid="", card_number="sealed", holder_name="sealed"))
    assert body == {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}


def test_state_when_it_succeeded_is_proof_with_what_the_payer_got() -> None:
    coupon = {"total": 26_800, "refund": 1_200, "payer_total": 20_000, "payer_refund": 900, "currency": "CNY"}
    outcome = RefundState.parse_answer(refund_state(amount=coupon)).outcome(closed_number=Retry.NEW_NUMBER, raw="")
    assert isinstance(outcome, Done)
    assert (outcome.amount_fen, outcome.payer_fen) == (1_200, 900)


def test_state_when_it_is_processing_is_accepted_and_no_proof() -> None:
    outcome = RefundState.parse_answer(refund_state("PROCESSING")).outcome(closed_number=Retry.NEW_NUMBER, raw="")
    assert isinstance(outcome, Unknown)
    assert outcome.accepted


@pytest.mark.parametrize("amount", [{"total": 26_800, "refund": "1200"}, {"total": 26_800, "refund": 12.5}, {}])
def test_state_when_its_amount_is_no_whole_number_is_unreadable(amount: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        RefundState.parse_answer(refund_state(amount=amount))


def test_state_when_number_sale_or_amount_differ_is_of_another_refund() -> None:
    state = RefundState.parse_answer(refund_state())
    asked = {"refund_no": ORDER.refund_no, "channel_transaction_no": ORDER.channel_transaction_no}
    assert state.is_about(**asked, amount_fen=1_200)
    assert not state.is_about(**asked, amount_fen=1_201)
    assert not state.is_about(**{**asked, "refund_no": "R2"}, amount_fen=1_200)


def test_payment_when_it_is_read_has_our_word_for_its_state() -> None:
    body = {"trade_state": "SUCCESS", "out_trade_no": "T1", "transaction_id": "42", "amount": {"total": 26_800}}
    trade = read_trade(body, raw="")
    assert (trade.state, trade.amount_fen, trade.refunded_fen) == (TradeState.PAID, 26_800, 0)
    with pytest.raises(Unreadable):
        read_trade({**body, "trade_state": "DANCING"}, raw="")


def test_payment_when_it_is_asked_about_stands_in_the_address_with_who_asks() -> None:
    known = TradeReference(channel_transaction_no="42", order_no="a/b")
    assert trade_target(known, mchid="19", sub_mchid="") == "/v3/pay/transactions/id/42?mchid=19"
    unknown = replace(known, channel_transaction_no="")
    target = trade_target(unknown, mchid="19", sub_mchid="20")
    assert target == "/v3/pay/partner/transactions/out-trade-no/a%2Fb?sp_mchid=19&sub_mchid=20"
