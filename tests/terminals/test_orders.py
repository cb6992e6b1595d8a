"""What an order is: one number, one store, one day; and whose its articles are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import Invalid, NotFound
from terminals import orders
from terminals.models import Transaction
from tests.refunds.plans import order_of_two

pytestmark = pytest.mark.django_db


def test_lines_of_when_payments_name_the_same_lines_counts_the_first_reported() -> None:
    first, second = order_of_two()
    lines = orders.lines_of((sale.pk, list(sale.lines.all())) for sale in (second, first))
    assert [line.transaction_id for line in lines] == [first.pk]


def test_find_when_the_number_comes_again_on_another_day_names_both() -> None:
    first, second = order_of_two()
    Transaction.objects.filter(pk=second.pk).update(paid_at=first.paid_at - timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        orders.find(sales=Transaction.objects.select_related("store"), order_no=first.order_no)
    assert set(refused.value.facts["candidates"]) == {str(first.pk), str(second.pk)}


def test_find_when_nobody_knows_the_number_is_not_found() -> None:
    with pytest.raises(NotFound):
        orders.find(sales=Transaction.objects.all(), order_no="no")


def test_siblings_when_an_order_has_two_payments_has_both_in_order() -> None:
    first, second = order_of_two()
    assert [sale.pk for sale in orders.siblings(second)] == [first.pk, second.pk]
