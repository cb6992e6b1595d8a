"""The spine without a channel: taken in, judged, stored whole."""

from __future__ import annotations

import pytest

from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_small_simple_request_is_approved_by_rule_with_its_payout_ready() -> None:
    sale = make_sale(make_merchant(), 10_000)
    request = make_request(sale, 1_200)
    assert (request.state, request.version, request.by_rule) == ("approved", 3, True)
    (execution,) = request.executions.all()
    assert (execution.state, execution.amount_fen) == ("ready", 1_200)
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (1_200, 0)


def test_larger_request_waits_for_a_person() -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 26_800)
    assert request.state == "in_review"
    assert RefundRequest.objects.count() == 1
