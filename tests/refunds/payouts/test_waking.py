"""What waits for its channel account, and what sets it going again: a top-up, mended keys, a channel that answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from merchants.models import ChannelAccount
from payment_channels.contract import Outcome, Refused, Retry, Unknown
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer, Claimed
from tests.factories import make_account, make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db

SHORT = Refused(code="NOT_ENOUGH", message="", retry=Retry.AFTER_TOP_UP)
WRONG_KEY = Refused(code="SIGN_ERROR", message="", retry=Retry.AFTER_MENDING, remedy="check_keys")
THROTTLED = Refused(code="FREQUENCY_LIMITED", message="", retry=Retry.SAME_NUMBER, throttled=True)
TAKEN = Unknown(code="PROCESSING", message="", accepted=True)
SILENT = Unknown(code="timeout", message="")


def _settle(claimed: Claimed, outcome: Outcome, at: datetime, source: str = "answer") -> Execution:
    payouts.settle(
        [Answer(claimed.execution_id, claimed.request_id, claimed.account_id, outcome, source, turn=claimed.turn)],
        at=at,
    )
    return Execution.objects.get(pk=claimed.execution_id)


def _of_one_account(count: int, **profile: Any) -> list[RefundRequest]:
    merchant = make_merchant()
    account = make_account(merchant, **profile)
    return [make_request(make_sale(merchant, channel_account=account), 1_200) for _ in range(count)]


@pytest.mark.parametrize("refused", [SHORT, WRONG_KEY])
def test_first_refund_that_is_taken_again_sets_the_others_going(refused: Refused) -> None:
    _of_one_account(3)
    at = timezone.now()
    for claimed in payouts.claim(limit=10, at=at):
        held = _settle(claimed, refused, at)
        assert (held.state, held.failure_retry) == ("held", refused.retry)
    Execution.objects.exclude(pk=held.pk).update(due_at=at + timedelta(minutes=30))

    later = at + timedelta(seconds=40)
    (probe,) = payouts.claim(limit=10, at=later)
    _settle(probe, TAKEN, later)

    assert len(payouts.claim(limit=10, at=later)) == 2


def test_taken_refund_leaves_other_accounts_and_what_is_in_hand_alone() -> None:
    _of_one_account(2)
    _of_one_account(1)
    at = timezone.now()
    first, second, other = payouts.claim(limit=10, at=at)
    _settle(first, WRONG_KEY, at)
    _settle(second, SILENT, at)
    _settle(other, SHORT, at)
    later = at + timedelta(minutes=5)
    in_hand = {claimed.execution_id: claimed for claimed in payouts.claim(limit=10, at=later)}

    _settle(in_hand[first.execution_id], TAKEN, later)

    lease = later + timedelta(seconds=settings.EXECUTION_LEASE_S)
    assert Execution.objects.get(pk=second.execution_id).due_at == lease
    assert Execution.objects.get(pk=other.execution_id).due_at == lease


def test_throttled_refund_asks_less_and_less_often() -> None:
    _of_one_account(1)
    at, waits = timezone.now(), []
    for _ in range(5):
        (claimed,) = payouts.claim(limit=1, at=at)
        due_at = _settle(claimed, THROTTLED, at).due_at
        assert due_at is not None
        waits.append(round((due_at - at).total_seconds()))
        at = due_at
    assert waits[:3] == [1, 2, 4]
    assert min(waits[3:]) >= 7


def test_channel_that_wants_time_before_a_query_gets_it() -> None:
    """Alipay: not within ten seconds; an account's profile may say otherwise."""
    (plain,), (patient,), (hurried,) = _of_one_account(1), _of_one_account(1), _of_one_account(1, query_after_s=0)
    for one in (patient, hurried):
        ChannelAccount.objects.filter(merchant=one.merchant).update(channel="alipay")
    at = timezone.now()
    claimed = {one.request_id: one for one in payouts.claim(limit=10, at=at)}

    waits = []
    for one in (plain, patient, hurried):
        due_at = _settle(claimed[one.pk], SILENT, at).due_at
        assert due_at is not None
        waits.append((due_at - at).total_seconds())

    assert waits[0] < 3
    assert waits[1] == 10
    assert waits[2] < 3


def test_channel_that_answers_again_is_asked_at_once_about_what_it_left_unknown() -> None:
    _of_one_account(3)
    at = timezone.now()
    for claimed in payouts.claim(limit=10, at=at):
        _settle(claimed, SILENT, at)
    Execution.objects.update(due_at=at + timedelta(minutes=2))
    account_id = Execution.objects.values_list("channel_account_id", flat=True)[0]

    assert payouts.wake([account_id], at=at) == 3
    assert payouts.wake([account_id], at=at) == 0
    assert payouts.wake([account_id + 1_000], at=at) == 0
