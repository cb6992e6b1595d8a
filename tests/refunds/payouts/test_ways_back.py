"""What a failed payout may still do, and what no payout ever may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from core.errors import Conflict, Forbidden
from merchants.models import ChannelAccount
from merchants.principals import of_staff
from payment_channels.contract import Refused, Retry
from refunds import lifecycle, payouts
from refunds.facts.sums import CapReached
from refunds.models import Execution, IdempotencyRecord, RefundRequest
from refunds.models.idempotency import forget_old
from refunds.payouts import Answer, settle, ways_back
from refunds.payouts.ways_back import NeedsReview
from refunds.review import deciding
from refunds.telling import payout_words
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.limited import shop
from tests.refunds.plans import replaced
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


# --- an account that takes no calls any more ---


def _barred(*, queries: int = 0, retry: Retry = Retry.AFTER_MENDING, active: bool = True) -> RefundRequest:
    """Held: its account takes no calls."""
    request = make_request(make_sale(make_merchant()), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    refused = Refused(code="account_unusable", message="x", retry=retry, remedy="check_keys")
    answer = Answer(claimed.execution_id, claimed.request_id, claimed.account_id, refused, "answer", turn=claimed.turn)
    settle([answer], at=now)
    Execution.objects.filter(request=request).update(queries=queries)
    ChannelAccount.objects.filter(pk=claimed.account_id).update(is_active=active)
    return RefundRequest.objects.get(pk=request.pk)


def _give_up(request: RefundRequest, role: str = "finance") -> RefundRequest:
    by = of_staff(make_staff(request.merchant, role))
    return ways_back.give_up_leg(
        request_id=request.pk, sequence=1, note="账户已注销", by=by, at=timezone.now(), version=request.version
    )


@pytest.mark.parametrize(("retry", "active"), [(Retry.AFTER_MENDING, True), (Retry.AFTER_TOP_UP, False)])
def test_give_up_when_the_account_takes_no_calls_the_refund_fails_and_goes_another_way(
    retry: Retry, active: bool
) -> None:
    request = _give_up(_barred(retry=retry, active=active))
    payout = Execution.objects.get(request=request)
    sale = request.transaction
    sale.refresh_from_db()
    assert (request.state, payout.state, payout.due_at, sale.reserved_fen) == ("failed", "failed", None, 0)
    assert payouts.claim(limit=9, at=timezone.now() + timedelta(days=1)) == []
    for language, words in (("en", "nothing was paid"), ("zh-hans", "没有付出任何款项")):
        with translation.override(language):
            assert words in payout_words.to_staff(payout, waited=None)


def test_give_up_when_the_account_is_put_right_later_it_goes_out_under_its_number() -> None:
    request = _give_up(_barred())
    finance = make_staff(request.merchant, "finance")
    ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    payout = Execution.objects.get(request=request)
    assert (payout.state, payout.refund_no[-2:]) == ("ready", "N1")


@pytest.mark.parametrize(
    ("case", "role", "error"),
    [
        ({"queries": 1}, "finance", lifecycle.WrongState),
        ({"retry": Retry.AFTER_TOP_UP}, "finance", lifecycle.WrongState),
        ({}, "reviewer", Forbidden),
    ],
)
def test_give_up_when_a_call_may_have_arrived_or_the_account_works_nothing_changes(
    case: dict[str, Any], role: str, error: type[Exception]
) -> None:
    request = _barred(**case)
    with pytest.raises(error):
        _give_up(request, role)
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
    assert Execution.objects.get(request=request).state == "held"


def test_give_up_when_it_was_seen_at_another_version_nothing_changes() -> None:
    request = _barred()
    request.version -= 1
    with pytest.raises(lifecycle.AlreadyChanged):
        _give_up(request)
    assert Execution.objects.get(request=request).state == "held"


def test_retry_when_the_account_was_replaced_it_goes_through_the_one_of_the_same_number() -> None:
    request = _give_up(_barred())
    old = Execution.objects.get(request=request).channel_account
    new = replaced(old)
    finance = of_staff(make_staff(request.merchant, "finance"))
    ways_back.retry(request_id=request.pk, by=finance, at=timezone.now(), version=request.version)
    rows = Execution.objects.filter(request=request).order_by("attempt_no")
    assert [(row.state, row.channel_account, row.refund_no[-2:]) for row in rows] == [
        ("failed", old, "N1"),
        ("ready", new, "N2"),
    ]
