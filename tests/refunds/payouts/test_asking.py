"""One talk with a channel: what is sent, what is only asked, and what a denial is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from django.utils import timezone

from payment_channels.contract import Outcome, RefundOrder, RefundReference, Refused, Unknown
from refunds import payouts
from refunds.payouts import Claimed
from refunds.payouts.asking import ask
from refunds.states import ExecutionState
from tests.factories import make_merchant, make_request, make_sale

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
    doubted = replace(
        claimed,
        state=ExecutionState.UNKNOWN,
        goes_out_again=True,
        denial_counts=denial_counts,
        order=replace(claimed.order, maybe_received=True),
    )
    channel = Spoken(NOT_FOUND, TAKEN)
    answer = ask(doubted, channel)  # type: ignore[arg-type]
    _, sent = channel.heard
    assert isinstance(sent, RefundOrder)
    assert (sent.refund_no, sent.maybe_received) == (claimed.order.refund_no, not denial_counts)
    assert (answer.source, answer.denied) == ("answer", denial_counts)


def test_ask_when_the_number_is_denied_and_may_not_go_out_again_sends_nothing(claimed: Claimed) -> None:
    channel = Spoken(NOT_FOUND)
    answer = ask(replace(claimed, state=ExecutionState.UNKNOWN, goes_out_again=False), channel)  # type: ignore[arg-type]
    assert len(channel.heard) == 1
    assert (answer.source, answer.outcome) == ("query", NOT_FOUND)
