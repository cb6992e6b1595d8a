"""A second look is answered by somebody or by nobody."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import Role
from merchants.principals import of_staff
from refunds.models import Approval, SecondLook
from refunds.review import deciding
from tests.factories import make_merchant, make_request, make_sale, make_staff


@pytest.mark.django_db
def test_second_look_when_it_is_answered_by_nobody_is_not_stored() -> None:
    request, now = make_request(make_sale(make_merchant(), 50_000), 30_000), timezone.now()
    by = of_staff(make_staff(request.merchant, Role.REVIEWER))
    deciding.approve(request_id=request.pk, by=by, at=now, version=request.version)
    SecondLook.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        SecondLook.objects.create(
            merchant=request.merchant,
            request=request,
            approval=Approval.objects.get(),
            is_override=False,
            picked_at=now,
            answered_at=now,
        )
    assert not SecondLook.objects.exists()
