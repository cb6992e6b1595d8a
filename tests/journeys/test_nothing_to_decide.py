"""A reviewer for whom nothing waits goes from one refund to the next."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from merchants.models import Role
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_going_one_after_the_other_where_nothing_is_ones_own_says_so_and_keeps_the_list(
    page: Page, live_server: object
) -> None:
    merchant = make_merchant()
    make_request(make_sale(merchant, 339_800), 330_000)
    sign_in(page, live_server, make_staff(merchant, Role.REVIEWER))
    page.goto(f"{live_server}/desk")
    expect(page.locator(".q-row")).to_have_count(1)
    page.keyboard.press("f")
    expect(page.locator("#toasts .toast")).to_be_visible()
    expect(page.locator("#queue")).to_be_visible()
