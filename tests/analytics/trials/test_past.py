"""The past is read as it was judged first, in order of time, whatever became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.trials import past as reading
from analytics.trials.replay import Past as Replayed
from core.calendar import SHANGHAI
from merchants.models import Role
from merchants.principals import of_staff
from refunds.models import Judgement, RefundRequest
from refunds.review import deciding
from refunds.rules.policy import Ruling
from tests.analytics.trials.conftest import Past
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def _read(past: Past) -> list[tuple[Replayed, reading.Origin]]:
    found = reading.requests(merchant_id=past.merchant.pk, since=past.period["since"], until=timezone.now())
    return [one for one in reading.judged(found) if one is not None]


def test_judged_when_requests_are_stored_reads_what_judged_them_in_order(past: Past) -> None:
    read = _read(past)

    ids = [past.approved.pk, past.waiting.pk, past.later.pk, past.goodwill.pk]
    assert [one.request_id for one, _ in read] == ids
    assert [one.was for one, _ in read] == [Ruling.APPROVE, Ruling.REVIEW, Ruling.REVIEW, Ruling.REVIEW]
    first, origin = read[0]
    assert (first.facts.amount_fen, len(first.cashiers) > 0, first.customers) == (12_000, True, [])
    month = timezone.now().astimezone(SHANGHAI).strftime("%Y-%m")
    assert (origin.store, origin.reason, origin.month) == ("S001", "quality", month)
    # Two sales, one cashier: the names under which they are counted say so without saying who.
    assert read[1][0].cashiers == read[2][0].cashiers != first.cashiers


def test_judged_when_a_person_rejected_says_since_when_it_holds_nothing(past: Past) -> None:
    reviewer = of_staff(make_staff(past.merchant, Role.REVIEWER))
    deciding.reject(
        request_id=past.waiting.pk,
        by=reviewer,
        at=timezone.now(),
        version=past.waiting.version,
        reason="no_proof",
        message="",
    )
    rejected = next(one for one, _ in _read(past) if one.request_id == past.waiting.pk)
    assert rejected.was_rejected
    assert rejected.released_at == RefundRequest.objects.get(pk=past.waiting.pk).decided_at
    assert rejected.was is Ruling.REVIEW


def test_judged_when_the_version_is_asked_again_gives_the_verdict_of_then(past: Past) -> None:
    stored = Judgement.objects.get(request=past.waiting)
    read, origin = next(one for one in _read(past) if one[0].request_id == past.waiting.pk)
    assert reading.judged_then(read.facts, origin.version_id).decision is Ruling.REVIEW
    assert stored.policy_version_id == origin.version_id
    assert read.facts.at - stored.at < timedelta(seconds=1)
