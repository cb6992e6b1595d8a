"""A draft rides along beside what comes in, without any effect on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import Shadow, ShadowVerdict
from analytics.trials import shadow
from analytics.trials.shadow import ShadowEnded, ShadowRunning
from core.errors import Invalid
from refunds.models import RefundRequest
from tests.analytics.trials.conftest import Past
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db


def _start(past: Past, days: int = 3) -> Shadow:
    return shadow.start(draft_id=past.draft.pk, days=days, by=past.by, at=timezone.now())


def test_work_when_requests_came_judges_each_once_and_changes_none_of_them(past: Past) -> None:
    riding = _start(past)
    first = make_request(make_sale(past.merchant, 50_000, cashier="C9"), 24_000)
    second = make_request(make_sale(past.merchant, 50_000, cashier="C8"), 1_000)
    before = list(RefundRequest.objects.order_by("pk").values())
    later = timezone.now() + timedelta(minutes=1)

    assert shadow.work(at=later) == 2
    assert shadow.work(at=later) == 0

    said = {one.request_id: (one.was, one.now, one.by) for one in ShadowVerdict.objects.all()}
    assert said == {
        first.pk: ("review", "approve", "auto_approve_limit"),
        second.pk: ("approve", "approve", ""),
    }
    assert list(RefundRequest.objects.order_by("pk").values()) == before
    agreed = shadow.agreement(riding)
    assert (agreed.requests, agreed.agreed, agreed.agreed_pct) == (2, 1, 50.0)
    assert agreed.rules == {"auto_approve_limit": 1}
    assert [one.request.number for one in agreed.differing] == [first.number]


def test_work_when_the_time_is_over_ends_it_by_itself(past: Past) -> None:
    riding = _start(past, days=1)
    shadow.work(at=timezone.now() + timedelta(days=2))
    riding.refresh_from_db()
    assert riding.stopped_at == riding.ends_at
    with pytest.raises(ShadowEnded):
        shadow.stop(shadow_id=riding.pk, by=past.by, at=timezone.now())


def test_start_when_another_rides_along_or_too_long_is_refused(past: Past) -> None:
    for days in (0, 15):
        with pytest.raises(Invalid):
            _start(past, days=days)
    riding = _start(past)
    with pytest.raises(ShadowRunning):
        _start(past)
    assert Shadow.objects.count() == 1
    shadow.stop(shadow_id=riding.pk, by=past.by, at=timezone.now())
    assert not shadow.is_running(Shadow.objects.get(), at=timezone.now())
    _start(past)
