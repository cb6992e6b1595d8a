"""A new refund at the desk: found, quoted, submitted once."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
import segno
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import Evidence, RefundRequest
from terminals.models import Deposit, Transaction
from tests import pictures
from tests.desk.conftest import Shop
from tests.factories import RULES, make_sale

SignIn = Callable[[Staff], Client]


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


def test_guide_of_the_reason_stands_beside_the_form_and_the_verdict(shop: Shop, as_staff: SignIn) -> None:
    told = {"goods_return": {"en": "Look at the goods"}, "no_receipt": {"en": "Two facts"}}
    policies.publish(
        merchant=shop.merchant, name="b", rules=RULES, guides=told, by=of_staff(shop.manager), at=timezone.now()
    )
    sale, client = make_sale(shop.merchant, 33_980), as_staff(shop.cashier)
    assert "Two facts" in client.get("/desk/new").content.decode()
    quoted = client.post("/desk/new/quote", _new(client, sale, amount="268")).content.decode()
    assert "Look at the goods" in quoted
    client.post("/desk/new", _new(client, sale, amount="268"))
    refund = as_staff(shop.reviewer).get(f"/desk/refunds/{RefundRequest.objects.get().number}")
    assert "Look at the goods" in refund.content.decode()
    # Another version says nothing: the refund keeps the guide of the one that judged it.
    policies.publish(merchant=shop.merchant, name="c", rules=RULES, by=of_staff(shop.manager), at=timezone.now())
    assert "Look at the goods" in as_staff(shop.reviewer).get(refund.request["PATH_INFO"]).content.decode()
    assert "Two facts" not in client.get("/desk/new").content.decode()


def test_pieces_make_the_amount(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 9_000, quantity=3), as_staff(shop.cashier)
    line = sale.lines.get()
    client.post("/desk/new", {**_new(client, sale, amount=""), f"lines-{line.pk}": "2"})
    request = RefundRequest.objects.get()
    assert (request.amount_fen, request.lines.get().quantity) == (6_000, 2)


@pytest.mark.parametrize("sku", ["", "SKU-1"])
def test_pieces_are_counted_whether_the_article_has_a_number_or_none(shop: Shop, as_staff: SignIn, sku: str) -> None:
    sale, client = make_sale(shop.merchant, 9_000, quantity=3), as_staff(shop.cashier)
    sale.lines.update(sku=sku)
    line = sale.lines.get()
    for _ in range(2):
        answer = client.post("/desk/new", {**_new(client, sale, amount=""), f"lines-{line.pk}": "2"})
    line.refresh_from_db()
    assert (answer.status_code, RefundRequest.objects.count(), line.reserved_quantity) == (422, 1, 2)


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
        assert "This moved no money." in answer.content.decode()


def test_sale_without_receipt_needs_two_facts(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 12_345, phone="13800006021"), as_staff(shop.cashier)
    make_sale(shop.merchant, 12_345)
    assert "at least two facts" in client.get("/desk/new?amount=123.45").content.decode()
    assert client.get("/desk/new?amount=123.45&tail=6021").context["sale"].row.id == sale.pk
    for typed in ("６０２１", "60 21", "13800006021", "٦٠٢١"):
        found = client.get("/desk/new", {"amount": "123.45", "tail": typed})
        assert found.context["sale"].row.id == sale.pk, typed
    today = timezone.localtime(sale.paid_at).date().isoformat()
    assert len(client.get(f"/desk/new?amount=123.45&on={today}").context["candidates"]) == 2


def test_code_in_a_picture_leads_to_its_sale_and_without_one_says_so(shop: Shop, as_staff: SignIn) -> None:
    sale, client, drawn = make_sale(shop.merchant, order_no="A-4711"), as_staff(shop.cashier), io.BytesIO()
    segno.make(sale.order_no, micro=False).save(drawn, kind="png", scale=8, border=4)
    picture = SimpleUploadedFile("code.png", drawn.getvalue(), "image/png")
    found = client.post("/desk/new/scan", {"files": picture}, follow=True)
    assert found.context["sale"].row.number == "A-4711"
    nothing = client.post("/desk/new/scan", {"files": pictures.upload()}, follow=True)
    assert "No code can be read" in nothing.content.decode()


def test_signature_is_kept_with_what_it_was_for(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant), as_staff(shop.cashier)
    client.post("/desk/new", _new(client, sale, signature=pictures.upload()))
    (kept,) = Evidence.objects.filter(request=RefundRequest.objects.get())
    assert (kept.kind, "¥12.00" in kept.note) == ("other", True)


def test_equal_payment_close_by_is_pointed_to(shop: Shop, as_staff: SignIn) -> None:
    at = timezone.now() - timedelta(hours=1)
    first = make_sale(shop.merchant, 20_400, phone="13800006021", paid_at=at)
    twin = make_sale(shop.merchant, 20_400, phone="13800006021", paid_at=at + timedelta(seconds=55))
    page = as_staff(shop.cashier).get(f"/desk/new?sale={first.pk}")
    assert [one.number for one in page.context["sale"].equal] == [twin.order_no]
    assert "charged twice" in page.content.decode()


def test_customer_without_phone_or_mail_gets_the_link_as_a_code(shop: Shop, as_staff: SignIn) -> None:
    with_phone, without = shop.waiting(phone="13800006021"), shop.waiting()
    client = as_staff(shop.manager)
    said = "let the customer scan it"
    assert said in client.get(f"/desk/refunds/{without.number}").content.decode()
    assert said not in client.get(f"/desk/refunds/{with_phone.number}").content.decode()


@pytest.mark.parametrize(
    ("cause", "open_percent", "asks_fen"),
    [("customer_breaks", "40", 62_000), ("merchant_breaks", "100", 100_000), ("customer_breaks", "100", 5_000)],
)
def test_amount_left_empty_is_what_goes_back_of_a_deposit_by_its_rule(
    shop: Shop, as_staff: SignIn, cause: str, open_percent: str, asks_fen: int
) -> None:
    # Of a contract of 4,750.00 at most 950.00 count as an earnest; the rest is paid in advance.
    sale, client = make_sale(shop.merchant, 100_000, kind="deposit"), as_staff(shop.cashier)
    Deposit.objects.create(
        transaction=sale, kind="earnest", contract_fen=475_000, terms="?", recorded_by="?", recorded_at=timezone.now()
    )
    said = {"reason": "deposit", "amount": "", "cause": cause, "open_percent": open_percent}
    assert client.post("/desk/new", _new(client, sale, **said)).status_code == 302
    assert RefundRequest.objects.get().amount_fen == asks_fen


def test_deposit_of_which_nothing_goes_back_says_so(shop: Shop, as_staff: SignIn) -> None:
    sale, client = make_sale(shop.merchant, 100_000, kind="deposit"), as_staff(shop.cashier)
    Deposit.objects.create(
        transaction=sale, kind="earnest", contract_fen=600_000, terms="?", recorded_by="?", recorded_at=timezone.now()
    )
    said = {"reason": "deposit", "amount": "", "cause": "customer_breaks", "open_percent": "100"}
    answer = client.post("/desk/new", _new(client, sale, **said))
    assert answer.status_code == 422
    assert "nothing more goes back of this deposit" in answer.content.decode()
    assert not RefundRequest.objects.exists()
    # What was agreed instead is typed, and a person decides.
    agreed = {**said, "amount": "200.00", "agreement": "by phone"}
    assert client.post("/desk/new", _new(client, sale, **agreed)).status_code == 302
