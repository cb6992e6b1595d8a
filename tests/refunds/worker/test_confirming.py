"""Large refunds of sales that were only reported: the channel is asked first, and what it says decides who goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.principals import of_staff
from payment_channels.contract import Trade, TradeReference, TradeState, Unknown
from refunds.models import Execution, RefundRequest
from refunds.payouts import contradictions, trade_queries, ways_back
from refunds.review import deciding
from refunds.rules import payment
from refunds.worker import confirming
from refunds.worker.confirming import GIVE_UP_AFTER, LEASE
from terminals.models import Transaction
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff, submit
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db

_CONFIRM = {**RULES, "confirm_payment_above_fen": 10_000}


class Channel(Scripted):
    """Says the same of every payment; ``None``: nothing."""

    def __init__(self, state: TradeState | None, *, amount_fen: int = 50_000, refunded_fen: int | None = 0) -> None:
        super().__init__()
        self.state, self.amount_fen, self.refunded_fen, self.asked = state, amount_fen, refunded_fen, 0

    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        self.asked += 1
        if self.state is None:
            return Unknown(code="timeout", message="no answer")
        return Trade(
            payment_no=reference.order_no,
            channel_transaction_no=reference.channel_transaction_no,
            amount_fen=self.amount_fen,
            state=self.state,
            refunded_fen=self.refunded_fen,
        )


@pytest.fixture
def sale() -> Transaction:
    return make_sale(make_merchant(rules=_CONFIRM), 50_000)


def _channel(monkeypatch: pytest.MonkeyPatch, channel: Channel) -> Channel:
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: channel)
    return channel


def _fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def _line(request: RefundRequest) -> Any:
    return next((rule for rule in request.verdict["rules"] if rule["code"] == payment.RULE), None)


def test_submit_when_above_the_limit_waits_and_one_below_does_not(sale: Transaction) -> None:
    large, other = submit(sale, 12_000), make_sale(sale.merchant, 50_000)
    small = submit(other, 9_000)

    assert (large.state, large.step_due_at is not None) == ("verifying", True)
    assert not large.executions.exists()
    assert (small.state, _line(small)) == ("approved", None)


def test_work_when_paid_goes_on_as_the_policy_decides(sale: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    request = submit(sale, 12_000)
    reviewed = submit(make_sale(sale.merchant, 50_000), 26_800)
    channel = _channel(monkeypatch, Channel(TradeState.PAID))
    confirming.work()

    request, reviewed = _fresh(request), _fresh(reviewed)
    assert (request.state, request.by_rule, _line(request)["passed"]) == ("approved", True, True)
    assert (reviewed.state, _line(reviewed)["passed"]) == ("in_review", True)
    (execution,) = request.executions.all()
    assert (execution.amount_fen, execution.state, execution.attempt_no) == (12_000, "ready", 1)
    assert Transaction.objects.get(pk=sale.pk).held_at is None
    # What was confirmed once is not asked about again.
    assert channel.asked == 2
    assert submit(sale, 1_000).state == "approved"


@pytest.mark.parametrize(
    ("channel", "word"),
    [
        (Channel(TradeState.UNPAID), "unpaid"),
        (Channel(TradeState.CLOSED), "closed"),
        (Channel(TradeState.REVERSED), "reversed"),
        (Channel(TradeState.REFUNDED, refunded_fen=50_000), "refunded"),
        (Channel(TradeState.REFUNDED, refunded_fen=None), "refunded"),
        (Channel(TradeState.PARTLY_REFUNDED, refunded_fen=100), "partly_refunded"),
        (Channel(TradeState.PAID, amount_fen=5_000), "amount_differs"),
    ],
)
def test_work_when_the_channel_says_otherwise_leaves_it_to_a_person_and_holds_the_sale(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch, channel: Channel, word: str
) -> None:
    request = submit(sale, 12_000)
    _channel(monkeypatch, channel)
    confirming.work()

    request = _fresh(request)
    assert (request.state, request.step_due_at) == ("in_review", None)
    assert (_line(request)["passed"], _line(request)["actual"]) == (False, word)
    assert Transaction.objects.get(pk=sale.pk).held_at is not None
    assert AuditEvent.objects.get(action="transaction.hold").data == {"word": word, "number": request.number}
    assert not Execution.objects.filter(request=request).exists()
    # Finance lets go of it, and a person may decide.
    finance = of_staff(make_staff(sale.merchant, "finance"))
    contradictions.end_hold(
        transaction_id=sale.pk, finding="cleared", note="已与渠道核实", by=finance, at=timezone.now()
    )
    owner = of_staff(make_staff(sale.merchant, "owner"))
    deciding.approve(request_id=request.pk, by=owner, at=timezone.now(), version=request.version)
    assert _fresh(request).state == "approved"


def test_work_when_no_answer_asks_again_later_and_then_leaves_it_to_a_person(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = submit(sale, 12_000)
    channel = _channel(monkeypatch, Channel(None))
    confirming.work()

    waiting = _fresh(request)
    assert (waiting.state, channel.asked) == ("verifying", 1)
    assert waiting.step_due_at is not None
    assert waiting.step_due_at > timezone.now()
    assert Transaction.objects.get(pk=sale.pk).payment_word == ""
    RefundRequest.objects.filter(pk=request.pk).update(
        updated_at=timezone.now() - GIVE_UP_AFTER, step_due_at=timezone.now()
    )
    Transaction.objects.update(asked_at=None)
    confirming.work()

    given_up = _fresh(request)
    assert (given_up.state, _line(given_up)["actual"]) == ("in_review", "no_answer")
    assert Transaction.objects.get(pk=sale.pk).held_at is None


def test_work_when_its_worker_was_killed_finds_it_again_after_the_lease(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = submit(sale, 12_000)
    taken = confirming._take(timezone.now())
    _channel(monkeypatch, Channel(TradeState.PAID))
    confirming.work()
    assert (taken is not None and taken.pk, _fresh(request).state) == (request.pk, "verifying")

    RefundRequest.objects.filter(pk=request.pk).update(step_due_at=timezone.now() + LEASE - timedelta(minutes=2))
    confirming.work()

    assert _fresh(request).state == "approved"


def test_cancel_while_the_channel_is_asked_lets_go_of_the_amount(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = submit(sale, 12_000)
    owner = of_staff(make_staff(sale.merchant, "owner"))
    ways_back.cancel(request_id=request.pk, by=owner, at=timezone.now())
    _channel(monkeypatch, Channel(TradeState.PAID))
    confirming.work()

    assert (_fresh(request).state, Transaction.objects.get(pk=sale.pk).reserved_fen) == ("cancelled", 0)


def test_work_when_nobody_can_be_asked_leaves_it_to_a_person_at_once(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = submit(sale, 12_000)
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: Scripted())
    confirming.work()

    assert (_fresh(request).state, _line(_fresh(request))["actual"]) == ("in_review", "no_answer")


def test_limits_of_what_is_approved_by_rule_count_what_was_verified(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [submit(sale, 12_000), submit(sale, 12_000)]
    _channel(monkeypatch, Channel(TradeState.PAID))
    confirming.work()

    states = sorted(_fresh(request).state for request in requests)
    # 240.00 of one order is above the 200.00 that need no person.
    assert states == ["in_review", "in_review"]
    assert make_request(make_sale(sale.merchant, 50_000), 1_000).state == "approved"
