"""The rows of the review desk."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.review import deciding
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_decide_and_next_goes_on_with_one_that_can_be_decided(reviewer: Client, shop: Shop) -> None:
    first, claimed, own, free = shop.waiting(), shop.waiting(), shop.waiting(by=shop.reviewer), shop.waiting()
    deciding.claim(request_id=claimed.pk, by=of_staff(shop.colleague), at=timezone.now())
    rows = {row.number: row.leads.return_to for row in reviewer.get("/desk").context["rows"]}
    assert rows[first.number] == f"/desk?selected={free.number}"
    assert rows[own.number] == f"/desk?selected={free.number}"
    assert rows[free.number] == "/desk"


def test_a_row_says_what_made_it_wait(reviewer: Client, shop: Shop) -> None:
    shop.waiting()
    (row,) = reviewer.get("/desk").context["rows"]
    assert row.why.startswith("Automatic approval limit")
