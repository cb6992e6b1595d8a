"""Time between two refunds of one sale, where a channel wants it (WeChat Pay: a minute)."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payment_channels.contract import Refused, Retry
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer, Claimed, claim, settle
from refunds.states import ExecutionState
from tests.factories import make_account, make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def _two_of_one_sale() -> tuple[RefundRequest, RefundRequest]:
    merchant = make_merchant()
    sale = make_sale(merchant, 33_980, channel_account=make_account(merchant, partial_spacing_s=60))
    return make_request(sale, 1_200), make_request(sale, 1_300)


def _refuse(claimed: Claimed, outcome: Refused, at: datetime) -> Execution:
    settle(
        [Answer(claimed.execution_id, claimed.request_id, claimed.account_id, outcome, "answer", turn=claimed.turn)],
        at=at,
    )
    return Execution.objects.get(pk=claimed.execution_id)


def test_the_second_refund_of_a_sale_waits_for_its_minute() -> None:
    first, second = _two_of_one_sale()
    at = timezone.now() + timedelta(seconds=1)

    taken = claim(limit=10, at=at)

    assert len(taken) == 1
    waiting = Execution.objects.get(request__in=[first, second], state=ExecutionState.READY)
    assert waiting.due_at == at + timedelta(seconds=60)
    assert claim(limit=10, at=at + timedelta(seconds=29)) == []
    later = claim(limit=10, at=at + timedelta(seconds=60))
    assert waiting.pk in {claimed.execution_id for claimed in later}


@pytest.mark.parametrize(
    ("outcome", "within_s"),
    [
        (Refused(code="NOT_ENOUGH", message="", retry=Retry.AFTER_TOP_UP), 20),
        (Refused(code="FREQUENCY_LIMITED", message="", retry=Retry.SAME_NUMBER, throttled=True), 2),
    ],
)
def test_a_held_refund_does_not_wait_for_itself(outcome: Refused, within_s: int) -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 33_980, channel_account=make_account(merchant, partial_spacing_s=60))
    make_request(sale, 1_200)
    at = timezone.now() + timedelta(seconds=1)
    (claimed,) = claim(limit=10, at=at)

    held = _refuse(claimed, outcome, at)
    (again,) = claim(limit=10, at=at + timedelta(seconds=within_s))

    assert held.state == ExecutionState.HELD
    assert again.execution_id == held.pk
    assert again.send
    assert again.order.refund_no == held.refund_no


def test_while_one_is_held_the_other_keeps_its_distance() -> None:
    _two_of_one_sale()
    at = timezone.now() + timedelta(seconds=1)
    (first,) = claim(limit=10, at=at)
    held = _refuse(first, Refused(code="NOT_ENOUGH", message="", retry=Retry.AFTER_TOP_UP), at)

    taken = claim(limit=10, at=at + timedelta(seconds=60))

    assert [claimed.execution_id for claimed in taken] == [held.pk]
    other = Execution.objects.exclude(pk=held.pk).get()
    assert (other.state, other.due_at) == (ExecutionState.READY, at + timedelta(seconds=120))


@pytest.mark.parametrize(("profile", "together"), [({}, 1), ({"partial_spacing_s": 0}, 2)])
def test_wechat_pay_wants_its_minute_where_the_account_says_nothing(profile: dict[str, int], together: int) -> None:
    merchant = make_merchant()
    account = make_account(merchant)
    account.profile_overrides = profile
    account.save()
    sale = make_sale(merchant, 33_980, channel_account=account)
    make_request(sale, 1_200)
    make_request(sale, 1_300)

    assert len(claim(limit=10, at=timezone.now() + timedelta(seconds=1))) == together


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_send_one_refund_of_a_sale() -> None:
    """The second claim cannot see what the first has not committed: it leaves the sale alone."""
    _two_of_one_sale()
    at = timezone.now() + timedelta(seconds=1)
    first: list[Claimed] = []
    second: list[Claimed] = []

    def other_worker() -> None:
        try:
            second.extend(claim(limit=10, at=at))
        finally:
            connection.close()

    with transaction.atomic():
        first.extend(claim(limit=1, at=at))
        beside = threading.Thread(target=other_worker)
        beside.start()
        beside.join(timeout=60)
    assert (len(first), len(second)) == (1, 0)
    waiting = Execution.objects.get(state=ExecutionState.READY)
    assert waiting.due_at is not None
    assert waiting.due_at <= at
    assert claim(limit=10, at=at) == []
    waiting.refresh_from_db()
    assert waiting.due_at == at + timedelta(seconds=60)
