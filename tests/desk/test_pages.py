"""The other pages of the desk: lists, search, a new refund, messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import Notification, RefundRequest
from refunds.review import deciding
from refunds.telling import outbox
from terminals.models import Transaction
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale

SignIn = Callable[[Staff], Client]


# --- sessions -------------------------------------------------------------------------------------------------


def test_a_disabled_persons_session_is_dead_at_once(reviewer: Client, shop: Shop) -> None:
    assert reviewer.get("/desk").status_code == 200
    Staff.objects.filter(pk=shop.reviewer.pk).update(is_active=False)
    assert reviewer.get("/desk")["Location"].startswith("/login")


def test_pages_are_kept_by_no_cache(reviewer: Client) -> None:
    assert reviewer.get("/desk")["Cache-Control"] == "private, no-store"


def test_language_switches(reviewer: Client) -> None:
    reviewer.post("/i18n/setlang", {"language": "zh-hans", "next": "/desk"})
    assert 'lang="zh-Hans"' in reviewer.get("/desk").content.decode()


def test_unknown_address_is_a_page_without_the_database(
    client: Client, db: None, django_assert_num_queries: Callable[..., object]
) -> None:
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        answer = client.get("/nothing/here")
    assert answer.status_code == 404


# --- one refund ---------------------------------------------------------------------------------------------------


def test_detail_of_every_state_opens(reviewer: Client, shop: Shop) -> None:
    now = timezone.now()
    by_rule = make_request(make_sale(shop.merchant), 1_200, phone="13800006021", email="w@example.com")
    approved, rejected, asked = shop.waiting(), shop.waiting(), shop.waiting()
    deciding.approve(request_id=approved.pk, by=of_staff(shop.reviewer), at=now, version=approved.version)
    deciding.reject(
        request_id=rejected.pk,
        by=of_staff(shop.reviewer),
        at=now,
        version=rejected.version,
        reason="no_proof",
        message="<b>no</b>",
    )
    deciding.request_info(
        request_id=asked.pk, by=of_staff(shop.reviewer), at=now, version=asked.version, message="photo"
    )
    for request in (by_rule, approved, rejected, asked, shop.waiting()):
        answer = reviewer.get(f"/desk/refunds/{request.number}?do=approve")
        assert answer.status_code == 200
        assert len(answer.context["refund"]["steps"]) == 5
    assert "&lt;b&gt;no&lt;/b&gt;" in reviewer.get(f"/desk/refunds/{rejected.number}").content.decode()


@pytest.mark.breaks_invariants
def test_progress_is_asked_for_while_the_channel_works_and_reloads_on_change(reviewer: Client, shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant), 1_200)
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    address = f"/desk/refunds/{request.number}/progress?stamp={request.version}-0"
    assert address in page
    fragment = reviewer.get(address, headers={"hx-request": "true"})
    assert (fragment.status_code, "<html" in fragment.content.decode()) == (200, False)
    RefundRequest.objects.filter(pk=request.pk).update(version=request.version + 1)
    assert reviewer.get(address)["HX-Refresh"] == "true"


def test_position_in_the_queue_leads_to_the_neighbours(reviewer: Client, shop: Shop) -> None:
    first, second = shop.waiting(), shop.waiting()
    position = reviewer.get(f"/desk/refunds/{first.number}").context["position"]
    assert (position["index"], position["total"], position["prev_url"]) == (1, 2, "")
    assert second.number in position["next_url"]


# --- lists and search ---------------------------------------------------------------------------------------------


def test_refunds_are_found_by_any_number(reviewer: Client, shop: Shop) -> None:
    request, other = shop.waiting(phone="13800006021"), shop.waiting()
    sale = request.transaction
    for text in (request.number, request.number.lower(), sale.order_no, sale.channel_transaction_no, "13800006021"):
        numbers = [row["number"] for row in reviewer.get("/desk/refunds", {"q": f" {text} "}).context["rows"]]
        assert numbers == [request.number], text
    assert [row["number"] for row in reviewer.get("/desk/refunds", {"q": "RF-"}).context["rows"]] == [
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
    assert reviewer.get("/desk/refunds?from=9999-99-99&to=9999-12-31").context["totals"]["amount_fen"] == 26_800
    assert request.number


def test_search_opens_the_only_match_and_lists_several(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    sale = make_sale(shop.merchant, phone="13800006021")
    make_sale(shop.merchant, phone="13900006021")
    assert reviewer.get("/desk/search", {"q": request.number})["Location"] == f"/desk/refunds/{request.number}"
    assert reviewer.get("/desk/search", {"q": sale.order_no})["Location"] == f"/desk/transactions/{sale.pk}"
    assert reviewer.get("/desk/search", {"q": "13800006021"})["Location"] == f"/desk/transactions/{sale.pk}"
    listed = reviewer.get("/desk/search", {"q": "6021"})
    assert len(listed.context["rows"]) == 2
    assert listed.context["recognised"]
    for nothing in ("", "\ufffd", "RF-999999-9999", "' OR 1=1 --", "x" * 500):
        assert reviewer.get("/desk/search", {"q": nothing}).status_code == 200


def test_lists_know_only_ones_own_merchant(reviewer: Client) -> None:
    foreign = make_request(make_sale(make_merchant(), 33_980, phone="13800006021"), 26_800, phone="13800006021")
    sale = foreign.transaction
    for text in ("", foreign.number, sale.order_no, sale.channel_transaction_no, "13800006021", "6021"):
        for page in ("/desk/refunds", "/desk/transactions"):
            answer = reviewer.get(page, {"q": text})
            assert answer.status_code == 200
            assert not answer.context["rows"], (page, text)
        assert reviewer.get("/desk/search", {"q": text}).status_code == 200
        assert not reviewer.get("/desk/new", {"q": text}).context["sale"]
    assert reviewer.get(f"/desk/transactions/{sale.pk}").status_code == 404
    assert reviewer.get(f"/desk/new?sale={sale.pk}").status_code == 404


def test_transaction_shows_its_refunds_and_masks_the_payer(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980, phone="13800006021")
    request = make_request(sale, 26_800)
    page = reviewer.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert request.number in page
    assert "138 **** 6021" in page
    assert "13800006021" not in page
    assert reviewer.get(f"/desk/transactions/{uuid4()}").status_code == 404


# --- a new refund -------------------------------------------------------------------------------------------------


def _new(client: Client, sale: Transaction, **data: object) -> dict[str, object]:
    page = client.get(f"/desk/new?sale={sale.pk}")
    key = page.context["idempotency_key"]
    return {
        "sale": str(sale.pk),
        "idempotency_key": key,
        "reason": "quality",
        "amount": "12.00",
        "consent": "1",
        **data,
    }


def test_cashier_submits_a_small_refund_that_the_policy_approves(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant), as_staff(shop.cashier)
    form = _new(client, sale)
    answer = client.post("/desk/new", form)
    request = RefundRequest.objects.get()
    assert answer["Location"] == f"/desk/refunds/{request.number}"
    assert (request.state, request.staff, request.amount_fen) == ("approved", shop.cashier, 1_200)
    # Pressed twice: still one, and the same answer.
    assert client.post("/desk/new", form)["Location"] == answer["Location"]
    assert RefundRequest.objects.count() == 1


def test_quote_follows_the_form_and_stores_nothing(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 33_980), as_staff(shop.cashier)
    for amount, words in (("12", "Paid at once"), ("268", "A reviewer decides"), ("339.81", "Cannot be refunded")):
        form = _new(client, sale, amount=amount)
        assert words in client.post("/desk/new/quote", form).content.decode()
    assert "at most two decimals" in client.post("/desk/new/quote", _new(client, sale, amount="x")).content.decode()
    assert RefundRequest.objects.count() == 0


def test_pieces_make_the_amount(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 9_000, quantity=3), as_staff(shop.cashier)
    line = sale.lines.get()
    client.post("/desk/new", {**_new(client, sale, amount=""), f"lines-{line.pk}": "2"})
    request = RefundRequest.objects.get()
    assert (request.amount_fen, request.lines.get().quantity) == (6_000, 2)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": "100.01"}, 422),
        ({"amount": "0"}, 422),
        ({"reason": "whim"}, 422),
        ({"consent": ""}, 422),
        ({"idempotency_key": ""}, 422),
        ({"sale": "x"}, 404),
    ],
)
def test_what_cannot_be_taken_in_is_refused_and_kept_in_the_form(
    shop: Shop, as_staff: SignIn, change: dict[str, str], status: int
) -> None:
    sale, client = make_sale(shop.merchant, 10_000), as_staff(shop.cashier)
    answer = client.post("/desk/new", {**_new(client, sale, note="cracked"), **change})
    assert answer.status_code == status
    assert RefundRequest.objects.count() == 0
    if status == 422:
        assert "cracked" in answer.content.decode()
        assert "No money moved." in answer.content.decode()


def test_sale_without_receipt_needs_two_facts(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 12_345, phone="13800006021"), as_staff(shop.cashier)
    make_sale(shop.merchant, 12_345)
    assert "at least two facts" in client.get("/desk/new?amount=123.45").content.decode()
    assert client.get("/desk/new?amount=123.45&tail=6021").context["sale"]["id"] == str(sale.pk)
    today = timezone.localtime(sale.paid_at).date().isoformat()
    assert len(client.get(f"/desk/new?amount=123.45&on={today}").context["candidates"]) == 2


# --- messages -----------------------------------------------------------------------------------------------------


def test_message_that_was_given_up_goes_out_again(reviewer: Client, shop: Shop) -> None:
    shop.waiting(email="w@example.com")
    outbox.write_notifications(at=timezone.now())
    message = Notification.objects.get()
    assert "w***@example.com" in reviewer.get("/desk/notifications").content.decode()
    address = f"/desk/notifications/{message.pk}/resend"
    assert reviewer.post(address, {"confirmed": "1"}).status_code == 302
    Notification.objects.update(state="dead", attempts=6, last_error="refused")
    # The list leads to a page that says what goes to whom; one click sends nothing.
    assert address in reviewer.get("/desk/notifications").content.decode()
    assert not re.search(rf"<form[^>]*{address}", reviewer.get("/desk/notifications").content.decode())
    for answer in (reviewer.get(address), reviewer.post(address)):
        assert "w***@example.com" in answer.content.decode()
        assert Notification.objects.get().state == "dead"
    reviewer.post(address, {"confirmed": "1"})
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)


@pytest.mark.parametrize("path", ["/desk/refunds", "/desk/transactions", "/desk/new", "/desk/start", "/desk/search"])
def test_every_role_opens_what_is_everyones(shop: Shop, as_staff: SignIn, path: str) -> None:
    for staff in (shop.cashier, shop.reviewer, shop.manager, shop.finance):
        assert as_staff(staff).get(path).status_code in {200, 302}


def test_a_phones_sales_lead_to_its_refunds(reviewer: Client, shop: Shop) -> None:
    for _ in range(2):
        make_request(make_sale(shop.merchant, 33_980, phone="13800006021"), 26_800, phone="13800006021")
    found = reviewer.get("/desk/search", {"q": "6021"})
    assert found.context["refunds_url"] == "/desk/refunds?q=6021"
    assert len(reviewer.get(found.context["refunds_url"]).context["rows"]) == 2
    assert reviewer.get("/desk/transactions").context["refunds_url"] == ""
