"""Asking a channel what became of a payment, through the account that took it."""

from __future__ import annotations

import pytest

from payment_channels.contract import Trade, TradeReference, TradeState, Unknown
from refunds.payouts import trade_queries
from refunds.payouts.trade_queries import ask_trade
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_sale
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(wechat: RunningSimulator) -> Transaction:
    merchant = make_merchant()
    sale = make_sale(merchant, 10_000, channel_account=make_account(merchant, wechat.account))
    payment = {"order_no": sale.order_no, "transaction_no": sale.channel_transaction_no, "amount_fen": 9_900}
    wechat.control("POST", "/payments", payment)
    return sale


def test_ask_trade_says_what_the_channel_knows(sale: Transaction) -> None:
    trade = ask_trade(transaction_id=sale.pk)

    assert isinstance(trade, Trade)
    assert (trade.amount_fen, trade.state, trade.payment_no) == (9_900, TradeState.PAID, sale.order_no)


def test_ask_trade_when_refunded_in_the_portal_says_refunded(sale: Transaction, wechat: RunningSimulator) -> None:
    refund = {"order_no": sale.order_no, "refund_no": "PORTAL1", "amount_fen": 9_900}
    wechat.control("POST", "/refunds", refund)

    trade = ask_trade(transaction_id=sale.pk)
    wechat.control("POST", "/reset", {})  # of what the portal paid our books rightly know nothing

    assert isinstance(trade, Trade)
    assert (trade.state, trade.refunded_fen) == (TradeState.REFUNDED, None)


class _Asked(Scripted):
    def query_trade(self, reference: TradeReference) -> Unknown:
        return Unknown(code="asked", message=f"{reference.payment_no} {reference.order_no}")


def test_ask_trade_hands_on_the_number_of_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = make_sale(make_merchant())
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: _Asked())

    said = ask_trade(transaction_id=sale.pk, payment_no="DB-77-02")

    assert isinstance(said, Unknown)
    assert said.message == f"DB-77-02 {sale.order_no}"


def test_ask_trade_when_channel_cannot_be_asked_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = make_sale(make_merchant())
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: Scripted())

    said = ask_trade(transaction_id=sale.pk)

    assert isinstance(said, Unknown)
    assert said.code == "no_trade_queries"


def test_ask_trade_when_the_account_cannot_be_used_says_so() -> None:
    merchant = make_merchant()
    account = make_account(merchant)
    account.set_credentials({})
    account.save()

    said = ask_trade(transaction_id=make_sale(merchant, channel_account=account).pk)

    assert isinstance(said, Unknown)
    assert said.code == "account_unusable"
