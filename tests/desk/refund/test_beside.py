"""What a refund's page shows beside its life: deposit and compensation, agreements, reopening."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import Agreement, Compensation, RefundRequest
from terminals.models import Deposit
from tests import pictures
from tests.desk.conftest import Shop
from tests.factories import RULES, make_request, make_sale, make_staff, submit
from tests.refunds import hand

SignIn = Callable[[Staff], Client]


def test_deposit_shows_its_terms_and_asks_for_the_compensation_once(shop: Shop, as_staff: SignIn) -> None:
    reasons = {**RULES["reasons"], "deposit": RULES["reasons"]["quality"]}
    owner = of_staff(make_staff(shop.merchant, "owner"))
    rules = {**hand.BY_HAND_RULES, "reasons": reasons}
    policies.publish(merchant=shop.merchant, name="x", rules=rules, by=owner, at=timezone.now())
    sale = make_sale(shop.merchant, 30_000, kind="deposit")
    Deposit.objects.create(
        transaction=sale,
        kind="earnest",
        contract_fen=100_000,
        terms="婚宴 12 桌",
        recorded_by="till",
        recorded_at=timezone.now(),
    )
    client = as_staff(shop.cashier)
    form = {"sale": str(sale.pk), "reason": "deposit", "cause": "merchant_breaks", "amount": "300.00"}
    client.post("/desk/new", {**form, "consent": "1", "idempotency_key": "k1"})
    request = RefundRequest.objects.get()
    url = f"/desk/refunds/{request.number}"
    page = client.get(url).content.decode()
    assert "婚宴 12 桌" in page
    assert "not asked for yet" in page
    account = {"owed_holder": "王小敏", "owed_account": hand.ACCOUNT_NO, "owed_bank": "工商银行"}
    assert client.post(f"{url}/compensation", {"owed_holder": "王"}).status_code == 422
    assert not Compensation.objects.exists()
    client.post(f"{url}/compensation", account)
    payout = Compensation.objects.get().payout
    page = client.get(url).content.decode()
    assert payout.number in page
    assert hand.ACCOUNT_NO not in page
    assert request.number in client.get(f"/desk/refunds/{payout.number}").content.decode()


def test_agreement_is_noted_shown_and_printed(shop: Shop, as_staff: SignIn) -> None:
    request = make_request(make_sale(shop.merchant, 50_000), 30_000)
    client = as_staff(shop.manager)
    url = f"/desk/refunds/{request.number}"
    said = {"version": str(request.version), "amount": "120.00", "agreed_by": "王女士", "means": "phone"}
    page = client.post(f"{url}/agree", said, follow=True).content.decode()
    assert "120.00 is agreed with the customer" in page
    assert "王女士" in page
    assert "王女士" in client.get(f"{url}/voucher").content.decode()
    assert client.post(f"{url}/approve", {"version": str(request.version)}).status_code == 409
    # What alone can be approved stands in the form.
    asked = client.get(f"{url}?do=approve").content.decode()
    assert 'id="approve-amount" name="amount"\n      value="120.00"' in asked
    assert "Agreed with the customer." in asked
    assert Agreement.objects.count() == 1


def test_rejected_refund_is_taken_up_again_with_new_evidence(
    shop: Shop, as_staff: SignIn, settings: Settings, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    request = submit(make_sale(shop.merchant, 50_000), 30_000)
    client = as_staff(shop.manager)
    url = f"/desk/refunds/{request.number}"
    said = {"version": str(request.version), "reason_code": "no_proof", "message": "无凭证"}
    client.post(f"{url}/reject", said)
    version = str(RefundRequest.objects.get().version)
    assert "Take it up again" in client.get(url).content.decode()
    assert "Take it up again" not in as_staff(shop.reviewer).get(url).content.decode()
    client = as_staff(shop.manager)
    assert client.post(f"{url}/reopen", {"version": version, "note": "x"}).status_code == 422
    client.post(f"{url}/reopen", {"version": version, "note": "顾客补了照片", "files": pictures.upload()})
    found = RefundRequest.objects.get()
    assert (found.state, found.evidence.count()) == ("in_review", 1)
    assert "顾客补了照片" in client.get(url).content.decode()
