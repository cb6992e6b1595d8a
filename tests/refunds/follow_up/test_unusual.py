"""A store's day that is unlike its others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.calendar import SHANGHAI
from merchants.models import Merchant, Store
from merchants.principals import of_staff
from refunds.follow_up import unusual
from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 25, 12, tzinfo=SHANGHAI)


def _asked(merchant: Merchant, *times: datetime) -> list[str]:
    """Refunds of one sale, asked for at the desk at these times; their numbers."""
    by, sale = of_staff(make_staff(merchant, "cashier")), make_sale(merchant, 900_000)
    requests = [make_request(sale, 100, by=by) for _ in times]
    for request, at in zip(requests, times, strict=True):
        RefundRequest.objects.filter(pk=request.pk).update(created_at=at)
    return [request.number for request in requests]


def test_many_when_a_day_is_clearly_above_the_same_hours_of_others_names_the_store(merchant: Merchant) -> None:
    # Two each morning of ten days, and eight each evening, which do not count at noon.
    mornings = [NOON - n * DAY - timedelta(hours=one) for n in range(1, 11) for one in (1, 2)]
    _asked(merchant, *mornings, *[NOON - n * DAY + timedelta(hours=8) for n in range(1, 11)] * 2)
    _asked(merchant, *[NOON - timedelta(minutes=n) for n in range(9)])
    assert not unusual.many(merchant_id=merchant.pk, at=NOON)
    _asked(merchant, NOON - timedelta(hours=3))
    (found,) = unusual.many(merchant_id=merchant.pk, at=NOON)
    assert (found.store, found.count, round(found.usual, 1)) == (merchant.stores.get().name, 10, 2.0)
    assert not unusual.many(merchant_id=make_merchant().pk, at=NOON)


def test_many_when_the_store_is_younger_than_a_week_says_nothing(merchant: Merchant) -> None:
    _asked(merchant, NOON - 3 * DAY, *[NOON - timedelta(minutes=n) for n in range(20)])
    assert not unusual.many(merchant_id=merchant.pk, at=NOON)


def test_while_shut_when_hours_are_known_names_what_was_asked_more_than_an_hour_beside_them(merchant: Merchant) -> None:
    midnight = NOON.replace(hour=0)
    night, _late, _noon = _asked(merchant, midnight + timedelta(hours=3), midnight + timedelta(hours=8.5), NOON)
    assert not unusual.while_shut(merchant_id=merchant.pk, at=NOON)
    Store.objects.filter(merchant=merchant).update(hours={"week": ["09:00-22:00"] * 7})
    (found,) = unusual.while_shut(merchant_id=merchant.pk, at=NOON)
    assert list(found.numbers) == [night]
    # A shop system's key asks at any hour.
    RefundRequest.objects.update(staff=None, terminal=None)
    assert not unusual.while_shut(merchant_id=merchant.pk, at=NOON)
