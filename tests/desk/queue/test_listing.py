"""Where a refund stands in the list."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from refunds.models import RefundRequest
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_position_in_the_queue_leads_to_the_neighbours(reviewer: Client, shop: Shop) -> None:
    first, second = shop.waiting(), shop.waiting()
    position = reviewer.get(f"/desk/refunds/{first.number}").context["position"]
    assert (position.index, position.total, position.prev_url) == (1, 2, "")
    assert second.number in position.next_url


def _leads_to(client: Client, request: RefundRequest, return_to: str) -> str:
    values = {"version": request.version, "return_to": return_to}
    return str(client.post(f"/desk/refunds/{request.number}/approve", values)["Location"])


def test_next_url_when_decided_on_its_page_is_the_next_ones_page_that_one_may_decide(
    reviewer: Client, shop: Shop
) -> None:
    first, own, taken, last = shop.waiting(), shop.waiting(by=shop.reviewer), shop.waiting(), shop.waiting()
    RefundRequest.objects.filter(pk=taken.pk).update(claimed_by=shop.colleague)
    page = "/desk/refunds/{}?sort=-due"
    # From the last to the first when sorted the other way, and round again at the end.
    assert _leads_to(reviewer, last, page.format(last.number)) == page.format(first.number)
    assert _leads_to(reviewer, first, page.format(first.number)) == "/desk"
    assert own.number != taken.number


def test_next_url_when_the_list_has_no_more_goes_on_in_the_queue(reviewer: Client, shop: Shop) -> None:
    mine, other = shop.waiting(), shop.waiting()
    RefundRequest.objects.filter(pk=mine.pk).update(claimed_by=shop.reviewer)
    assert _leads_to(reviewer, mine, "/desk?view=mine") == "/desk"
    assert reviewer.get("/desk").context["selected"].number == other.number
    assert _leads_to(reviewer, other, "/desk/refunds?state=in_review") == "/desk/refunds?state=in_review"
