"""Where a refund stands in the list."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_position_in_the_queue_leads_to_the_neighbours(reviewer: Client, shop: Shop) -> None:
    first, second = shop.waiting(), shop.waiting()
    position = reviewer.get(f"/desk/refunds/{first.number}").context["position"]
    assert (position.index, position.total, position.prev_url) == (1, 2, "")
    assert second.number in position.next_url
