"""The most similar refunds that people decided."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from merchants.models import Merchant, Role
from merchants.principals import of_staff
from refunds.facts import precedents
from refunds.models import RefundRequest, Survey
from refunds.review import deciding
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def _decided(merchant: Merchant, amount_fen: int, *, rejects: bool = False, **fields: Any) -> RefundRequest:
    request = make_request(make_sale(merchant, 50_000), amount_fen, **fields)
    by = of_staff(make_staff(merchant, Role.REVIEWER))
    said: dict[str, Any] = {"request_id": request.pk, "by": by, "at": timezone.now(), "version": request.version}
    if rejects:
        return deciding.reject(**said, reason="no_proof", message="没有小票")
    return deciding.approve(**said)


def test_similar_are_those_that_people_decided_the_most_alike_first(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    merchant = make_merchant()
    near = _decided(merchant, 30_100)
    far = _decided(merchant, 45_000, rejects=True)
    customers = _decided(merchant, 21_000, phone="13800006021")
    _decided(merchant, 30_000, reason="goodwill")
    _decided(make_merchant(), 30_000)
    make_request(make_sale(merchant), 1_500)
    make_request(make_sale(merchant, 50_000), 30_000)
    Survey.objects.create(request=near, score=2, at=timezone.now())
    request = make_request(make_sale(merchant, 50_000), 30_000, phone="13800006021")
    with django_assert_num_queries(1):
        found = precedents.similar(request=request, stores=None, skus=["SKU-1"])
    assert [one.number for one in found] == [customers.number, near.number, far.number]
    assert [(one.same_customer, one.same_article, one.score) for one in found[:2]] == [
        (True, True, None),
        (False, True, 2),
    ]
    assert (found[2].state, found[2].reject_reason) == ("rejected", "no_proof")
    assert precedents.similar(request=request, stores=[], skus=[]) == []


def test_similar_when_the_amount_is_twice_as_much_or_half_is_none() -> None:
    merchant = make_merchant()
    _decided(merchant, 49_000)
    request = make_request(make_sale(merchant, 50_000), 24_000)
    assert precedents.similar(request=request, stores=None, skus=[]) == []
