"""Publishing a version, and knowing which one is in force."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import Forbidden
from merchants import policies
from merchants.models import PolicyVersion
from merchants.policies.rules import PolicyInvalid
from merchants.principals import of_staff
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_published_version_counts_from_its_moment_on() -> None:
    merchant, now = make_merchant(), timezone.now()
    by = of_staff(make_staff(merchant, "owner"))
    second = policies.publish(merchant=merchant, name="b", rules={**RULES, "auto_approve_limit_fen": 1}, by=by, at=now)
    assert second.number == 2
    assert policies.in_force(merchant_id=merchant.pk, at=now - timedelta(seconds=1)).number == 1
    assert policies.in_force(merchant_id=merchant.pk, at=now) == second
    assert policies.rules_in_force(merchant_id=merchant.pk, at=now).auto_approve_limit_fen == 1


def test_rules_that_cannot_be_read_or_are_not_theirs_to_publish_change_nothing() -> None:
    merchant = make_merchant()
    owner, cashier = (of_staff(make_staff(merchant, role)) for role in ("owner", "cashier"))
    with pytest.raises(PolicyInvalid):
        policies.publish(merchant=merchant, name="x", rules={}, by=owner, at=timezone.now())
    with pytest.raises(Forbidden):
        policies.publish(merchant=merchant, name="x", rules=RULES, by=cashier, at=timezone.now())
    assert PolicyVersion.objects.filter(merchant=merchant).count() == 1
