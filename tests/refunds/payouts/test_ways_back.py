"""What a failed payout may still do, and what no payout ever may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.errors import Conflict
from merchants.principals import of_staff
from payment_channels.contract import Refused, Retry
from refunds import payouts
from refunds.facts.sums import CapReached
from refunds.models import Execution, IdempotencyRecord, RefundRequest
from refunds.models.idempotency import forget_old
from refunds.payouts import Answer, settle, ways_back
from refunds.payouts.ways_back import NeedsReview
from refunds.review import deciding
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.limited import shop
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db


def _refused(remedy: str) -> RefundRequest:
    request = make_request(make_sale(make_merchant()), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    refused = Refused(code="X", message="x", retry=Retry.NEVER, remedy=remedy)
    answer = Answer(claimed.execution_id, claimed.request_id, claimed.account_id, refused, "answer", turn=claimed.turn)
    settle([answer], at=now)
    return RefundRequest.objects.get(pk=request.pk)


def test_payout_refused_for_our_own_keys_goes_out_again_under_its_number_once_they_are_mended() -> None:
    request = _refused("check_keys")
    finance = make_staff(request.merchant, "finance")
    ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    payout = Execution.objects.get(request=request)
    assert (payout.state, payout.refund_no[-2:]) == ("ready", "N1")


def test_payout_refused_for_its_own_sake_does_not_go_out_again() -> None:
    request = _refused("check_request")
    finance = make_staff(request.merchant, "finance")
    with pytest.raises(Conflict):
        ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"


@pytest.mark.parametrize("change", ["refund_no = refund_no || 'X'", "amount_fen = amount_fen + 1"])
def test_database_keeps_a_payouts_number_and_amount(change: str) -> None:
    make_request(make_sale(make_merchant()), 1_200)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE refunds_execution SET {change}")


def test_first_answers_are_forgotten_after_a_day() -> None:
    now = timezone.now()
    for hours in (1, 23, 25):
        IdempotencyRecord.objects.create(
            principal="key:1",
            key=str(hours),
            fingerprint=b"",
            status=201,
            body="{}",
            created_at=now - timedelta(hours=hours),
        )
    assert forget_old(at=now) == 1
    assert set(IdempotencyRecord.objects.values_list("key", flat=True)) == {"1", "23"}


def test_retry_when_the_order_comes_to_more_by_now_a_person_decides_again() -> None:
    merchant = shop()
    sale = make_sale(merchant, 200_000)
    reviewer, now = make_staff(merchant, "reviewer"), timezone.now()
    first = make_request(sale, 90_000)
    deciding.approve(request_id=first.pk, by=of_staff(reviewer), at=now, version=first.version)
    failed(RefundRequest.objects.get(pk=first.pk))
    Execution.objects.update(failure_retry="same_number")
    second = make_request(sale, 90_000)
    deciding.approve(request_id=second.pk, by=of_staff(reviewer), at=now, version=second.version)
    version = RefundRequest.objects.get(pk=first.pk).version
    with pytest.raises(NeedsReview):
        ways_back.retry(request_id=first.pk, by=of_staff(make_staff(merchant, "finance")), at=now, version=version)
    assert RefundRequest.objects.get(pk=first.pk).state == "failed"


def test_retry_when_the_channel_takes_no_more_refunds_is_refused() -> None:
    merchant = shop()
    account = make_sale(merchant).channel_account
    assert account is not None
    account.profile_overrides = {**account.profile_overrides, "max_partials": 2}
    account.save()
    sale = make_sale(merchant, 500_000)
    first = failed(make_request(sale, 1_000))
    Execution.objects.update(failure_retry="same_number")
    for _ in range(2):
        make_request(sale, 20_000)
    with pytest.raises(CapReached):
        ways_back.retry(
            request_id=first.pk, by=of_staff(make_staff(merchant, "finance")), at=timezone.now(), version=first.version
        )
    assert RefundRequest.objects.get(pk=first.pk).state == "failed"
