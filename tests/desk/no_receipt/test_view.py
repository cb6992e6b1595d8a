"""Cases without a receipt at the desk."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import NoReceiptCase, RefundRequest
from tests.desk.conftest import Shop
from tests.factories import make_sale, make_staff
from tests.refunds import hand

SignIn = Callable[[Staff], Client]


def _open(client: Client, **fields: str) -> NoReceiptCase:
    said = {"kind": "lost_receipt", "store": "S001", "amount": "100.00", "card": "4321", "channel": "wechat"}
    answer = client.post("/desk/no-receipt", {**said, **fields})
    assert answer.status_code == 302, answer.content.decode()
    return NoReceiptCase.objects.latest("pk")


def test_case_when_the_sale_fits_is_confirmed_and_leads_to_its_refund(shop: Shop, as_staff: SignIn) -> None:
    sale = make_sale(shop.merchant, 10_000, card_last4="4321", phone="13912345678")
    client = as_staff(shop.cashier)
    case = _open(client, from_date=f"{timezone.localdate():%Y-%m-%d}")
    url = f"/desk/no-receipt/{case.pk}"
    page = client.get(url).content.decode()
    assert sale.order_no in page
    assert "The card ends the same" in page
    assert "13912345678" not in page
    page = client.post(f"{url}/confirm", {"sale": str(sale.pk)}, follow=True).content.decode()
    assert f"/desk/new?sale={sale.pk}" in page
    assert f"Confirmed by {shop.cashier.name}" in page
    page = client.post(f"{url}/reprint").content.decode()
    assert "Ask the channel about the payment first" in page
    listed = client.get("/desk/no-receipt").content.decode()
    assert str(case) in listed
    assert "Sale found" in listed


def test_form_when_fewer_than_two_facts_are_named_keeps_what_was_typed(shop: Shop, as_staff: SignIn) -> None:
    client = as_staff(shop.cashier)
    said = {"kind": "lost_receipt", "store": "S001", "amount": "123.45"}
    answer = client.post("/desk/no-receipt", said)
    assert answer.status_code == 422
    assert 'value="123.45"' in answer.content.decode()
    assert client.post("/desk/no-receipt", {**said, "card": "12"}).status_code == 422
    assert client.post("/desk/no-receipt", {**said, "kind": "x", "card": "1234"}).status_code == 422
    assert not NoReceiptCase.objects.exists()


def test_refund_without_the_sale_is_capped_and_the_case_closes_after_it(shop: Shop, as_staff: SignIn) -> None:
    owner = of_staff(make_staff(shop.merchant, "owner"))
    policies.publish(merchant=shop.merchant, name="x", rules=hand.BY_HAND_RULES, by=owner, at=timezone.now())
    client = as_staff(shop.cashier)
    case = _open(client)
    url = f"/desk/no-receipt/{case.pk}"
    said = {"amount": "100.01", "reason": "quality", "route": "store_credit", "consent": "1"}
    refused = client.post(f"{url}/refund", said)
    assert refused.status_code == 422
    assert "more than goes back at most" in refused.content.decode()
    page = client.post(f"{url}/refund", {**said, "amount": "88.00"}, follow=True).content.decode()
    request = RefundRequest.objects.get()
    assert request.number in page
    assert client.post(f"{url}/close", {"cause": "printer", "prevention": "x"}).status_code == 403
    manager = as_staff(shop.manager)
    shown = manager.get(f"/desk/refunds/{request.number}").content.decode()
    assert f"/desk/no-receipt/{case.pk}" in shown
    manager.post(
        f"/desk/refunds/{request.number}/reject",
        {"version": str(request.version), "reason_code": "no_proof", "message": "无凭证"},
    )
    page = manager.post(f"{url}/close", {"cause": "printer", "prevention": "每日自检"}, follow=True).content.decode()
    assert "每日自检" in page
    assert NoReceiptCase.objects.get().state == "closed"


def test_case_of_another_store_is_not_there(shop: Shop, as_staff: SignIn) -> None:
    case = _open(as_staff(shop.cashier))
    other = shop.merchant.stores.create(code="S009", name="九店")
    stranger = as_staff(make_staff(shop.merchant, "manager", stores=[other]))
    assert stranger.get(f"/desk/no-receipt/{case.pk}").status_code == 404
    assert str(case) not in stranger.get("/desk/no-receipt").content.decode()
