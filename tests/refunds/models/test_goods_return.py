"""What the database refuses of goods and offers, whoever writes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import ExchangeOffer, GoodsReturn, RefundRequest
from tests.refunds.goods.conftest import in_review, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "received"},
        {"state": "inspected", "inspected_at": timezone.now()},
        {"received_at": timezone.now()},
        {"proposed_fen": 100, "finding": "x"},
    ],
)
def test_return_whose_state_and_times_disagree_is_refused(waiting: RefundRequest, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GoodsReturn.objects.filter(request=waiting).update(**fields)


def test_second_open_return_is_refused(waiting: RefundRequest) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GoodsReturn.objects.create(request=waiting, store_id=waiting.store_id, asked_at=timezone.now())


@pytest.mark.parametrize("line", [{"condition": "missing", "disposition": "scrap"}, {"condition": "used"}])
def test_piece_that_goes_nowhere_or_is_not_there_is_refused(waiting: RefundRequest, line: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        waiting.goods_returns.get().lines.update(**line)


def test_second_open_offer_is_refused(in_review: RefundRequest) -> None:
    said: dict[str, Any] = {"request": in_review, "kind": "exchange", "offered_by": "x", "offered_at": timezone.now()}
    ExchangeOffer.objects.create(**said)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeOffer.objects.create(**said)
