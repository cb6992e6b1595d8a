"""What htmx gets: refusals that leave the form standing, lists that stay fresh, news about a refund."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop
from tests.factories import make_sale

SignIn = Callable[[Staff], Client]
HTMX = {"hx-request": "true"}


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.values_list("state", flat=True).get(pk=request.pk))


# --- decisions ----------------------------------------------------------------------------------------------------


def test_a_decision_leads_on_without_a_page(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    answer = reviewer.post(
        f"/desk/refunds/{request.number}/approve",
        {"version": request.version, "return_to": "/desk?selected=next"},
        headers=HTMX,
    )
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/desk?selected=next")
    assert _state(request) == "approved"
    assert request.number in reviewer.get("/desk").content.decode()


def test_a_refusal_comes_alone_and_says_where_to_look(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    deciding.request_info(
        request_id=request.pk, by=of_staff(shop.colleague), at=timezone.now(), version=request.version, message="photo"
    )
    answer = reviewer.post(f"/desk/refunds/{request.number}/approve", {"version": request.version}, headers=HTMX)
    text = answer.content.decode()
    assert (answer.status_code, answer["Refused"]) == (409, "1")
    assert "<html" not in text
    assert f'href="/desk/refunds/{request.number}"' in text
    assert "This moved no money." in text


def test_a_form_filled_in_badly_keeps_its_words(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    values = {"version": request.version, "reason_code": "no_proof", "message": " "}
    answer = reviewer.post(f"/desk/refunds/{request.number}/reject", values, headers=HTMX)
    assert (answer.status_code, answer["Refused"]) == (422, "1")
    assert "href" not in answer.content.decode()


def test_signed_out_meanwhile_does_not_leave_the_page(shop: Shop) -> None:
    request = shop.waiting()
    address = f"/desk/refunds/{request.number}/note"
    assert Client().post(address, {"text": "long"}, headers=HTMX).status_code == 401
    assert Client().get(f"/desk/refunds/{request.number}/pane", headers=HTMX)["HX-Redirect"].startswith("/login")


@pytest.mark.parametrize(
    ("came_from", "back_to"),
    [
        ("http://testserver/desk/incidents?q=1", "/desk/incidents%3Fq%3D1"),
        ("http://elsewhere/desk/incidents", "/desk/start"),
        ("", "/desk/start"),
    ],
)
def test_form_when_signed_out_meanwhile_leads_back_to_its_page(came_from: str, back_to: str) -> None:
    answer = Client().post("/desk/incidents/4711/answer", {"words": "long"}, headers={"referer": came_from})
    assert answer["Location"] == f"/login?next={back_to}"


# --- what stays fresh ---------------------------------------------------------------------------------------------


def test_the_list_is_sent_alone_with_the_numbers_of_the_views(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    text = reviewer.get("/desk", {"selected": request.number}, headers=HTMX).content.decode()
    assert 'id="list"' in text
    assert all(f'id="{part}"' in text for part in ("views", "today", "troubles"))
    assert "hx-swap-oob" in text
    assert 'id="pane"' not in text
    assert "hx-swap-oob" not in reviewer.get("/desk").content.decode()


def test_an_open_desk_keeps_telling_who_looks(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    first, second = shop.waiting(), shop.waiting()
    reviewer.get("/desk", {"selected": second.number}, headers=HTMX)
    seen = {row.number: row.viewers for row in as_staff(shop.colleague).get("/desk").context["rows"]}
    assert seen == {first.number: [], second.number: [shop.reviewer.name]}


def test_what_is_ticked_is_enough_to_ask_for_more(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    values = {"version": request.version, "items": ["photo"], "message": ""}
    assert reviewer.post(f"/desk/refunds/{request.number}/info", values, headers=HTMX).status_code == 204
    assert _state(request) == "needs_info"


def test_a_new_refund_is_refused_in_its_form_and_leads_on_once_it_is_there(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980)
    values = {"sale": str(sale.pk), "idempotency_key": "k1", "reason": "quality", "amount": "268.00"}
    refused = reviewer.post("/desk/new", values, headers=HTMX)
    assert (refused.status_code, refused["Refused"]) == (422, "1")
    assert "<html" not in refused.content.decode()
    # Sent twice because no answer came: it leads to the first one, though that left too little for another.
    for _ in range(2):
        done = reviewer.post("/desk/new", {**values, "consent": "1"}, headers=HTMX)
        assert (done.status_code, done["HX-Redirect"]) == (204, f"/desk/refunds/{RefundRequest.objects.get().number}")


def test_claims_lead_on_without_a_page(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    claimed = reviewer.post("/desk/claim-next", headers=HTMX)
    assert claimed["HX-Redirect"] == f"/desk?view=mine&selected={request.number}"
    assert reviewer.post("/desk/claim-next", headers=HTMX)["HX-Redirect"] == "/desk"
