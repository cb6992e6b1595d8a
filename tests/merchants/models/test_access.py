"""What the database refuses of resets and own limits, whatever the code does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import tenant_wall
from merchants.models import AccessReset, Invitation, Staff, StaffSession
from tests.factories import make_merchant, make_staff
from tests.second_factors import with_app

pytestmark = pytest.mark.django_db


def test_reset_is_by_two_people_and_not_of_either() -> None:
    merchant = make_merchant()
    of, one, two = (make_staff(merchant, "manager") for _ in range(3))
    now = timezone.now()

    def store(staff: Staff, asked_by: Staff, confirmed_by: Staff | None) -> None:
        made: dict[str, Any] = {"kind": "password", "asked_at": now, "expires_at": now + timedelta(hours=1)}
        with transaction.atomic():
            AccessReset.objects.create(
                merchant=merchant, staff=staff, asked_by=asked_by, confirmed_by=confirmed_by, **made
            )

    for wrong in ((of, one, one), (of, of, one), (of, one, of), (of, of, None)):
        with pytest.raises(IntegrityError):
            store(*wrong)
    store(of, one, None)
    store(of, one, two)
    assert AccessReset.objects.count() == 2


@pytest.mark.parametrize("limit_fen", [0, -1])
def test_own_limit_is_above_zero(limit_fen: int) -> None:
    staff = make_staff(make_merchant(), "reviewer")
    with pytest.raises(IntegrityError), transaction.atomic():
        Staff.objects.filter(pk=staff.pk).update(limit_fen=limit_fen)


def test_ways_in_of_other_merchants_are_behind_the_wall() -> None:
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - its table is a library's

    now, people = timezone.now(), [make_staff(make_merchant(), "owner") for _ in range(2)]
    for n, staff in enumerate(people):
        with_app(staff)
        row = {"merchant": staff.merchant, "staff": staff}
        Invitation.objects.create(**row, token_hash=bytes([n]) * 32, made_at=now, expires_at=now)
        AccessReset.objects.create(
            **row, kind="password", asked_by=make_staff(staff.merchant, "owner"), asked_at=now, expires_at=now
        )
        StaffSession.objects.create(**row, session_key=str(n), epoch=0, signed_in_at=now)
    with tenant_wall.within(people[0].merchant_id):
        for model in (Invitation, AccessReset, StaffSession):
            assert [row.staff_id for row in model.objects.all()] == [people[0].pk], model
        assert [row.user_id for row in Authenticator.objects.all()] == [people[0].pk]
