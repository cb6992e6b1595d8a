"""One talk with a channel: what is sent, what is only asked, and what a denial is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from payment_channels.contract import (
    Outcome,
    RefundOrder,
    RefundReference,
    Refused,
    Retry,
    Trade,
    TradeReference,
    TradeState,
    Unknown,
)
from refunds import payouts
from refunds.models import RefundRequest
from refunds.payouts import Claimed, ways_back
from refunds.payouts.adapters import adapter_for
from refunds.payouts.asking import ask
from refunds.states import ExecutionState
from simulators.kit.testing import RunningSimulator
from terminals.correcting import SaleCorrection, correct_sale
from terminals.models import Transaction
from terminals.reporting import SaleLine
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db

TAKEN = Unknown(code="PROCESSING", message="", accepted=True)
NOT_FOUND = Unknown(code="not_found", message="")


class Spoken:
    """A channel that says this, and keeps what it was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes: Sequence[Outcome] = outcomes
        self.heard: list[RefundOrder | RefundReference] = []

    def refund(self, order: RefundOrder) -> Outcome:
        self.heard.append(order)
        return self._outcomes[len(self.heard) - 1]

    def query_refund(self, reference: RefundReference) -> Outcome:
        self.heard.append(reference)
        return self._outcomes[len(self.heard) - 1]


@pytest.fixture
def claimed() -> Claimed:
    make_request(make_sale(make_merchant()), 1_200)
    (one,) = payouts.claim(limit=5, at=timezone.now())
    return one


def test_ask_when_it_was_never_sent_sends_it(claimed: Claimed) -> None:
    channel = Spoken(TAKEN)
    answer = ask(claimed, channel)  # type: ignore[arg-type]
    assert channel.heard == [claimed.order]
    assert (answer.source, answer.outcome, answer.denied) == ("answer", TAKEN, False)


def test_ask_when_the_window_had_closed_before_it_was_sent_asks_nobody(claimed: Claimed) -> None:
    channel = Spoken()
    answer = ask(replace(claimed, too_late=True), channel)  # type: ignore[arg-type]
    assert channel.heard == []
    assert isinstance(answer.outcome, Refused)
    assert answer.outcome.code == "window_closed"


def test_ask_when_it_was_sent_only_asks(claimed: Claimed) -> None:
    channel = Spoken(TAKEN)
    answer = ask(replace(claimed, state=ExecutionState.UNKNOWN), channel)  # type: ignore[arg-type]
    assert channel.heard == [claimed.reference]
    assert answer.source == "query"


@pytest.mark.parametrize("denial_counts", [False, True])
def test_ask_when_the_number_is_denied_sends_the_same_number_again(claimed: Claimed, denial_counts: bool) -> None:
    order = replace(
        claimed,
        state=ExecutionState.UNKNOWN,
        goes_out_again=True,
        denial_counts=denial_counts,
        order=replace(claimed.order, maybe_received=True),
    )
    channel = Spoken(NOT_FOUND, TAKEN)
    answer = ask(order, channel)  # type: ignore[arg-type]
    _, sent = channel.heard
    assert isinstance(sent, RefundOrder)
    assert (sent.refund_no, sent.maybe_received) == (claimed.order.refund_no, not denial_counts)
    assert (answer.source, answer.denied) == ("answer", denial_counts)


def test_ask_when_the_number_is_denied_and_may_not_go_out_again_sends_nothing(claimed: Claimed) -> None:
    channel = Spoken(NOT_FOUND)
    answer = ask(replace(claimed, state=ExecutionState.UNKNOWN, goes_out_again=False), channel)  # type: ignore[arg-type]
    assert len(channel.heard) == 1
    assert (answer.source, answer.outcome) == ("query", NOT_FOUND)


class Knows(Spoken):
    """The same, and it can be asked about the payment."""

    def __init__(self, *outcomes: Outcome, amount_fen: int, state: TradeState = TradeState.PAID) -> None:
        super().__init__(*outcomes)
        self._amount_fen, self._state = amount_fen, state

    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        return Trade(
            payment_no=reference.order_no,
            channel_transaction_no=reference.channel_transaction_no,
            amount_fen=self._amount_fen,
            state=self._state,
        )


#: WeChat Pay's one answer to a number that is known with other details and to a sale of another amount.
OTHER_DETAILS = Unknown(code="INVALID_REQUEST", message="订单金额或退款金额与之前请求不一致", remedy="check_history")
RULES = Refused(code="INVALID_REQUEST", message="no", retry=Retry.NEVER, remedy="check_rules")


def _denied_and_refused(claimed: Claimed, channel: Spoken, *, counts: bool = True) -> Outcome:
    again = replace(claimed, state=ExecutionState.UNKNOWN, goes_out_again=True, denial_counts=counts)
    return ask(again, channel).outcome  # type: ignore[arg-type]


def test_ask_when_the_channel_knows_the_sale_over_another_amount_says_both(claimed: Claimed) -> None:
    outcome = _denied_and_refused(claimed, Knows(NOT_FOUND, OTHER_DETAILS, amount_fen=9_900))

    assert isinstance(outcome, Refused)
    assert (outcome.retry, outcome.remedy) == (Retry.SAME_NUMBER, "sale_amount")
    assert "¥99.00" in outcome.message
    assert "¥100.00" in outcome.message


@pytest.mark.parametrize(("amount_fen", "counts"), [(10_000, True), (0, True), (9_900, False)])
def test_ask_when_the_details_may_be_of_an_earlier_send_they_prove_nothing(
    claimed: Claimed, amount_fen: int, counts: bool
) -> None:
    channel = Knows(NOT_FOUND, OTHER_DETAILS, amount_fen=amount_fen)

    assert _denied_and_refused(claimed, channel, counts=counts) == OTHER_DETAILS


def test_ask_when_the_first_send_is_refused_for_its_details_asks_for_the_number_first(claimed: Claimed) -> None:
    assert ask(claimed, Knows(OTHER_DETAILS, amount_fen=9_900)).outcome == OTHER_DETAILS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount_fen", "state", "remedy"),
    [
        (9_900, TradeState.PAID, "sale_amount"),
        (10_000, TradeState.UNPAID, "sale_unpaid"),
        (0, TradeState.CLOSED, "sale_unpaid"),
        (10_000, TradeState.PAID, "check_rules"),
    ],
)
def test_ask_when_it_is_refused_by_a_rule_the_payment_says_why(
    claimed: Claimed, amount_fen: int, state: TradeState, remedy: str
) -> None:
    outcome = ask(claimed, Knows(RULES, amount_fen=amount_fen, state=state)).outcome  # type: ignore[arg-type]

    assert isinstance(outcome, Refused)
    assert outcome.remedy == remedy


def test_ask_when_some_of_the_sale_is_refunded_never_says_that_it_was_not_paid(claimed: Claimed) -> None:
    channel = Knows(RULES, amount_fen=10_000, state=TradeState.CLOSED)

    outcome = ask(replace(claimed, others_fen=100), channel).outcome  # type: ignore[arg-type]

    assert isinstance(outcome, Refused)
    assert outcome.remedy == "check_rules"


def _play(wechat: RunningSimulator, request: RefundRequest, *, steps: int) -> RefundRequest:
    """Send and ask as the worker does, three minutes apart, so that a denial counts."""
    at = timezone.now()
    for _ in range(steps):
        for one in payouts.claim(limit=5, at=at):
            payouts.settle([ask(one, adapter_for(one.account_id, one.account_revision))], at=at)
        at += timedelta(minutes=3)
        wechat.control("POST", "/settle", {})
    return RefundRequest.objects.get(pk=request.pk)


def _known_to(wechat: RunningSimulator, sale: Transaction, amount_fen: int, **more: object) -> None:
    payment = {
        "order_no": sale.order_no,
        "transaction_no": sale.channel_transaction_no,
        "amount_fen": amount_fen,
        **more,
    }
    wechat.control("POST", "/payments", payment)


def test_sale_reported_over_another_amount_is_named_corrected_and_then_paid_under_the_same_number(
    wechat: RunningSimulator,
) -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 10_000, channel_account=make_account(merchant, wechat.account, timeout_s=2))
    _known_to(wechat, sale, 9_900)
    request = _play(wechat, make_request(sale, 1_200), steps=2)
    failed = request.executions.get()
    assert (request.state, failed.failure_remedy) == ("failed", "sale_amount")
    assert "¥99.00" in failed.failure_message

    finance = of_staff(make_staff(merchant, "finance"))
    told = SaleCorrection(amount_fen=9_900, lines=[SaleLine("SKU-1", "空气炸锅 4L", 1, 9_900, 9_900)])
    correct_sale(transaction_id=sale.pk, correction=told, reason="抹零", by=finance, at=timezone.now())
    ways_back.retry(request_id=request.pk, by=finance, at=timezone.now(), version=request.version)

    request = _play(wechat, request, steps=2)
    assert (request.state, request.executions.get().refund_no) == ("refunded", failed.refund_no)
    assert [row["amount_fen"] for row in wechat.control("GET", "/ledger")["rows"]] == [1_200]


def test_number_that_another_installation_used_is_never_taken_for_a_wrong_sale(wechat: RunningSimulator) -> None:
    """Tried out and real, one merchant number: the query finds the other's refund, and a person compares."""
    merchant = make_merchant()
    sale = make_sale(merchant, 10_000, channel_account=make_account(merchant, wechat.account, timeout_s=2))
    _known_to(wechat, sale, 10_000)
    request = make_request(sale, 1_200)
    taken = {"order_no": sale.order_no, "refund_no": request.executions.get().refund_no, "amount_fen": 700}
    wechat.control("POST", "/refunds", taken)

    request = _play(wechat, request, steps=2)

    payout = request.executions.get()
    assert (request.state, payout.failure_code, payout.failure_remedy) == ("unknown", "mismatch", "compare")
    wechat.control("POST", "/reset", {})
