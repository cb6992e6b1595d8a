"""The regular review of the policy."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from core.calendar import SHANGHAI
from core.errors import Forbidden, Invalid
from merchants import policies
from merchants.models import PolicyReview
from merchants.policies import reviewing
from merchants.principals import of_staff
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_review_is_due_months_after_the_last_one_or_after_publishing() -> None:
    merchant, now = make_merchant(), timezone.now()
    manager = make_staff(merchant, "manager")
    assert reviewing.standing(merchant_id=merchant.pk, at=now).is_due
    reviewing.review(by=of_staff(manager), at=now, months=3, note="无变化")
    standing = reviewing.standing(merchant_id=merchant.pk, at=now)
    assert (standing.is_due, standing.reviewed_by, standing.months) == (False, manager.name, 3)
    assert reviewing.standing(merchant_id=merchant.pk, at=now + timedelta(days=93)).is_due
    later = now + timedelta(days=80)
    policies.publish(merchant=merchant, name="b", rules=RULES, by=of_staff(manager), at=later)
    standing = reviewing.standing(merchant_id=merchant.pk, at=later)
    assert (standing.reviewed_at, standing.reviewed_by, standing.months) == (later, "", 3)


def test_review_at_the_end_of_a_month_is_due_on_the_last_day_of_a_shorter_one() -> None:
    assert reviewing._months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert reviewing._months_after(date(2026, 12, 15), 12) == date(2027, 12, 15)
    assert reviewing._months_after(date(2026, 10, 31), 1) == date(2026, 11, 30)
    at = datetime(2026, 11, 30, 23, 30, tzinfo=SHANGHAI)
    assert reviewing._months_after(at.date(), 1) == date(2026, 12, 30)


def test_review_by_those_who_may_not_or_without_months_leaves_nothing() -> None:
    merchant = make_merchant()
    with pytest.raises(Forbidden):
        reviewing.review(by=of_staff(make_staff(merchant, "finance")), at=timezone.now())
    for months in (0, 25):
        with pytest.raises(Invalid):
            reviewing.review(by=of_staff(make_staff(merchant, "owner")), at=timezone.now(), months=months)
    assert not PolicyReview.objects.exists()
