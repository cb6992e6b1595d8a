"""A customer without a receipt, in a browser: the sale is found, or refunded without it; and a deposit given double."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from refunds.models import Agreement, Compensation, NoReceiptCase, RefundRequest
from terminals.deposits import record_terms
from tests.browser import every_look_narrow
from tests.factories import RULES, make_merchant, make_sale, make_staff, till
from tests.journeys.session import sign_in
from tests.refunds import hand

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_REASONS = {**RULES["reasons"], "deposit": RULES["reasons"]["quality"]}


@every_look_narrow
def test_sale_is_found_without_its_receipt_and_another_refund_goes_without_a_sale(
    page: Page, live_server: object, axe: Callable[..., None], width: int, scheme: str
) -> None:
    merchant = make_merchant(rules=hand.BY_HAND_RULES)
    cashier, manager = (make_staff(merchant, role) for role in ("cashier", "manager"))
    sale = make_sale(merchant, 10_000, card_last4="4321")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, cashier)
    page.goto(f"{live_server}/desk/no-receipt")
    page.locator("#nr-kind").select_option("missing_slip")
    page.locator("#nr-amount").fill("100")
    page.locator("#nr-card").fill("4321")
    axe(page)
    page.locator("form:has(#nr-amount) button[type=submit]").click()
    expect(page.locator(".msg").filter(has_text=sale.order_no)).to_be_visible()
    axe(page)
    page.locator("form:has(input[name=sale]) button").click()
    expect(page.locator(f"a[href$='/desk/new?sale={sale.pk}']")).to_be_visible()
    assert NoReceiptCase.objects.get().sale == sale

    page.goto(f"{live_server}/desk/no-receipt")
    page.locator("#nr-kind").select_option("missing_slip")
    page.locator("#nr-amount").fill("66")
    page.locator("#nr-card").fill("0000")
    page.locator("form:has(#nr-amount) button[type=submit]").click()
    page.locator("details:has(#ws-amount) > summary").click()
    page.locator("#ws-amount").fill("66")
    page.locator("#ws-reason").select_option("quality")
    page.locator("#ws-route").select_option("store_credit")
    page.locator("input[name=consent]").check()
    axe(page)
    page.locator("form:has(#ws-amount) button[type=submit]").click()
    expect(page.locator("a[href*='/desk/refunds/RF-']")).to_be_visible()
    request = RefundRequest.objects.get()
    assert (request.amount_fen, request.state) == (6_600, "in_review")
    sign_in(page, live_server, manager)
    page.goto(f"{live_server}/desk/refunds/{request.number}")
    expect(page.locator("a[href*='/desk/no-receipt/']")).to_be_visible()


def test_deposit_is_given_double_and_what_was_negotiated_is_noted(
    page: Page, live_server: object, axe: Callable[..., None]
) -> None:
    merchant = make_merchant(rules={**hand.BY_HAND_RULES, "reasons": _REASONS})
    sale = make_sale(merchant, 30_000, kind="deposit")
    at = timezone.now()
    record_terms(
        transaction_id=sale.pk, kind="earnest", contract_fen=100_000, terms="婚宴 12 桌", by=till(merchant), at=at
    )
    sign_in(page, live_server, make_staff(merchant, "manager"))
    page.goto(f"{live_server}/desk/new?sale={sale.pk}")
    page.locator("#amount").fill("300")
    page.locator("#reason").select_option("deposit")
    page.locator("#cause").select_option("merchant_breaks")
    page.locator("details:has(#owed-holder) > summary").click()
    page.locator("#owed-holder").fill("王小敏")
    page.locator("#owed-account").fill(hand.ACCOUNT_NO)
    page.locator("#owed-bank").fill("工商银行")
    page.locator("input[name=consent]").check()
    page.locator("#submit-refund").click()
    page.wait_for_url("**/desk/refunds/RF-*")
    beside = Compensation.objects.get().payout
    expect(page.locator(f"dd a[href='/desk/refunds/{beside.number}']")).to_be_visible()
    page.locator("details:has(#agree-amount) > summary").click()
    page.locator("#agree-amount").fill("250")
    page.locator("#agree-by").fill("王小敏")
    page.locator("#agree-means").select_option("phone")
    axe(page)
    page.locator("form:has(#agree-amount) button[type=submit]").click()
    expect(page.locator(".msg").filter(has_text="王小敏")).to_be_visible()
    assert (Agreement.objects.get().amount_fen, beside.amount_fen) == (25_000, 20_000)
