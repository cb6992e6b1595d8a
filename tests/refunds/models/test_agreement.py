"""What the database itself refuses of an agreement."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import Agreement
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("both", [{}, {"amount_fen": 0}, {"amount_fen": 1, "until": timezone.now()}])
def test_agreement_when_it_is_on_nothing_or_on_both_is_refused(both: dict[str, Any]) -> None:
    request, now = make_request(make_sale(make_merchant())), timezone.now()
    said: dict[str, Any] = {"agreed_by": "a", "means": "phone", "agreed_at": now, "recorded_by": "b"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.create(request=request, recorded_at=now, **{**said, **both})
    assert not Agreement.objects.exists()
