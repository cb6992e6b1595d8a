"""Refunds that need more than an amount, in a browser: evidence that the policy asks for, and a deposit that is settled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect
from pytest_django.fixtures import Settings

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.states import Reason
from samples.demo import guides, rules
from terminals.models import Deposit
from tests import papers, pictures
from tests.factories import RULES, make_merchant, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _open_form(page: Page, live_server: object, staff: Staff, sale_id: object) -> None:
    sign_in(page, live_server, staff)
    page.goto(f"{live_server}/desk/new?sale={sale_id}&lang=en")


def test_form_asks_for_the_evidence_and_takes_it_with_the_request(
    page: Page, live_server: object, settings: Settings, tmp_path: Path, expected_complaints: list[str]
) -> None:
    expected_complaints.append("422")
    settings.VAR_DIR = tmp_path
    rule = {**RULES["reasons"]["quality"], "evidence_required": ["photo", "receipt"]}
    merchant = make_merchant(rules={**RULES, "reasons": {**RULES["reasons"], "quality": rule}})
    _open_form(page, live_server, make_staff(merchant, "cashier"), make_sale(merchant).pk)
    page.locator("#amount").fill("12")
    page.locator("#reason").select_option("quality")
    expect(page.locator("#quote .banner.warn")).to_be_visible()
    page.locator("input[name=consent]").check()
    page.locator("#submit-refund").click()
    expect(page.locator(".form-error .banner.bad")).to_be_visible()
    assert RefundRequest.objects.count() == 0

    photo = FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=pictures.encoded())
    slip = FilePayload(name="slip.pdf", mimeType="application/pdf", buffer=papers.encoded())
    page.locator("#files").set_input_files([photo])
    page.locator("#new-refund details summary").first.click()
    page.locator("#files-receipt").set_input_files([slip])
    page.locator("#submit-refund").click()
    page.wait_for_url("**/desk/refunds/RF-*")
    request = RefundRequest.objects.get()
    assert request.by_rule
    assert sorted(request.evidence.values_list("kind", flat=True)) == ["photo", "receipt"]


def test_deposit_is_settled_by_why_it_ends(page: Page, live_server: object) -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 30_000, kind="deposit")
    Deposit.objects.create(
        transaction=sale,
        kind="earnest",
        contract_fen=100_000,
        terms="婚宴 12 桌",
        recorded_by="till",
        recorded_at=timezone.now(),
    )
    _open_form(page, live_server, make_staff(merchant, "cashier"), sale.pk)
    page.locator("#amount").fill("100")
    page.locator("#reason").select_option("deposit")
    page.locator("#cause").select_option("customer_breaks")
    expect(page.locator("#quote")).to_contain_text("¥200.00 (100%)")
    page.locator("input[name=consent]").check()
    page.locator("#submit-refund").click()
    page.wait_for_url("**/desk/refunds/RF-*")
    request = RefundRequest.objects.get()
    assert (request.amount_fen, request.deposit["cause"]) == (10_000, "customer_breaks")  # type: ignore[index]


#: One reason of each kind that no other journey takes, what is asked of a sale of 100.00, and whether a rule approves it.
_KINDS = [
    (Reason.SERVICE_FAILURE, "30", True),
    (Reason.PRICE_ADJUSTMENT, "20", True),
    (Reason.WRONG_AMOUNT, "20", True),
    (Reason.DUPLICATE_CHARGE, "100", True),
    (Reason.SYSTEM_FAULT, "100", True),
    (Reason.CUSTOMER_CANCELLED, "60", True),
    (Reason.GOODWILL, "5", False),
]


def test_every_other_kind_is_asked_for_with_its_guide_and_says_what_became_of_it(
    page: Page, live_server: object
) -> None:
    merchant = make_merchant(rules=rules.RETAIL)
    owner = of_staff(make_staff(merchant, "owner"))
    said: dict[str, Any] = {"rules": rules.RETAIL, "guides": guides.RETAIL, "by": owner, "at": timezone.now()}
    policies.publish(merchant=merchant, name="guided", **said)
    cashier, hour_ago = make_staff(merchant, "cashier"), timezone.now() - timedelta(hours=1)
    for at, (reason, amount, by_rule) in enumerate(_KINDS):
        fields: dict[str, Any] = {"phone": f"1380013800{at}", "cashier": f"C9{at}", "paid_at": hour_ago}
        sale = make_sale(merchant, **fields)
        if reason in (Reason.DUPLICATE_CHARGE, Reason.SYSTEM_FAULT):
            make_sale(merchant, **{**fields, "paid_at": hour_ago + timedelta(minutes=1)})
        if at == 0:
            _open_form(page, live_server, cashier, sale.pk)
        else:
            page.goto(f"{live_server}/desk/new?sale={sale.pk}")
        page.locator("#amount").fill(amount)
        page.locator("#reason").select_option(reason)
        # What to do for such a reason stands beside the form, and what the policy would say.
        expect(page.locator("#quote .guide:visible")).to_be_visible()
        page.locator("#new-refund input[name=consent]").check()
        page.locator("#submit-refund").click()
        page.wait_for_url("**/desk/refunds/RF-*")
        request = RefundRequest.objects.get(transaction=sale)
        assert (request.reason, request.by_rule) == (reason, by_rule), reason
        expect(page.locator("main")).to_contain_text(request.number)
