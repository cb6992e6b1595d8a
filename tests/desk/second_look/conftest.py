"""A decision that is looked at a second time."""

from __future__ import annotations

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding, second_look
from tests.desk.conftest import Shop


@pytest.fixture
def decided(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> RefundRequest:
    """Approved by the colleague in part, and picked."""
    monkeypatch.setattr(second_look, "SECOND_LOOKS_PERCENT", 100)
    request = shop.waiting()
    return deciding.approve(
        request_id=request.pk,
        by=of_staff(shop.colleague),
        at=timezone.now(),
        version=request.version,
        amount_fen=12_345,
        note="只退一半",
    )
