"""A mention says who wrote what."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import Role
from refunds.models import StaffNotice
from tests.factories import make_merchant, make_request, make_sale, make_staff


@pytest.mark.django_db
def test_staff_notice_when_a_mention_has_no_author_is_not_stored() -> None:
    request = make_request(make_sale(make_merchant()))
    staff = make_staff(request.merchant, Role.REVIEWER)
    with pytest.raises(IntegrityError), transaction.atomic():
        StaffNotice.objects.create(
            merchant=request.merchant, staff=staff, request=request, kind="mention", at=timezone.now()
        )
    assert not StaffNotice.objects.exists()
