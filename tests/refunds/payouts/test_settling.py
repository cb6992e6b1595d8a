"""No way out of unknown is missing: what the channel denies and does not take leads to a person, and never to a second payout."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat

import pytest
from django.utils import timezone

from payment_channels.contract import Done, Outcome, Refused, Retry, Unknown
from refunds import payouts
from refunds.models import RefundRequest
from refunds.payouts.claiming import SENT_AGAIN_AT_MOST
from tests.refunds.payouts.playing import play
from tests.refunds.payouts.test_doubt import NOT_FOUND, Scripted

pytestmark = pytest.mark.django_db

UNLISTED = Unknown(code="NEVER_DOCUMENTED", message="尚未公布的原因", remedy="unlisted_code")
UNSIGNED = Unknown(code="bad_signature", message="unsigned; HTTP 403: 403 Forbidden", remedy="check_their_key")
HTML = Unknown(code="unreadable", message="HTTP 200: 502 Bad Gateway (nginx)")
LOST = Unknown(code="timeout", message="no answer")
TEN_MINUTES = timedelta(minutes=10)


class Same(Scripted):
    """A channel that says the same thing every time."""

    def __init__(self, *, refund: Outcome, query: Outcome = NOT_FOUND) -> None:
        super().__init__(refunds=repeat(refund), queries=repeat(query))  # type: ignore[arg-type]


def _ask(channel: Scripted, at: datetime) -> None:
    (claimed,) = payouts.claim(limit=1, at=at)
    payouts.settle([payouts.ask(claimed, channel)], at=at)


def _play(channel: Scripted, *, until: timedelta, start: datetime | None = None) -> datetime:
    return play(channel, start=start or timezone.now(), until=until)


@pytest.mark.parametrize("said", [UNLISTED, UNSIGNED, HTML, LOST], ids=lambda said: said.code)
def test_settle_when_channel_denies_and_never_takes_it_calls_a_person_within_ten_minutes(
    request_: RefundRequest, said: Unknown
) -> None:
    channel = Same(refund=said)

    _play(channel, until=TEN_MINUTES)

    payout = request_.executions.get()
    assert (RefundRequest.objects.get(pk=request_.pk).state, payout.state) == ("unknown", "unknown")
    assert payout.needs_attention
    assert (payout.failure_code, payout.failure_message) == (said.code, said.message)
    assert payout.failure_remedy == "person_decides"
    assert payout.denials == SENT_AGAIN_AT_MOST
    assert {order.refund_no for order in channel.orders} == {payout.refund_no}


def test_settle_when_a_person_was_called_sends_nothing_more_and_still_asks(request_: RefundRequest) -> None:
    channel = Same(refund=UNLISTED)
    last = _play(channel, until=TEN_MINUTES)
    sent, asked = len(channel.orders), request_.executions.get().queries

    _play(channel, start=last, until=timedelta(hours=3))

    assert len(channel.orders) == sent
    assert request_.executions.get().queries > asked


@pytest.mark.parametrize("said", [UNSIGNED, HTML, LOST], ids=lambda said: said.code)
def test_settle_when_no_answer_can_be_believed_calls_a_person_and_sends_once(
    request_: RefundRequest, said: Unknown
) -> None:
    """A proxy that strips every signature: the query does not deny anything, so that nothing goes out again."""
    channel = Same(refund=said, query=said)

    _play(channel, until=TEN_MINUTES)

    payout = request_.executions.get()
    assert (payout.state, payout.needs_attention, payout.denials) == ("unknown", True, 0)
    assert payout.failure_code == said.code
    assert len(channel.orders) == 1


def test_settle_when_it_is_found_after_a_person_was_called_is_paid_once(request_: RefundRequest) -> None:
    channel = Same(refund=UNLISTED)
    last = _play(channel, until=TEN_MINUTES)
    payout = request_.executions.get()
    found = Done(refund_no=payout.refund_no, channel_refund_no="5030", amount_fen=1_200, succeeded_at=last, raw="{}")

    _play(Same(refund=UNLISTED, query=found), start=last, until=timedelta(hours=2))

    payout.refresh_from_db()
    assert (payout.state, payout.needs_attention, payout.denials) == ("succeeded", False, 0)


def test_settle_when_denied_but_then_accepted_forgets_the_denials(request_: RefundRequest) -> None:
    last = _play(Same(refund=UNLISTED), until=timedelta(minutes=4, seconds=30))
    assert request_.executions.get().denials > 0

    _play(Same(refund=Unknown(code="PROCESSING", message="", accepted=True)), start=last, until=timedelta(minutes=3))

    payout = request_.executions.get()
    assert (payout.state, payout.denials, payout.needs_attention) == ("processing", 0, False)


def test_settle_when_channel_is_closed_for_now_goes_out_again_but_not_without_end(request_: RefundRequest) -> None:
    closed = Refused(code="02", message="系统未开放或暂时关闭", retry=Retry.LATER, remedy="later")
    channel = Same(refund=closed)
    last = _play(channel, until=TEN_MINUTES)
    assert request_.executions.get().state == "held"
    again = len(channel.orders)
    assert again > 1

    for hours in range(1, 12):
        _play(channel, start=last + timedelta(hours=hours), until=timedelta(seconds=1))

    payout = request_.executions.get()
    assert (payout.state, payout.failure_code, payout.failure_retry) == ("failed", "02", "later")
    assert RefundRequest.objects.get(pk=request_.pk).reserved_fen == 0


ACCEPTED = Unknown(code="PROCESSING", message="", accepted=True)
SHORT = Refused(code="NOT_ENOUGH", message="balance short", retry=Retry.AFTER_TOP_UP, remedy="top_up")


@pytest.mark.parametrize("said", [UNSIGNED, HTML, LOST], ids=lambda said: said.code)
@pytest.mark.parametrize("last_word", [ACCEPTED, SHORT], ids=["accepted", "balance short"])
def test_settle_when_one_question_fails_hours_after_the_channels_last_word_calls_nobody(
    request_: RefundRequest, last_word: Unknown | Refused, said: Unknown
) -> None:
    sent = timezone.now()
    _ask(Same(refund=last_word), sent)
    last = sent + timedelta(hours=3)

    _ask(Same(refund=said, query=said), last)

    payout = request_.executions.get()
    assert (payout.state, payout.needs_attention, payout.unheard_since) == ("unknown", False, last)

    _ask(Same(refund=said, query=said), last + timedelta(minutes=4))
    assert not request_.executions.get().needs_attention
    _ask(Same(refund=said, query=said), last + timedelta(minutes=8))
    assert request_.executions.get().needs_attention

    _ask(Same(refund=ACCEPTED, query=ACCEPTED), last + timedelta(minutes=20))
    payout.refresh_from_db()
    assert (payout.state, payout.needs_attention, payout.unheard_since) == ("processing", False, None)


SPENT = Refused(code="64", message="可用余额不足", retry=Retry.NEW_NUMBER, then=Retry.AFTER_TOP_UP, remedy="top_up")
DUPLICATE = Unknown(code="12", message="重复交易")


def test_settle_when_a_number_is_spent_for_want_of_money_goes_on_by_itself_under_a_new_one(
    request_: RefundRequest,
) -> None:
    """Refused, sent again, a duplicate: only the query's word that nothing moved leads to a new number."""
    sent = timezone.now()
    _ask(Same(refund=replace(SPENT, retry=Retry.AFTER_TOP_UP, then=None)), sent)
    first = request_.executions.get()
    _ask(Same(refund=DUPLICATE), sent + timedelta(minutes=1))
    assert request_.executions.get().refund_no == first.refund_no
    assert RefundRequest.objects.get(pk=request_.pk).state == "unknown"

    _ask(Same(refund=DUPLICATE, query=SPENT), sent + timedelta(minutes=2))

    first.refresh_from_db()
    new = request_.executions.exclude(pk=first.pk).get()
    assert (first.state, first.failure_retry, first.failure_code) == ("failed", "new_number", "64")
    assert (new.state, new.failure_retry, new.failure_code, new.attempt_no) == ("held", "after_top_up", "64", 2)
    assert new.refund_no != first.refund_no
    request = RefundRequest.objects.get(pk=request_.pk)
    assert (request.state, request.reserved_fen) == ("executing", 1_200)

    later = sent + timedelta(minutes=10)
    paid = Done(refund_no=new.refund_no, channel_refund_no="5030", amount_fen=1_200, succeeded_at=later, raw="{}")
    _ask(Same(refund=paid), later)
    assert RefundRequest.objects.get(pk=request_.pk).state == "refunded"


def test_settle_when_every_number_is_spent_ends_with_a_person(request_: RefundRequest) -> None:
    at = timezone.now()
    for _ in range(8):
        _ask(Same(refund=SPENT), at)
        at += timedelta(hours=3)

    assert request_.executions.count() == 8
    assert RefundRequest.objects.get(pk=request_.pk).state == "failed"
    last = request_.executions.latest("attempt_no")
    assert (last.state, last.failure_retry, last.failure_remedy) == ("failed", "new_number", "top_up")


def test_settle_when_a_duplicate_is_denied_by_the_query_gets_no_new_number(request_: RefundRequest) -> None:
    _play(Same(refund=DUPLICATE, query=NOT_FOUND), until=TEN_MINUTES)

    payout = request_.executions.get()
    assert (payout.state, payout.needs_attention, payout.failure_remedy) == ("unknown", True, "person_decides")
