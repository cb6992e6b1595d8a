"""Which refunds take so long that the law will call it delay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from refunds.facts import delay
from refunds.models import RefundRequest
from refunds.states import PAID, State
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_every_state_is_open_or_ended() -> None:
    ended = {*PAID, State.REJECTED, State.CANCELLED, State.SUBMITTED}
    assert set(delay.OPEN) == set(State) - ended
    assert {State.FAILED, State.MANUAL_PENDING, State.PARTIALLY_REFUNDED, State.NEEDS_INFO} <= set(delay.OPEN)


@pytest.mark.parametrize(("age", "is_long"), [(timedelta(days=11, hours=23), False), (timedelta(days=12), True)])
def test_long_from_the_twelfth_day_on(age: timedelta, is_long: bool) -> None:
    made = make_request(make_sale(make_merchant(), 50_000), 30_000)
    now = timezone.now()
    RefundRequest.objects.filter(pk=made.pk).update(created_at=now - age)
    request = RefundRequest.objects.get(pk=made.pk)
    assert delay.is_long(request, at=now) is is_long
    assert RefundRequest.objects.filter(delay.long(now)).exists() is is_long
