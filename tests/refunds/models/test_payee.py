"""The account of a transfer: sealed, and shown by its end."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from refunds.models import Payee
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_account_is_sealed_in_the_database_and_says_no_more_than_its_end() -> None:
    request = make_request(make_sale(make_merchant()))
    kept = Payee.objects.create(
        request=request,
        merchant_id=request.merchant_id,
        holder_name="王敏",
        account_no="6225880137896021",
        account_last4="6021",
        bank_name="招商银行",
        recorded_by="staff:1",
        recorded_at=timezone.now(),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT p::text FROM refunds_payee p WHERE request_id = %s", [request.pk])
        (stored,) = cursor.fetchone()
    assert "6225880137896021" not in stored
    assert "王敏" not in stored
    assert str(kept) == "招商银行 **** 6021"
    assert Payee.objects.get(request=request).account_no == "6225880137896021"
