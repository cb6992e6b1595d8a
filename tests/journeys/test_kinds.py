"""Refunds that need more than an amount, in a browser: evidence that the policy asks for, and a deposit that is settled."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect
from pytest_django.fixtures import Settings

from merchants.models import Staff
from refunds.models import RefundRequest
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
