"""A request that is paid out."""

from __future__ import annotations

import pytest

from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale


@pytest.fixture
def request_() -> RefundRequest:
    """12 yuan that go out."""
    return make_request(make_sale(make_merchant()), 1_200)
