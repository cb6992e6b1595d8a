"""Shifts at the desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from desk.access import scope_of
from merchants.models import Staff
from refunds.models import Shift
from refunds.payouts import shifts
from tests.desk.conftest import Shop

AsStaff = Callable[[Staff], Client]


@pytest.mark.parametrize("typed", ["", "-1", "abc", "1.234"])
def test_close_when_the_count_is_no_amount_is_refused_and_says_so(as_staff: AsStaff, shop: Shop, typed: str) -> None:
    by = scope_of(shop.manager).by
    shift = shifts.begin(terminal="POS-01", float_fen=0, by=by, at=timezone.now())
    answer = as_staff(shop.manager).post(f"/desk/shifts/{shift.pk}", {"counted": typed, "note": "x"})
    assert answer.status_code == 422
    assert Shift.objects.get().closed_at is None
