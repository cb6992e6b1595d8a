"""A leg holds all of its amount or nothing: the database sees to it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from refunds.models import Leg
from tests.refunds.plans import ask, order_of_two

pytestmark = pytest.mark.django_db


def test_leg_when_it_would_hold_a_part_of_its_amount_is_refused_by_the_database() -> None:
    first, _ = order_of_two()
    request = ask(first)
    with pytest.raises(IntegrityError, match="leg_holds_all_or_nothing"), transaction.atomic():
        Leg.objects.filter(request=request, sequence=1).update(reserved_fen=1)
