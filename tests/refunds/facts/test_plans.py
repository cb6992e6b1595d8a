"""Which legs of a stored plan may be paid out, and what a smaller approval makes of them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from refunds.facts import plans
from tests.factories import make_merchant, make_sale
from tests.refunds.plans import WIDE, answer, ask, order_of_two

pytestmark = pytest.mark.django_db


def test_may_start_when_a_tranche_goes_before_waits_for_it() -> None:
    sale = make_sale(make_merchant(rules={**WIDE, "tranche_fen": 10_000}), 25_000)
    request = ask(sale, 25_000)
    assert plans.may_start(plans.standing_of(request)) == []
    request = answer(request, 1, "refused")
    assert plans.may_start(plans.standing_of(request)) == []


def test_narrowed_when_less_is_approved_stays_within_what_each_leg_holds() -> None:
    first, _ = order_of_two()
    legs = plans.narrowed(ask(first), 15_000, at=timezone.now())
    assert [leg.amount_fen for leg in legs] == [10_000, 5_000]


def test_hash_of_when_the_request_is_one_leg_is_that_of_its_quote() -> None:
    first, _ = order_of_two()
    request = ask(first, 10_000, order_no="", transaction_id=first.pk)
    (leg,) = plans.legs_of(request)
    assert (leg.transaction_id, leg.amount_fen, len(plans.hash_of(request))) == (first.pk, 10_000, 16)
