"""What counts as proof that a payout will not move: refusals after a lost answer, denials, overtaken and unreadable answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from core.personal_data import seal
from merchants.principals import of_staff
from payment_channels.contract import (
    Done,
    NoticeReply,
    Outcome,
    RawNotice,
    RefundNotice,
    RefundOrder,
    RefundReference,
    Refused,
    Retry,
    Unknown,
)
from refunds import payouts
from refunds.models import ChannelNotice, Execution, RefundRequest
from refunds.payouts import adapters, kept_outcomes, notices, ways_back
from refunds.payouts import loop as drain_module
from refunds.payouts.loop import drain
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db

LOST = Unknown(code="timeout", message="no answer")
NOT_FOUND = Unknown(code="not_found", message="no such refund")
THROTTLED = Refused(code="FREQUENCY_LIMITED", message="slow down", retry=Retry.SAME_NUMBER, throttled=True)
SAME_NUMBER = Refused(code="X", message="not now", retry=Retry.SAME_NUMBER)
NEVER = Refused(code="PARAM_ERROR", message="wrong", retry=Retry.NEVER)


class Scripted:
    """A channel that answers from a list, and remembers what it was asked."""

    def __init__(self, refunds: Sequence[Outcome] = (), queries: Sequence[Outcome] = ()) -> None:
        self._refunds, self._queries = iter(refunds), iter(queries)
        self.orders: list[RefundOrder] = []

    def refund(self, order: RefundOrder) -> Outcome:
        self.orders.append(order)
        return next(self._refunds)

    def query_refund(self, reference: RefundReference) -> Outcome:
        return next(self._queries)

    def read_notice(self, notice: RawNotice) -> RefundNotice:
        raise NotImplementedError

    def acknowledge(self) -> NoticeReply:
        raise NotImplementedError

    def decline(self, reason: str) -> NoticeReply:
        raise NotImplementedError


def _round(channel: Scripted, at: datetime) -> payouts.Answer:
    """One claim, call and settlement."""
    (claimed,) = payouts.claim(limit=1, at=at)
    answer = payouts.ask(claimed, channel)
    payouts.settle([answer], at=at)
    return answer


def _states(request: RefundRequest) -> tuple[str, str]:
    (payout,) = request.executions.all()
    return RefundRequest.objects.get(pk=request.pk).state, payout.state


def _done(request: RefundRequest, at: datetime, *, number: str = "5030", raw: str = "{}") -> Done:
    payout = request.executions.latest("created_at")
    return Done(
        refund_no=payout.refund_no, channel_refund_no=number, amount_fen=payout.amount_fen, succeeded_at=at, raw=raw
    )


@pytest.mark.parametrize("refusal", [SAME_NUMBER, NEVER])
def test_refusal_after_a_lost_answer_proves_nothing_while_the_first_send_may_have_arrived(
    request_: RefundRequest, refusal: Refused
) -> None:
    now = timezone.now()
    channel = Scripted(refunds=[LOST, refusal], queries=[NOT_FOUND])
    _round(channel, now)
    _round(channel, now + timedelta(seconds=4))
    assert [order.maybe_received for order in channel.orders] == [False, True]
    assert _states(request_) == ("unknown", "unknown")


def test_refusal_counts_once_a_later_query_has_denied_the_number(request_: RefundRequest) -> None:
    """A worker killed before its call must not leave a payout that is asked about for ever."""
    now = timezone.now()
    payouts.claim(limit=1, at=now)
    channel = Scripted(refunds=[NEVER], queries=[NOT_FOUND])
    _round(channel, now + timedelta(seconds=200))
    assert [order.maybe_received for order in channel.orders] == [False]
    assert _states(request_) == ("failed", "failed")


def test_accepted_refund_whose_query_is_asked_too_often_stays_accepted(request_: RefundRequest) -> None:
    now = timezone.now()
    taken = Unknown(code="05", message="", accepted=True)
    too_often = Unknown(code="37", message="", remedy="slow_down")
    channel = Scripted(refunds=[taken], queries=[too_often, LOST])
    _round(channel, now)
    _round(channel, now + timedelta(hours=1))
    payout = request_.executions.get()
    assert (_states(request_), payout.needs_attention) == (("executing", "processing"), False)
    assert payout.due_at is not None
    _round(channel, payout.due_at)
    assert _states(request_) == ("unknown", "unknown")


def test_held_after_a_lost_answer_still_doubts_refusals(request_: RefundRequest) -> None:
    now = timezone.now()
    channel = Scripted(refunds=[LOST, THROTTLED, NEVER], queries=[NOT_FOUND])
    for seconds in (0, 4, 20):
        _round(channel, now + timedelta(seconds=seconds))
    assert [order.maybe_received for order in channel.orders] == [False, True, True]
    assert _states(request_) == ("unknown", "unknown")


def test_later_to_the_end_after_a_lost_answer_is_a_persons_and_not_failed(request_: RefundRequest) -> None:
    now = timezone.now()
    later = Refused(code="BIZERR_NEED_RETRY", message="later", retry=Retry.LATER)
    channel = Scripted(refunds=[LOST, *[later] * 10], queries=[NOT_FOUND])
    # The query comes within its lag, and each further send when it is due.
    for after in (timedelta(), timedelta(seconds=4), *(timedelta(hours=2 * turn) for turn in range(1, 10))):
        _round(channel, now + after)
    assert (_states(request_), request_.executions.get().sends) == (("unknown", "unknown"), 10)
    assert RefundRequest.objects.get(pk=request_.pk).reserved_fen == 1_200


def test_held_from_the_start_believes_refusals(request_: RefundRequest) -> None:
    now = timezone.now()
    channel = Scripted(refunds=[THROTTLED, NEVER])
    for seconds in (0, 20):
        _round(channel, now + timedelta(seconds=seconds))
    assert _states(request_) == ("failed", "failed")


def test_refusal_of_an_overtaken_call_does_not_free_the_amount(request_: RefundRequest) -> None:
    """A worker that was frozen comes back with a refusal, while another has sent the same number meanwhile."""
    now = timezone.now()
    (frozen,) = payouts.claim(limit=1, at=now)
    late = payouts.ask(frozen, Scripted(refunds=[NEVER]))
    accepted = Unknown(code="PROCESSING", message="", accepted=True)
    _round(Scripted(refunds=[accepted], queries=[NOT_FOUND]), now + timedelta(seconds=30))
    payouts.settle([late], at=now + timedelta(seconds=31))
    assert _states(request_) == ("unknown", "unknown")
    assert RefundRequest.objects.get(pk=request_.pk).reserved_fen == 1_200


def test_nul_in_the_channels_words_is_kept_out(request_: RefundRequest) -> None:
    answer = _round(Scripted(refunds=[Unknown(code="un\0known", message="a\0b", raw="\0")]), timezone.now())
    assert request_.executions.get().failure_message == "ab"
    payouts.settle(
        [
            payouts.Answer(
                answer.execution_id,
                answer.request_id,
                answer.account_id,
                _done(request_, timezone.now(), raw='{"a":"\0"}'),
                "query",
            )
        ],
        at=timezone.now(),
    )
    assert _states(request_) == ("refunded", "succeeded")


class Paying(Scripted):
    """Pays everything at once, under one and the same channel number."""

    def refund(self, order: RefundOrder) -> Outcome:
        return Done(
            refund_no=order.refund_no,
            channel_refund_no="5030",
            amount_fen=order.amount_fen,
            succeeded_at=timezone.now(),
            raw="{}",
        )


@pytest.fixture
def scripted_drain(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The drain loop with a channel that pays every refund under one and the same channel number."""

    channel = Paying()
    monkeypatch.setattr(drain_module, "adapter_for", lambda _account, _revision: channel)
    return channel


@pytest.mark.usefixtures("scripted_drain")
def test_answer_that_cannot_be_stored_stops_only_itself() -> None:
    sale = make_sale(make_merchant())
    requests = [make_request(sale, 100 + index) for index in range(5)]
    drain()
    states = sorted(RefundRequest.objects.get(pk=request.pk).state for request in requests)
    assert states == ["executing"] * 4 + ["refunded"]


@pytest.mark.parametrize("broken", ["no credentials", "a channel nobody knows", "sealed for something else"])
def test_account_that_cannot_be_used_stops_only_its_own_refunds(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    bad, good = make_account(make_merchant()), make_account(make_merchant())
    if broken == "a channel nobody knows":
        bad.channel = "nobody"
    if broken == "sealed for something else":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE merchants_channelaccount SET sealed_credentials = %s WHERE id = %s",
                [seal("{}", purpose="another field"), bad.pk],
            )
    else:
        bad.save()
    real = adapters.adapter_for
    paying = Paying()
    monkeypatch.setattr(
        drain_module, "adapter_for", lambda account, revision: paying if account == good.pk else real(account, revision)
    )
    lost = make_request(make_sale(bad.merchant, channel_account=bad))
    paid = make_request(make_sale(good.merchant, channel_account=good))
    drain()
    assert _states(paid) == ("refunded", "succeeded")
    assert _states(lost) == ("executing", "held")  # nothing was sent: it goes out once the account is put right
    payout = lost.executions.get()
    assert (payout.failure_code, payout.failure_remedy) == ("account_unusable", "check_keys")


def _notice(request: RefundRequest, outcome: Outcome, event: str) -> None:
    payout = request.executions.latest("created_at")
    ChannelNotice.objects.create(
        channel_account_id=payout.channel_account_id,
        event_id=event,
        refund_no=payout.refund_no,
        outcome=kept_outcomes.as_json(outcome),
        received_at=timezone.now(),
    )


def test_notice_that_cannot_be_stored_stops_only_itself() -> None:
    sale = make_sale(make_merchant())
    first, second = make_request(sale, 100), make_request(sale, 101)
    now = timezone.now()
    payouts.claim(limit=10, at=now)
    _notice(first, _done(first, now, number="77"), "e1")
    _notice(second, _done(second, now, number="77"), "e2")
    assert notices.apply_waiting(at=now) == 2
    assert sorted(ChannelNotice.objects.values_list("effect", flat=True)) == ["applied", "not_storable"]
    assert RefundRequest.objects.get(pk=first.pk).state == "refunded"
    assert RefundRequest.objects.get(pk=second.pk).state == "executing"


def test_notice_before_anything_was_sent_waits_for_the_channels_own_answer(request_: RefundRequest) -> None:
    now = timezone.now()
    _notice(request_, _done(request_, now), "e1")
    notices.apply_waiting(at=now)
    assert _states(request_) == ("approved", "ready")


def test_late_success_after_a_retry_was_asked_for_does_not_jam_the_inbox(request_: RefundRequest) -> None:
    now = timezone.now()
    _round(Scripted(refunds=[SAME_NUMBER]), now)
    failed = RefundRequest.objects.get(pk=request_.pk)
    finance = make_staff(failed.merchant, "finance")
    ways_back.retry(request_id=failed.pk, by=of_staff(finance), at=now, version=failed.version)
    _notice(request_, _done(request_, now), "late")
    notices.apply_waiting(at=now)
    assert not ChannelNotice.objects.filter(applied_at=None).exists()
    _round(Scripted(refunds=[_done(request_, now)]), now + timedelta(seconds=1))
    assert _states(request_) == ("refunded", "succeeded")
    assert Execution.objects.count() == 1


def test_what_was_accepted_only_now_is_asked_about_soon_however_often_was_asked_before(request_: RefundRequest) -> None:
    now = timezone.now()
    payouts.claim(limit=1, at=now)
    accepted = Unknown(code="PROCESSING", message="", accepted=True)
    later = now + timedelta(seconds=30)
    _round(Scripted(refunds=[accepted], queries=[NOT_FOUND]), later)
    due_at = request_.executions.get().due_at
    assert due_at is not None
    assert due_at - later == timedelta(seconds=2)  # the account's first_query_s


@pytest.mark.parametrize(("days", "sent"), [(365, True), (367, False)])
def test_what_was_approved_after_the_channels_window_is_not_sent(days: int, sent: bool) -> None:
    """A sale of which the last day passed while somebody thought about it: the channel would only say no."""
    at = timezone.now()
    request = make_request(make_sale(make_merchant()), 1_200)
    channel = Scripted(refunds=[THROTTLED])
    (claimed,) = payouts.claim(limit=1, at=request.transaction.paid_at + timedelta(days=days))

    answer = payouts.ask(claimed, channel)
    payouts.settle([answer], at=at)

    payout = Execution.objects.get()
    assert bool(channel.orders) is sent
    assert (payout.state, payout.failure_code) == (
        ("held", "FREQUENCY_LIMITED") if sent else ("failed", "window_closed")
    )


def test_payouts_behind_an_account_that_is_down_are_a_persons_in_time_without_each_being_probed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = make_merchant()
    account = make_account(merchant)
    now = timezone.now()
    long, just = now - timedelta(minutes=6), now - timedelta(minutes=1)
    for first_sent_at in (long, long, long, just):
        request = make_request(make_sale(merchant, 10_000, channel_account=account), 1_200)
        payout = Execution.objects.filter(request=request)
        payout.update(state="sending", first_sent_at=first_sent_at, due_at=now, sends=1)
        payout.update(state="unknown", failure_remedy="check_their_key")
    down = SimpleNamespace(open_accounts=lambda: [account.pk], due_probes=lambda: [account.pk])
    monkeypatch.setattr(drain_module, "breakers", down)

    assert len(drain_module._claim(Counter(), 50)) == 1

    called = Execution.objects.filter(needs_attention=True).values_list("first_sent_at", "failure_remedy")
    assert list(called) == [(long, "check_their_key")] * 3
