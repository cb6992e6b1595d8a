"""What becomes of a judged request: numbers and payouts."""

from __future__ import annotations

import pytest

from tests.factories import make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


def test_numbers_are_all_different_even_at_once() -> None:
    sale = make_sale(make_merchant(), 50_000)
    numbers = {submit(sale, 100).number for _ in range(5)}
    assert len(numbers) == 5
    assert all(number.startswith("RF-") for number in numbers)
