"""Where a refund stands in the list."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from desk.queue.listing import PAGE_SIZE
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


def test_what_one_may_decide_is_found_behind_a_page_of_what_one_may_not(reviewer: Client, shop: Shop) -> None:
    others = [shop.waiting(by=shop.reviewer) for _ in range(PAGE_SIZE + 1)]
    own, second = shop.waiting(), shop.waiting()
    page = reviewer.get("/desk", follow=True)
    assert page.context["selected"].number == own.number
    assert [row.number for row in page.context["rows"]] == [others[-1].number, own.number, second.number]
    assert page.context["pager"].first == PAGE_SIZE + 1
    # Decided, it goes on behind it, on the page on which that one stands by then.
    leads_to = _leads_to(reviewer, own, "/desk")
    assert reviewer.get(leads_to).context["selected"].number == second.number
    # Whoever turns a page sees that page.
    first_page = reviewer.get("/desk", {"selected": others[0].number})
    assert first_page.context["rows"][0].number == others[0].number


def test_two_are_not_given_the_same_refund(reviewer: Client, as_staff: SignIn, shop: Shop) -> None:
    first, second, third = shop.waiting(), shop.waiting(), shop.waiting()
    colleague = as_staff(shop.colleague)
    assert reviewer.get("/desk").context["selected"].number == first.number
    assert colleague.get("/desk").context["selected"].number == second.number
    # What comes ahead in the way of one after the other is one's own as well.
    ahead = f"/desk/refunds/{third.number}/pane?ahead=1&take=1"
    assert (colleague.get(ahead).status_code, reviewer.get(ahead).status_code) == (200, 204)
    assert reviewer.get(f"/desk/refunds/{third.number}/pane?ahead=1").status_code == 200
    assert reviewer.get(f"/desk/refunds/{third.number}/pane").status_code == 200
    theirs = {row.number: row.theirs for row in colleague.get("/desk").context["rows"]}
    assert theirs == {first.number: False, second.number: True, third.number: False}


def test_next_url_when_a_colleague_is_at_the_row_below_is_the_one_after_it(
    reviewer: Client, as_staff: SignIn, shop: Shop
) -> None:
    first, below, third = shop.waiting(), shop.waiting(), shop.waiting()
    leads_to = _leads_to(reviewer, first, f"/desk?selected={below.number}")
    assert reviewer.get(leads_to).context["selected"].number == below.number
    # What stood below when the list was shown is a colleague's by now.
    again, colleague = shop.waiting(), as_staff(shop.colleague)
    assert colleague.get(f"/desk?selected={third.number}").context["selected"].number == third.number
    leads_to = _leads_to(reviewer, below, f"/desk?selected={third.number}")
    assert reviewer.get(leads_to).context["selected"].number == again.number
