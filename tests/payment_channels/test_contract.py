"""Whether an answer is about the payment that was asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_channels.contract import (
    AbnormalRefundOrder,
    PayeeKind,
    Trade,
    TradeReference,
    TradeState,
    mismatch,
    trade_is_asked_for,
)

TRADE = Trade(payment_no="P1", channel_transaction_no="4200", amount_fen=100, state=TradeState.PAID)


@pytest.mark.parametrize(
    ("named", "is_it"),
    [
        (TradeReference(channel_transaction_no="4200", order_no="X", payment_no="X"), True),
        (TradeReference(channel_transaction_no="4201", order_no="P1", payment_no="P1"), False),
        (TradeReference(channel_transaction_no="", order_no="X", payment_no="P1"), True),
        (TradeReference(channel_transaction_no="", order_no="P1", payment_no="X"), False),
        (TradeReference(channel_transaction_no="", order_no="P1"), True),
    ],
)
def test_trade_when_the_first_number_that_was_known_is_its_own_is_asked_for(named: TradeReference, is_it: bool) -> None:
    assert trade_is_asked_for(TRADE, named) is is_it


def test_trade_when_it_names_no_payment_is_of_nobody() -> None:
    nameless = replace(TRADE, payment_no="", channel_transaction_no="")
    assert not trade_is_asked_for(nameless, TradeReference(channel_transaction_no="4200", order_no="P1"))


def test_mismatch_calls_a_person_and_is_no_acceptance() -> None:
    outcome = mismatch("{}")
    assert (outcome.code, outcome.attention, outcome.accepted, outcome.remedy) == ("mismatch", True, False, "compare")


def test_card_when_an_order_is_shown_is_not_shown() -> None:
    order = AbnormalRefundOrder(
        refund_no="R1",
        channel_refund_no="50",
        amount_fen=100,
        payee=PayeeKind.CUSTOMER_CARD,
        card_number="6225880137891234",
        holder_name="王敏",
    )
    assert "6225880137891234" not in repr(order)
    assert "王敏" not in repr(order)
