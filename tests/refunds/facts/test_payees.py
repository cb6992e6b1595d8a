"""Whose account a transfer goes to, and what is shown of it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from refunds.facts import payees
from refunds.models import Payee, RefundRequest
from refunds.states import Route
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def _account(request: RefundRequest) -> Payee:
    return Payee.objects.create(
        request=request,
        merchant_id=request.merchant_id,
        holder_name="王小敏",
        account_no="6225880137896021",
        account_last4="6021",
        bank_name="招商银行",
        recorded_by="staff:1",
        recorded_at=timezone.now(),
    )


def test_of_when_the_money_goes_back_as_it_was_paid_asks_nothing(django_assert_num_queries: object) -> None:
    request = make_request(make_sale(make_merchant()))
    _account(request)
    fresh = RefundRequest.objects.get(pk=request.pk)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert payees.of(fresh) is None
    found = payees.of(fresh, route=Route.BANK_TRANSFER)
    assert found is not None
    assert found.account_last4 == "6021"


def test_of_when_no_account_was_recorded_is_none() -> None:
    assert payees.of(make_request(make_sale(make_merchant())), route=Route.BANK_TRANSFER) is None


def test_masked_shows_the_end_and_the_bank_alone() -> None:
    shown = payees.masked(_account(make_request(make_sale(make_merchant()))))
    assert (shown["account_no"], shown["bank_name"]) == ("**** 6021", "招商银行")
    assert shown["holder_name"] not in ("", "王小敏")
    assert "小" not in shown["holder_name"]
