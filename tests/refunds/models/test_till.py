"""What the database allows of shifts and codes, whatever the code does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import Shift, ShiftLine
from terminals.models import Terminal
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def shift() -> Shift:
    till = Terminal.objects.get(store__merchant=make_merchant())
    return Shift.objects.create(terminal=till, opened_at=timezone.now(), opened_by="x", float_fen=0)


def test_sale_when_in_a_shift_goes_into_no_other(shift: Shift) -> None:
    sale = make_sale(shift.terminal.store.merchant)
    ShiftLine.objects.create(shift=shift, sale=sale, tender="cash", amount_fen=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShiftLine.objects.create(shift=shift, sale=sale, tender="cash", amount_fen=1)
    assert ShiftLine.objects.count() == 1


@pytest.mark.parametrize("fields", [{"closed_at": timezone.now()}, {"counted_fen": 1}, {"float_fen": -1}])
def test_shift_when_half_closed_or_below_zero_is_refused(shift: Shift, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Shift.objects.filter(pk=shift.pk).update(**fields)
    assert Shift.objects.get(pk=shift.pk).closed_at is None
