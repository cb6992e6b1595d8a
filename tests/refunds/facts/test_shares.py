"""What the payer gets of each leg of stored refunds: in order, as the channel says it, and nothing read without a coupon."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from refunds.facts import shares
from refunds.models import Execution, RefundRequest
from terminals.models import Transaction
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.plans import answer, ask, order_of_two
from tests.refunds.settled import failed, paid

pytestmark = pytest.mark.django_db


def _sale(payer_paid_fen: int | None = 6_667, **fields: Any) -> Transaction:
    return make_sale(make_merchant(), 10_000, payer_paid_fen=payer_paid_fen, **fields)


def _shares(*requests: RefundRequest) -> list[dict[int, int]]:
    fresh = RefundRequest.objects.select_related("transaction")
    return [shares.of_request(fresh.get(pk=request.pk)) for request in requests]


def test_of_request_when_a_sale_goes_back_in_parts_they_come_to_what_the_payer_paid() -> None:
    sale = _sale()
    requests = [make_request(sale, fen) for fen in (3_333, 3_333, 3_334)]
    assert _shares(*requests) == [{1: 2_222}, {1: 2_222}, {1: 2_223}]


def test_of_request_when_the_channel_said_another_figure_that_counts_and_the_rest_follows() -> None:
    sale = _sale(8_000)
    first, second = make_request(sale, 5_000), make_request(sale, 5_000)
    paid(first)
    Execution.objects.filter(request=first).update(payer_fen=4_500)
    assert _shares(first, second) == [{1: 4_500}, {1: 3_500}]


def test_of_request_when_the_one_before_failed_it_takes_nothing_of_the_payers_part() -> None:
    sale = _sale(1)
    first = make_request(sale, 9_999)
    failed(first)
    second = make_request(sale, 9_999)
    assert _shares(second, first) == [{1: 0}, {1: 1}]


def test_of_request_when_a_person_pays_it_the_coupons_part_is_not_paid_in_money() -> None:
    sale = _sale(8_000)
    by_hand, by_channel = make_request(sale, 5_000), make_request(sale, 5_000)
    RefundRequest.objects.filter(pk=by_hand.pk).update(route="cash")
    assert _shares(by_hand, by_channel) == [{1: 4_000}, {1: 4_000}]


def test_of_request_when_one_payment_of_an_order_had_a_coupon_its_leg_alone_is_shared() -> None:
    first, _ = order_of_two(payer_paid_fen=5_000)
    request = ask(first)
    answer(request, 1)
    assert _shares(request) == [{1: 20_000, 2: 5_000}]


def test_of_request_when_no_coupon_was_used_nothing_is_read(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    request = RefundRequest.objects.select_related("transaction").get(pk=make_request(_sale(None), 5_000).pk)
    with django_assert_num_queries(0):
        assert shares.of_request(request) == {1: 5_000}
