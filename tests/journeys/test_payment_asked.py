"""A sale that the till left unconfirmed, in a browser: the channel is asked by a button, and then it can be refunded."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from simulators.kit.testing import RunningSimulator
from tests.factories import make_account, make_merchant, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_unconfirmed_sale_is_asked_about_and_can_then_be_refunded(
    page: Page, live_server: object, wechat: RunningSimulator
) -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 33_980, status="pending", channel_account=make_account(merchant, wechat.account))
    payment = {"order_no": sale.order_no, "transaction_no": sale.channel_transaction_no, "amount_fen": 33_980}
    wechat.control("POST", "/payments", {**payment, "status": "WAIT_BUYER_PAY"})
    sign_in(page, live_server, make_staff(merchant, "cashier"))
    page.goto(f"{live_server}/desk/transactions/{sale.pk}?lang=en")
    check, refund = page.locator("#payment-check"), page.locator(f'a[href*="/desk/new?sale={sale.pk}"]')
    expect(refund).to_have_count(0)

    check.get_by_role("button").click()
    expect(check.locator(".badge")).to_be_visible()
    expect(refund).to_have_count(0)

    wechat.control("POST", "/payments", payment)
    sale.__class__.objects.update(asked_at=None)
    check.get_by_role("button").click()
    expect(check.locator(".badge.ok")).to_be_visible()
    expect(refund).to_have_count(1)
