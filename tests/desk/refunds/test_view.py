"""The list of all refunds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_refunds_are_found_by_any_number(reviewer: Client, shop: Shop) -> None:
    request, other = shop.waiting(phone="13800006021"), shop.waiting()
    sale = request.transaction
    for text in (request.number, request.number.lower(), sale.order_no, sale.channel_transaction_no, "13800006021"):
        numbers = [row.number for row in reviewer.get("/desk/refunds", {"q": f" {text} "}).context["rows"]]
        assert numbers == [request.number], text
    assert [row.number for row in reviewer.get("/desk/refunds", {"q": "RF-"}).context["rows"]] == [
        other.number,
        request.number,
    ]


def test_refunds_are_filtered_by_state_and_day(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    today = timezone.localdate().isoformat()
    assert reviewer.get(f"/desk/refunds?state=in_review&from={today}&to={today}").context["rows"]
    assert not reviewer.get("/desk/refunds?state=rejected").context["rows"]
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    assert not reviewer.get(f"/desk/refunds?to={yesterday}").context["rows"]
    assert reviewer.get("/desk/refunds?from=9999-99-99&to=9999-12-31").context["total"].asked_fen == 26_800
    assert request.number
