"""Which version stands where."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from desk.policy.page import history_of
from merchants import policies
from merchants.principals import of_staff
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_history_tells_what_holds_what_comes_and_what_never_did() -> None:
    merchant, now = make_merchant(), timezone.now()
    by, writer = of_staff(make_staff(merchant, "owner")), make_staff(merchant, "manager")
    tomorrow = now + timedelta(days=1)
    for effective_at in (None, tomorrow, tomorrow, now + timedelta(days=2)):
        policies.publish(
            merchant=merchant,
            name="b",
            rules=RULES,
            author_ids=[writer.pk],
            by=by,
            at=now,
            effective_at=effective_at,
        )
    stands = [(row.version.number, row.stand) for row in history_of(merchant_id=merchant.pk, at=now)]
    assert stands == [(5, "scheduled"), (4, "scheduled"), (3, "never"), (2, "in_force"), (1, "past")]
    assert history_of(merchant_id=merchant.pk, at=now)[0].authors == [writer.name]
