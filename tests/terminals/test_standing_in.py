"""Payments that stand in for one: once a number, in no figure of sales, never reported."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics.statements import SALES
from terminals.models import Transaction, TransactionKind
from terminals.standing_in import stand_in
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, till

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return api_for(make_merchant())


def _made(api: Api, **said: Any) -> Transaction:
    now = timezone.now()
    usual: dict[str, Any] = {"kind": TransactionKind.NO_RECEIPT, "number": "NR-1", "channel": "wechat"}
    store = api.merchant.stores.get()
    usual |= {"store_id": store.pk, "terminal": None, "amount_fen": 100, "paid_at": now - timedelta(days=1), "at": now}
    return stand_in(by=till(api.merchant), **{**usual, **said})


def test_stand_in_when_made_twice_for_one_number_is_refused(api: Api) -> None:
    sale = _made(api)
    assert (sale.channel_account_id, sale.funding, sale.refundable_fen) == (None, "unknown", 100)
    with pytest.raises(IntegrityError), transaction.atomic():
        _made(api)
    assert _made(api, number="NR-2", channel="cash").funding == "cash"


def test_stand_in_when_a_till_reports_one_is_no_kind_of_sale(api: Api) -> None:
    said = {"order_no": "1", "channel": "cash", "channel_transaction_no": "1", "amount_fen": 1, "store": "S001"}
    for kind in ("no_receipt", "compensation"):
        answer = api.post("transactions", {**said, "kind": kind, "paid_at": timezone.now().isoformat()})
        assert answer.status_code == 400
    assert not Transaction.objects.exists()
    assert "r.kind IN ('sale', 'deposit')" in SALES.sql
