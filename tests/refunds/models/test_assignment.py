"""What the database refuses of work that is handed out."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import Role
from refunds.models import Assignment, Reviewer, ReviewSettings
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def test_shares_desks_and_rounds_are_kept_within_what_they_may_be() -> None:
    merchant = make_merchant()
    staff, request = make_staff(merchant, Role.REVIEWER), make_request(make_sale(merchant, 50_000), 30_000)
    given = {"merchant": merchant, "request": request, "staff": staff, "version": 3, "at": timezone.now()}
    Assignment.objects.create(**given)
    for row in (
        ReviewSettings(merchant=merchant, second_looks_percent=101),
        Reviewer(staff=staff, merchant=merchant, most_on_desk=0),
        Assignment(**given),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)
