"""Both destinations of a refund that goes back by two payments, in words."""

from __future__ import annotations

import pytest
from django.utils import timezone, translation

from refunds.telling import legs
from tests.refunds.plans import answer, ask, order_of_two

pytestmark = pytest.mark.django_db


def test_split_label_when_it_goes_back_by_two_names_both_with_their_amounts() -> None:
    first, _ = order_of_two()
    with translation.override("en"):
        label = legs.split_label(ask(first))
    assert "¥200.00, " in label
    assert label.endswith("¥100.00")


def test_split_label_when_it_goes_back_as_one_is_empty() -> None:
    first, _ = order_of_two()
    request = ask(first, 10_000, order_no="", transaction_id=first.pk)
    assert (legs.split_label(request), legs.slowest(request, at=timezone.now())) == ("", None)


def test_told_when_one_part_failed_says_so_of_that_part() -> None:
    first, _ = order_of_two()
    request = ask(first)
    answer(request, 1)
    with translation.override("en"):
        assert [one.state_label for one in legs.told(answer(request, 2, "refused"))] == ["Paid", "Could not be paid"]
