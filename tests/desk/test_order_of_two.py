"""An order paid by two payments on the pages of desk and customer: its plan, its parts, what may be done with one that failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.payouts.loop import drain
from refunds.telling import tracking
from terminals.models import Transaction
from tests.factories import make_sale, make_staff
from tests.refunds.plans import WIDE, answer, ask, held, order_of_two

pytestmark = pytest.mark.django_db

RULES = {**WIDE, "routes": ["original", "cash", "store_credit", "bank_transfer"]}


def _signed_in(sale: Transaction, role: str = "finance") -> Client:
    staff: Staff = make_staff(sale.merchant, role)
    client = Client()
    client.force_login(staff)
    return client


def _half_paid() -> tuple[RefundRequest, Transaction, Transaction]:
    first, second = order_of_two(rules=RULES)
    request = ask(first)
    answer(request, 1)
    return answer(request, 2, "refused"), first, second


def _post(client: Client, request: RefundRequest, act: str, **data: Any) -> int:
    form = {"version": request.version, "leg": 2, **data}
    return client.post(f"/desk/refunds/{request.number}/{act}", form).status_code


def test_refund_page_when_it_goes_back_by_two_shows_each_with_its_state() -> None:
    request, *_ = _half_paid()
    page = _signed_in(request.transaction).get(f"/desk/refunds/{request.number}", headers={"accept-language": "en"})
    text = page.content.decode()
    assert page.status_code == 200
    for said in ("Goes back in parts", "Could not be paid", "L2N1", "200.00", "100.00", "give-up-leg", "retry"):
        assert said in text


def test_refund_page_when_it_goes_back_by_one_has_no_parts() -> None:
    first, _ = order_of_two()
    request = ask(first, 10_000, order_no="", transaction_id=first.pk)
    text = _signed_in(first).get(f"/desk/refunds/{request.number}").content.decode()
    assert 'id="h-legs"' not in text


def test_give_up_leg_when_finance_presses_it_frees_the_amount() -> None:
    request, first, second = _half_paid()
    assert _post(_signed_in(first), request, "give-up-leg") in (200, 302)
    now = RefundRequest.objects.get(pk=request.pk)
    assert (now.state, now.refunded_fen) == ("refunded", 20_000)
    assert held(first, second) == [(20_000, 20_000, 1), (0, 0, 0)]


def test_give_up_leg_when_a_cashier_posts_it_nothing_changes() -> None:
    request, first, second = _half_paid()
    _post(_signed_in(first, "cashier"), request, "give-up-leg")
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 0, 1)]


def test_move_leg_when_a_transfer_is_typed_a_person_pays_that_part() -> None:
    request, first, _ = _half_paid()
    account = {"payee_holder": "王敏", "payee_account": "6222000012345678", "payee_bank": "工商银行"}
    assert _post(_signed_in(first), request, "move-leg", route="bank_transfer", consent="1", **account) in (200, 302)
    leg = RefundRequest.objects.get(pk=request.pk).legs.get(sequence=2)
    assert (leg.route, leg.why) == ("bank_transfer", "moved")


def test_moved_leg_when_a_person_has_paid_it_by_hand_ends_the_refund() -> None:
    request, first, second = _half_paid()
    account = {"payee_holder": "王敏", "payee_account": "6222000012345678", "payee_bank": "工商银行"}
    _post(_signed_in(first), request, "move-leg", route="bank_transfer", consent="1", **account)
    drain()
    client = _signed_in(first)
    url = f"/desk/by-hand/{request.number}"
    assert request.number in client.get("/desk/by-hand").content.decode()
    page = client.get(url).content.decode()
    assert "¥100.00" in page
    version = RefundRequest.objects.get(pk=request.pk).version
    paid_at = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    form = {"paid": "yes", "reference_no": "T-0403", "paid_at": paid_at, "version": version}
    second_step = client.post(url, form)
    sealed = second_step.context["confirmation"]
    assert client.post(url, {"confirmation": sealed, "confirmed": "1"}).status_code == 302
    now = RefundRequest.objects.get(pk=request.pk)
    assert (now.state, now.refunded_fen) == ("refunded", 30_000)
    assert held(first, second) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


def test_transaction_page_when_the_order_has_two_payments_each_shows_the_other_and_the_refund() -> None:
    request, first, second = _half_paid()
    client = _signed_in(first)
    for one, other in ((first, second), (second, first)):
        text = client.get(f"/desk/transactions/{one.pk}").content.decode()
        assert f"/desk/transactions/{other.pk}" in text
        assert request.number in text


@pytest.mark.parametrize(("language", "both"), [("en", "WeChat Pay + Alipay"), ("zh-hans", "微信支付 + 支付宝")])
def test_channels_wherever_one_is_said_are_all_of_them(language: str, both: str) -> None:
    request, first, second = _half_paid()
    client = _signed_in(first, "owner")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    assert both in client.get(f"/desk/refunds/{request.number}").content.decode()
    path = tracking.url_for(request.pk).split("/", 3)[3]
    assert both in Client().get(f"/{path}?lang={language}").content.decode()
    file = client.get("/desk/refunds.csv").getvalue().decode()
    assert f",{both}," in file
    assert f"300.00,{first.channel_transaction_no} + {second.channel_transaction_no}" in file
    for name in both.split(" + "):
        for address in (f"/desk/refunds/{request.number}/pane", "/desk/refunds", f"/desk/transactions/{second.pk}"):
            assert f'title="{name}"' in client.get(address).content.decode(), address


@pytest.mark.parametrize("query", ["channel=alipay", "channel=wechat", "q={first}", "q={second}", "q={both}"])
def test_refunds_when_the_second_payment_is_named_are_found_by_it_too(query: str) -> None:
    request, first, second = _half_paid()
    numbers = [one.channel_transaction_no for one in (first, second)]
    query = query.format(first=numbers[0], second=numbers[1], both="+%2B+".join(numbers))
    assert request.number in _signed_in(first, "owner").get(f"/desk/refunds?{query}").content.decode()


def test_queue_when_an_order_of_two_waits_says_both_and_what_was_paid_in_all() -> None:
    first, _ = order_of_two()
    request = ask(first, reason="goodwill")
    page = _signed_in(first, "manager").get("/desk", headers={"accept-language": "en"}).content.decode()
    row = page.split(f'data-key="{request.number}"')[1].split("</tr>")[0]
    assert 'title="WeChat Pay"' in row
    assert 'title="Alipay"' in row
    assert "in full" in row


def test_new_when_the_order_has_two_payments_shows_the_plan_and_takes_it() -> None:
    first, second = order_of_two()
    # A till that counts from one every day.
    make_sale(first.merchant, order_no=first.order_no, paid_at=first.paid_at - timedelta(days=1))
    client = _signed_in(first, "manager")
    page = client.get(f"/desk/new?sale={second.pk}").content.decode()
    assert 'name="whole_order"' in page
    form = {"sale": str(second.pk), "reason": "quality", "amount": "300.00", "whole_order": "1", "consent": "1"}
    quote = client.post("/desk/new/quote", form).content.decode()
    assert "200.00" in quote
    assert "100.00" in quote
    client.post("/desk/new", {**form, "idempotency_key": "k"})
    assert RefundRequest.objects.get().leg_count == 2
    assert held(first, second) == [(20_000, 0, 1), (10_000, 0, 1)]


def test_new_when_one_payment_is_meant_only_that_one_gives() -> None:
    first, second = order_of_two()
    form = {"sale": str(second.pk), "reason": "quality", "amount": "100.00", "consent": "1", "idempotency_key": "k"}
    _signed_in(first, "manager").post("/desk/new", form)
    assert held(first, second) == [(0, 0, 0), (10_000, 0, 1)]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_customer_page_when_it_goes_back_by_two_shows_both_destinations(language: str) -> None:
    first, _ = order_of_two()
    request = ask(first)
    answer(request, 1)
    path = tracking.url_for(request.pk).split("/", 3)[3]
    text = Client().get(f"/{path}?lang={language}").content.decode()
    assert "200.00" in text
    assert "100.00" in text
    assert language != "en" or "On its way" in text
