"""What was done today, and what an empty view says."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.review import deciding
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_decisions_of_today_are_summed_up(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    deciding.approve(request_id=request.pk, by=of_staff(shop.colleague), at=timezone.now(), version=request.version)
    summary = reviewer.get("/desk").context["summary"]
    assert (summary.reviewed, summary.on_time_pct) == (1, 100.0)


def test_an_empty_desk_of_ones_own_points_at_the_unclaimed(reviewer: Client, shop: Shop) -> None:
    assert reviewer.get("/desk?view=mine").context["empty"].url == ""
    shop.waiting()
    empty = reviewer.get("/desk?view=mine").context["empty"]
    assert (empty.text, empty.url) == ("1 refund waits unclaimed. N claims the next one.", "/desk?view=unclaimed")
