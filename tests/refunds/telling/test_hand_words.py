"""What a customer reads where a person pays them back."""

from __future__ import annotations

import pytest

from refunds.states import BY_HAND
from refunds.telling import hand_words
from tests.factories import make_merchant, make_request, make_sale


@pytest.mark.parametrize("route", sorted(BY_HAND))
def test_every_route_by_hand_says_who_does_what(route: str) -> None:
    assert hand_words.next_step(route)
    assert hand_words.step(route)


@pytest.mark.django_db
def test_reference_and_account_are_empty_until_there_are_any() -> None:
    request = make_request(make_sale(make_merchant()))
    assert hand_words.reference(request) is None
    assert hand_words.account_tail(request) == ""
