"""What the database itself refuses of a compensation."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from refunds.models import Compensation
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_compensation_when_one_payout_pays_two_deposits_is_refused() -> None:
    merchant = make_merchant()
    first, second, payout = (make_request(make_sale(merchant)) for _ in range(3))
    Compensation.objects.create(request=first, payout=payout)
    with pytest.raises(IntegrityError), transaction.atomic():
        Compensation.objects.create(request=second, payout=payout)
    assert Compensation.objects.count() == 1
