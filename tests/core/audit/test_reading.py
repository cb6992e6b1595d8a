"""Which rows something was done to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.actors import SYSTEM
from core.audit.reading import acted_on, has_been_acted_on
from core.audit.record import record_of
from terminals.models import Transaction
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


def test_acted_on_when_rows_have_events_names_those_of_the_merchant_from_then_on() -> None:
    merchant, now = make_merchant(), timezone.now()
    early, late, _untouched, foreign = (make_sale(of) for of in (merchant, merchant, merchant, make_merchant()))
    for sale, at in ((early, now - timedelta(hours=2)), (late, now), (foreign, now)):
        record_of(sale, by=SYSTEM, action="transaction.correct", at=at)
    found = acted_on(Transaction, merchant_id=merchant.pk, since=now - timedelta(hours=1))
    assert set(found) == {late.pk}
    asked = has_been_acted_on(Transaction, merchant_id=merchant.pk, since=now - timedelta(hours=1))
    assert set(Transaction.objects.filter(asked)) == {late}
