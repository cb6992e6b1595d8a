"""What no code can store of a delegation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from merchants.models import Delegation
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("wrong", ["deputy", "ends_at", "limit_fen"])
def test_delegation_when_it_is_to_oneself_for_no_time_or_for_nothing_is_not_stored(wrong: str) -> None:
    merchant, now = make_merchant(), timezone.now()
    absent, deputy = (make_staff(merchant, "manager") for _ in range(2))
    sound: dict[str, Any] = {"deputy": deputy, "ends_at": now + timedelta(days=1), "limit_fen": 1}
    bad = {"deputy": absent, "ends_at": now, "limit_fen": 0}[wrong]
    with pytest.raises(IntegrityError, match="delegation_"):
        Delegation.objects.create(
            merchant=merchant, absent=absent, starts_at=now, made_by=absent, made_at=now, **{**sound, wrong: bad}
        )
