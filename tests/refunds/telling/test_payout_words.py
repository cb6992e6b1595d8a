"""The sentence for each stand of a payout, held against what the channel answered: each script is what it really said."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from django.utils import timezone, translation

from payment_channels.contract import Done, Outcome, PaidTo, Refused, Retry, SecondLeg, Unknown
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.telling import payout_words
from refunds.telling.payout_words import story, to_staff
from refunds.telling.stand_words import TABLE
from refunds.telling.stands import Stand, stand
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.payouts.playing import play
from tests.refunds.payouts.test_doubt import NOT_FOUND, Scripted

pytestmark = pytest.mark.django_db

ACCEPTED = Unknown(code="PROCESSING", message="", accepted=True)
CLOSED_CARD = Unknown(code="ABNORMAL", message="账户已销户", accepted=True, attention=True, remedy="payee_account")
LOST = Unknown(code="server_error", message="HTTP 500")
MINUTES, DAYS = timedelta(minutes=1), timedelta(days=1)


class Same(Scripted):
    """Says the same every time it is sent a refund, and the same every time it is asked."""

    def __init__(self, refund: Outcome, query: Outcome) -> None:
        super().__init__(refunds=cycle([refund]), queries=cycle([query]))  # type: ignore[arg-type]


def _refused(retry: Retry, *, code: str = "X", remedy: str = "") -> Refused:
    return Refused(code=code, message="渠道的话", retry=retry, remedy=remedy)


@pytest.fixture
def request_() -> RefundRequest:
    return make_request(make_sale(make_merchant(), funding="balance"), 1_200)


def _done(request: RefundRequest, at: datetime, **more: Any) -> Done:
    payout = request.executions.get()
    facts = {"refund_no": payout.refund_no, "channel_refund_no": "5030", "amount_fen": 1_200, "raw": "{}"}
    return Done(**{**facts, "succeeded_at": at, **more})


def _play(refund: Outcome, query: Outcome, *, until: timedelta = timedelta()) -> datetime:
    """The channel answers so until then; the second after the last."""
    return play(Same(refund, query), start=timezone.now(), until=until) + timedelta(seconds=1)


def _payout(request: RefundRequest) -> Execution:
    return request.executions.order_by("-created_at", "-pk")[0]


def _fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.select_related("transaction__channel_account").get(pk=request.pk)


def _staff(request: RefundRequest, now: datetime) -> str:
    payout = _payout(request)
    return to_staff(payout, waited=payout_words.waits(_fresh(request), now=now, payout=payout))


def _answered(request: RefundRequest, case: str) -> datetime:
    """Bring the payout to where a channel that answers like this leaves it."""
    scripts: dict[str, tuple[Outcome, Outcome, timedelta]] = {
        "accepted": (ACCEPTED, ACCEPTED, timedelta()),
        "stuck": (CLOSED_CARD, CLOSED_CARD, timedelta()),
        "asked": (LOST, LOST, timedelta()),
        "silent": (LOST, LOST, 10 * MINUTES),
        "not_taken": (LOST, NOT_FOUND, 10 * MINUTES),
        "short": (_refused(Retry.AFTER_TOP_UP, remedy="top_up"), NOT_FOUND, timedelta()),
        "barred": (_refused(Retry.AFTER_MENDING, remedy="check_keys"), NOT_FOUND, timedelta()),
        "postponed": (_refused(Retry.LATER, remedy="later"), NOT_FOUND, timedelta()),
        "refused": (_refused(Retry.NEVER, remedy="other_route"), NOT_FOUND, timedelta()),
        "mendable": (_refused(Retry.SAME_NUMBER, remedy="check_request"), NOT_FOUND, timedelta()),
        "spent": (_refused(Retry.NEW_NUMBER, remedy="new_number"), NOT_FOUND, timedelta()),
        "elsewhere": (_refused(Retry.NEVER, remedy="refunded_already"), NOT_FOUND, timedelta()),
        "never_paid": (_refused(Retry.NEVER, remedy="sale_unpaid"), NOT_FOUND, timedelta()),
    }
    if case in scripts:
        return _play(*scripts[case][:2], until=scripts[case][2])
    if case == "differs":
        return _play(_done(request, timezone.now(), amount_fen=1_100), ACCEPTED)
    paid: dict[str, dict[str, Any]] = {
        "paid": {},
        "to_bank": {"second_leg": SecondLeg.PENDING},
        "in_balance": {"second_leg": SecondLeg.FAILED, "paid_to": PaidTo.BALANCE},
        "with_store": {"paid_to": PaidTo.MERCHANT},
    }
    return _play(_done(request, timezone.now(), **paid[case]), ACCEPTED)


CASES = [
    "accepted", "stuck", "asked", "silent", "not_taken", "short", "barred", "postponed", "refused", "mendable", "spent",
    "elsewhere", "never_paid", "differs", "paid", "to_bank", "in_balance", "with_store",
]  # fmt: skip

#: What each of the three may never say where the channel answered so.
NEVER_STAFF = {
    "asked": ["sent again", "goes out", "nothing was paid", "Nothing is paid"],
    "silent": ["sent again", "goes out", "nothing was paid", "Nothing is paid"],
    "not_taken": ["sent again", "goes out", "asked again"],
    "accepted": ["sent again", "goes out", "nothing was paid"],
    "stuck": ["nothing was paid", "with the store", "goes out"],
    "refused": ["sent again", "by itself"],
    "mendable": ["by itself"],
    "spent": ["by itself", "same number"],
    "elsewhere": ["by itself", "sent again"],
    "never_paid": ["by itself", "sent again", "portal", "refunded already"],
}
NOT_WITH_THE_STORE = {
    "accepted", "stuck", "asked", "silent", "not_taken", "differs", "elsewhere", "never_paid", "paid", "to_bank", "in_balance",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_sentence_when_the_channel_answers_so_is_of_that_stand_and_says_nothing_else(
    request_: RefundRequest, case: str
) -> None:
    now = _answered(request_, case)

    assert stand(_payout(request_)) == case
    with translation.override("en"):
        staff, told = _staff(request_, now), story(_fresh(request_), now=now)
        assert str(TABLE[Stand(case)].staff) in staff
        customer = f"{told.sentence} {told.note} {told.headline} {told.failure.sentence}"
        for word in NEVER_STAFF.get(case, []):
            assert word not in f"{staff} {payout_words.advice(_payout(request_))}"
        if case in NOT_WITH_THE_STORE:
            assert "has not left the store" not in customer
            assert "Nothing is paid" not in staff
        for ours in ("server_error", "not_found", "mismatch", "balance is", "key"):
            assert ours not in f"{told.sentence} {told.note} {told.headline}"
        assert "server_error" not in payout_words.reason_of(_payout(request_))


@pytest.mark.parametrize("case", ["accepted", "asked", "short", "barred", "postponed"])
def test_sentence_when_it_takes_days_names_a_new_day_and_no_minutes(request_: RefundRequest, case: str) -> None:
    now = _answered(request_, case) + 3 * DAYS
    told = story(_fresh(request_), now=now)

    assert told.overdue
    assert told.waited is not None
    assert told.waited.expected_at > now
    with translation.override("en"):
        late = story(_fresh(request_), now=now)
        assert late.headline == "Your refund is delayed"
        assert "longer than we said" in late.sentence
        assert payout_words.day_of(told.waited.expected_at) in late.sentence
        assert "minutes" not in late.sentence
        assert "minutes" not in _staff(request_, now)
        assert payout_words.day_of(told.waited.expected_at) in _staff(request_, now)


def test_sentence_when_the_channel_has_had_it_for_twelve_days_calls_its_support(request_: RefundRequest) -> None:
    now = _answered(request_, "accepted") + 12 * DAYS
    with translation.override("en"):
        assert "12 days ago: call the channel's support" in _staff(request_, now)


def test_sentence_when_the_bank_has_not_confirmed_in_time_says_so_and_a_new_day(request_: RefundRequest) -> None:
    now = _answered(request_, "to_bank") + 6 * DAYS
    with translation.override("en"):
        told = story(_fresh(request_), now=now)
        assert "your bank has not confirmed it yet" in told.sentence
    assert told.overdue


def test_sentence_when_a_success_comes_after_the_end_says_that_the_channel_contradicts_itself(
    request_: RefundRequest,
) -> None:
    now = _answered(request_, "spent")
    payout = _payout(request_)
    late = payouts.Answer(payout.pk, request_.pk, payout.channel_account_id, _done(request_, now), "notice", turn=None)
    payouts.settle([late], at=now)

    with translation.override("en"):
        told = story(_fresh(request_), now=now)
        assert told.stand is Stand.CONTRADICTED
        assert "two different things" in told.failure.sentence
        assert "has not left the store" not in f"{told.failure.sentence} {told.note}"
        assert "before more money leaves" in _staff(request_, now)


def test_sentence_when_a_refused_one_goes_out_again_forgets_the_refusal(request_: RefundRequest) -> None:
    now = _answered(request_, "mendable")
    Execution.objects.filter(request=request_).update(state="ready", due_at=now, ended_at=None)

    payout = _payout(request_)
    assert stand(payout) is Stand.WAITS_AGAIN
    assert payout_words.advice(payout) == ""


@pytest.mark.parametrize("remedy", ["", "later", "slow_down", "top_up", "check_keys", "unlisted_code", "check_request"])
@pytest.mark.parametrize("state", ["ready", "sending", "processing", "unknown", "failed", "succeeded"])
def test_advice_promises_nothing_by_itself_where_nothing_goes_out(
    request_: RefundRequest, state: str, remedy: str
) -> None:
    payout = _payout(request_)
    payout.state, payout.failure_code, payout.failure_remedy, payout.failure_retry = state, "X", remedy, "never"
    with translation.override("en"):
        assert "by itself" not in payout_words.advice(payout)
        assert "asked again" not in payout_words.advice(payout)
