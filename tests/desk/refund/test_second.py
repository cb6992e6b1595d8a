"""What the desk says of two approvals: how many there are, that one lapsed, and that too few people are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from desk import people
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop, two_eyes

SignIn = Callable[[Staff], Client]
_TOO_FEW = "Nobody else who may approve this is on duty."


def test_first_approval_leaves_it_in_review_and_says_so(shop: Shop, as_staff: SignIn) -> None:
    two_eyes(shop)
    request = shop.waiting()
    first, second = as_staff(shop.reviewer), as_staff(shop.colleague)
    address = f"/desk/refunds/{request.number}"
    page = first.post(f"{address}/approve", {"version": request.version}, follow=True).content.decode()
    assert "1 of 2 approvals. Nothing is paid until somebody else approves it, too." in page
    assert "Your approval is the first of two." in page
    seen = second.get("/desk?view=second").content.decode()
    assert request.number in seen
    assert f"1 of 2 approvals: {shop.reviewer.name}" in seen
    page = second.post(f"{address}/approve", {"version": request.version}, follow=True).content.decode()
    assert "goes back to the customer" in page
    assert RefundRequest.objects.get(pk=request.pk).state == "approved"
    assert f"{shop.reviewer.name} and {shop.colleague.name}" in second.get(address).content.decode()


def test_lapsed_first_approval_is_told_of(shop: Shop, as_staff: SignIn) -> None:
    two_eyes(shop)
    request, before = shop.waiting(), timezone.now() - timedelta(hours=25)
    deciding.approve(request_id=request.pk, by=of_staff(shop.reviewer), at=before, version=request.version)
    deciding.lapse_firsts(at=timezone.now())
    page = as_staff(shop.colleague).get(f"/desk/refunds/{request.number}").content.decode()
    assert "it is in plain review again" in page
    assert "No second approval came in time; back in plain review" in page


def test_too_few_on_duty_is_warned_of_until_somebody_comes(shop: Shop, as_staff: SignIn) -> None:
    two_eyes(shop)
    cache.clear()
    request = shop.waiting()
    address = f"/desk/refunds/{request.number}"
    client = as_staff(shop.reviewer)
    assert _TOO_FEW in client.get(address).content.decode()
    people.look(request_id=request.pk, staff=shop.finance, at=timezone.now())
    assert _TOO_FEW in client.get(address).content.decode()
    people.look(request_id=request.pk, staff=shop.colleague, at=timezone.now())
    assert _TOO_FEW not in client.get(address).content.decode()


def test_everyday_approval_says_nothing_of_two(shop: Shop, reviewer: Client) -> None:
    page = reviewer.get(f"/desk/refunds/{shop.waiting().number}").content.decode()
    assert "on duty" not in page
    assert "approvals" not in page
