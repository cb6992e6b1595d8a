"""What comes back, line by line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import translation

from refunds.telling.legs import goods_with_worth
from tests.refunds.plans import ask, order_of_two

pytestmark = pytest.mark.django_db


def test_goods_with_worth_names_each_line_with_its_amount() -> None:
    first, _ = order_of_two()
    request = ask(first, lines=[("SKU-1", Decimal(2))])
    with translation.override("en"):
        (said,) = goods_with_worth(request.lines.select_related("line"))
    assert said.endswith("× 2 (¥200.00)")
