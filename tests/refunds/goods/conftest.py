"""A shop whose policy wants the goods back, and one where a person asks for them."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from refunds.goods import inspection, returns
from refunds.goods.inspection import Found
from refunds.models import GoodsReturn, RefundRequest
from tests.factories import RULES, make_merchant, make_sale, make_staff, submit


def rules(**quality: Any) -> dict[str, Any]:
    """The usual rules, where what is of no quality comes back first."""
    changed = deepcopy(RULES)
    changed["reasons"]["quality"] |= {"goods_required": True, **quality}
    return changed


@pytest.fixture
def shop() -> Merchant:
    return make_merchant(rules=rules())


@pytest.fixture
def waiting(shop: Merchant) -> RefundRequest:
    """Waits for three pieces that the policy asked for."""
    return submit(make_sale(shop, 30_000, quantity=3), 20_000, lines=[("SKU-1", 2)], customer_consent=True)


@pytest.fixture
def in_review(shop: Merchant) -> RefundRequest:
    """Above what goes back without a person."""
    return submit(make_sale(shop, 90_000, quantity=3), 60_000, lines=[("SKU-1", 2)], customer_consent=True)


def who(request: RefundRequest, role: str = "reviewer") -> Principal:
    return of_staff(make_staff(request.merchant, role))


def fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def ask(request: RefundRequest, **more: Any) -> GoodsReturn:
    said = {"at": timezone.now(), "version": request.version, "by": who(request), **more}
    return returns.ask(request_id=request.pk, **said)


def receive(request: RefundRequest, **more: Any) -> GoodsReturn:
    return returns.receive(request_id=request.pk, **{"by": who(request, "cashier"), "at": timezone.now(), **more})


def inspect(
    request: RefundRequest, *found: tuple[int, str, str], at: datetime | None = None, **more: Any
) -> GoodsReturn:
    """So many pieces, how they are, and what becomes of them; two as described back on the shelf where nothing is said."""
    pieces = [
        Found(sku="SKU-1", quantity=Decimal(count), condition=condition, disposition=disposition)
        for count, condition, disposition in found or [(2, "as_described", "restock")]
    ]
    said = {"by": who(request), "at": at or timezone.now(), "found": pieces, **more}
    return inspection.inspect(request_id=request.pk, **said)
