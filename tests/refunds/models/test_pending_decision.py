"""One decision of a request is pending at a time."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import Role
from refunds.models import PendingDecision
from tests.factories import make_merchant, make_request, make_sale, make_staff


@pytest.mark.django_db
def test_pending_decision_when_there_is_one_takes_no_second() -> None:
    request, now = make_request(make_sale(make_merchant())), timezone.now()
    values = {"staff": make_staff(request.merchant, Role.REVIEWER), "decision": "approve", "version": 1, "said": {}}
    PendingDecision.objects.create(request=request, decided_at=now, effective_at=now, **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        PendingDecision.objects.create(request=request, decided_at=now, effective_at=now, **values)
    assert PendingDecision.objects.count() == 1
