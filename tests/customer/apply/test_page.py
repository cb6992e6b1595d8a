"""What the page of applying knows."""

from __future__ import annotations

import pytest

from customer.apply.page import apply_page
from refunds.intake.applying import REASONS
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


def test_apply_page_masks_the_phone_and_offers_what_is_left() -> None:
    sale = make_sale(make_merchant(), 26_800)
    page = apply_page(store=sale.store, token="t", language="en", ticket="x", phone="13800006021", sale=sale)
    assert page.phone == "138 **** 6021"
    assert page.amount == "268.00"
    assert [value for value, _ in page.reasons] == [reason.value for reason in REASONS]
    assert "witness" not in dict(page.kinds)
