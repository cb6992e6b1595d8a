"""A request that waits for a reviewer."""

from __future__ import annotations

import pytest

from merchants.models import Merchant
from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale


@pytest.fixture
def in_review() -> RefundRequest:
    """300 yuan of a customer who left their contact."""
    sale = make_sale(make_merchant(), 50_000)
    return make_request(sale, 30_000, name="王小敏", phone="13800006021", email="w@example.com")


@pytest.fixture
def waiting(merchant: Merchant) -> RefundRequest:
    """300 yuan that wait for a reviewer."""
    return make_request(make_sale(merchant, 50_000), 30_000)
