"""How many approve, and which approvals count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from refunds.facts import approvals
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def _waiting(four_eyes_above_fen: int | None = 20_000) -> RefundRequest:
    merchant = make_merchant(rules={**RULES, "four_eyes_above_fen": four_eyes_above_fen})
    return make_request(make_sale(merchant, 50_000), 30_000)


@pytest.mark.parametrize(
    ("limit", "sum_fen", "route", "people"),
    [
        (20_000, 20_000, "original", 1),
        (20_000, 20_001, "original", 2),
        (20_000, 100, "cash", 2),
        (20_000, 100, "bank_transfer", 2),
        (20_000, 100, "store_credit", 1),
        (None, 10**9, "cash", 1),
    ],
)
def test_needed_goes_by_sum_and_route(limit: int | None, sum_fen: int, route: str, people: int) -> None:
    request = _waiting(limit)
    assert approvals.needed(request=request, sum_fen=sum_fen, at=timezone.now(), routes=(route,)) == people


def test_counting_is_the_first_while_it_waits_and_nothing_once_lapsed() -> None:
    request, now = _waiting(), timezone.now()
    by = make_staff(request.merchant, "reviewer")
    deciding.approve(request_id=request.pk, by=of_staff(by), at=now, version=request.version)
    rows = list(request.approvals.all())
    assert approvals.counting(request, rows, at=now) == rows
    later = now + timedelta(hours=24)
    assert approvals.counting(request, rows, at=later) == []
    assert approvals.first_of_two(request=request, at=later) is None
    assert approvals.givers([*rows, None]) == {by.pk}
