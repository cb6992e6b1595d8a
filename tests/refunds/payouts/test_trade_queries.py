"""Asking a channel what became of a payment, through the account that took it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import NotFound
from payment_channels.contract import Trade, TradeReference, TradeState, Unknown
from refunds import payouts
from refunds.payouts import trade_queries
from refunds.payouts.trade_queries import NobodyToAsk, PaymentAnswer, ask_about_payment, ask_trade
from simulators.kit.testing import RunningSimulator
from terminals.models import PaymentWord, Transaction
from tests.factories import make_account, make_merchant, make_sale, submit, till
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


# --- asked at will ---


def _paid_with(sale: Transaction, wechat: RunningSimulator, amount_fen: int = 10_000, **seed: object) -> None:
    payment = {"order_no": sale.order_no, "transaction_no": sale.channel_transaction_no, "amount_fen": amount_fen}
    wechat.control("POST", "/payments", {**payment, **seed})


def _ask(sale: Transaction) -> PaymentAnswer:
    return ask_about_payment(transaction_id=sale.pk, by=till(sale.merchant), at=timezone.now())


@pytest.mark.parametrize(
    ("seed", "word", "status"),
    [
        ({}, "paid", "success"),
        ({"status": "WAIT_BUYER_PAY"}, "unpaid", "pending"),
        ({"status": "USERPAYING"}, "unpaid", "pending"),
        ({"status": "CLOSED"}, "closed", "declined"),
        ({"status": "REVOKED"}, "reversed", "pending"),
        ({"amount_fen": 9_900}, "amount_differs", "pending"),
    ],
)
def test_ask_about_payment_keeps_the_word_and_audits_who_asked(
    sale: Transaction, wechat: RunningSimulator, seed: dict[str, Any], word: str, status: str
) -> None:
    Transaction.objects.update(status="pending")
    _paid_with(sale, wechat, **seed)

    answer = _ask(sale)

    stored = Transaction.objects.get(pk=sale.pk)
    assert (answer.word, stored.payment_word, stored.status) == (word, word, status)
    event = AuditEvent.objects.get(action="transaction.ask_channel")
    assert (event.actor_kind, event.object_id, event.data["word"]) == ("api_key", str(sale.pk), word)


def test_ask_about_payment_when_it_is_unknown_there_says_so(sale: Transaction, wechat: RunningSimulator) -> None:
    Transaction.objects.update(order_no="NOBODY", channel_transaction_no="4200999999999999999999999999")

    assert _ask(sale).word is PaymentWord.NOT_KNOWN


def test_ask_about_payment_when_there_is_no_answer_keeps_the_last_word(
    sale: Transaction, wechat: RunningSimulator
) -> None:
    _paid_with(sale, wechat)
    _ask(sale)
    Transaction.objects.update(asked_at=None)
    wechat.control("POST", "/faults", {"operation": "query", "fault": "no_signature", "times": 1})

    answer = _ask(sale)

    stored = Transaction.objects.get(pk=sale.pk)
    assert (answer.word, stored.payment_word) == (PaymentWord.NO_ANSWER, "paid")
    assert stored.asked_at is not None
    assert stored.payment_word_at is not None
    assert stored.asked_at > stored.payment_word_at


def test_ask_about_payment_when_refunded_by_us_is_paid_and_by_the_portal_is_refunded(
    sale: Transaction, wechat: RunningSimulator
) -> None:
    _paid_with(sale, wechat)
    wechat.control("POST", "/refunds", {"order_no": sale.order_no, "refund_no": "PORTAL2", "amount_fen": 10_000})
    submit(sale, 1_200)
    portal = _ask(sale)
    # Sent, and no answer yet: what is gone there may be ours.
    payouts.claim(limit=1, at=timezone.now())
    Transaction.objects.update(asked_at=None)
    ours = _ask(sale)
    wechat.control("POST", "/reset", {})  # of what the portal paid our books rightly know nothing

    assert (portal.word, ours.word) == (PaymentWord.REFUNDED, PaymentWord.PAID)


def test_ask_about_payment_of_another_merchant_or_store_or_of_cash_is_refused(sale: Transaction) -> None:
    elsewhere = replace(till(sale.merchant), stores=frozenset({-1}))
    for by in (till(make_merchant()), elsewhere):
        with pytest.raises(NotFound):
            ask_about_payment(transaction_id=sale.pk, by=by, at=timezone.now())
    Transaction.objects.update(channel_account=None, channel="cash")
    with pytest.raises(NobodyToAsk):
        _ask(sale)

    assert Transaction.objects.get(pk=sale.pk).asked_at is None
    assert not AuditEvent.objects.filter(action="transaction.ask_channel").exists()
