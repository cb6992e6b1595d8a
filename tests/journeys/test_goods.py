"""Goods come back for a refund, in a browser: the customer on a phone names the parcel, the store receives and inspects it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.telling import tracking
from refunds.worker import confirming
from tests.browser import every_look, every_look_narrow
from tests.factories import make_staff
from tests.refunds.goods.conftest import fresh, in_review, shop, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["in_review", "shop", "waiting"]

PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1440, height=900)
#: Where pictures of the pages go, for people to look at; none are made without it.
SHOTS = os.environ.get("SCREENSHOTS", "")


def _sign_in(page: Page, live_server: LiveServer, staff: Staff) -> None:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    cookies = {"sessionid": session, "django_language": "en"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )


@pytest.fixture
def looked_at(page: Page, axe: Callable[[Page], None], width: int, scheme: str) -> Callable[[str], None]:
    """In the journey's look the page is accessible, and there is nothing to push sideways; then it is as it was."""

    def look(name: str) -> None:
        before = page.viewport_size
        assert before is not None
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size(PHONE if width == PHONE["width"] else DESK)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size(before)

    return look


@every_look_narrow
def test_goods_from_the_customers_phone_to_the_payout(
    page: Page, live_server: LiveServer, waiting: RefundRequest, looked_at: Callable[[str], None]
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/r/{tracking.token_for(waiting.pk)}?lang=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("The store is waiting for the goods")
    looked_at("goods-customer")
    page.get_by_label("Carrier").fill("顺丰")
    page.get_by_label("Number on the parcel").fill("SF 1234 5678")
    page.get_by_role("button", name="Send the number").click()
    expect(page.get_by_role("status").filter(has_text="the store knows of your parcel")).to_be_visible()
    expect(page.get_by_text("Your parcel is on its way").first).to_be_visible()

    _sign_in(page, live_server, make_staff(waiting.merchant, "reviewer"))
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/desk?view=goods&lang=en")
    expect(page.get_by_text(waiting.number).first).to_be_visible()
    page.goto(f"{live_server.url}/desk/refunds/{waiting.number}?lang=en")
    expect(page.get_by_text("SF12345678").first).to_be_visible()
    page.locator(".card a", has_text="The goods are there").click()
    page.locator("#dlg-receive_goods button[type=submit]").click()
    inspect = page.get_by_role("link", name="Inspect the goods")
    expect(inspect.first).to_be_visible()
    looked_at("goods-refund")
    page.set_viewport_size(PHONE)
    inspect.first.click()
    page.wait_for_url("**/inspect*")
    page.get_by_label("How they are").first.select_option("as_described")
    page.get_by_label("What becomes of them").first.select_option("restock")
    looked_at("goods-inspection")
    page.get_by_role("button", name="Note what was found").click()
    page.wait_for_url(f"**/desk/refunds/{waiting.number}*")
    confirming.work()
    assert (fresh(waiting).state, fresh(waiting).by_rule) == ("approved", True)
    page.goto(f"{live_server.url}/desk/refunds/{waiting.number}/return-slip?lang=en")
    looked_at("goods-slip")


@every_look
def test_exchange_offered_at_the_desk_is_taken_on_the_phone(
    page: Page, live_server: LiveServer, in_review: RefundRequest, looked_at: Callable[[str], None]
) -> None:
    _sign_in(page, live_server, make_staff(in_review.merchant, "reviewer"))
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/desk/refunds/{in_review.number}?do=offer&lang=en")
    page.locator("#offer-kind").select_option("exchange")
    page.locator("#offer-message").fill("换一台新的")
    page.locator("#dlg-offer button[type=submit]").click()
    expect(page.get_by_text("No answer yet")).to_be_visible()
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/r/{tracking.token_for(in_review.pk)}?lang=en")
    looked_at("goods-offer")
    page.get_by_role("button", name="I take it instead of the money").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your refund request was withdrawn")
    assert (fresh(in_review).state, fresh(in_review).reserved_fen) == ("cancelled", 0)


def test_total_of_the_goods_is_in_sight_on_a_phone_and_on_paper_nothing_is_to_be_filled_in(
    page: Page, live_server: LiveServer, waiting: RefundRequest
) -> None:
    _sign_in(page, live_server, make_staff(waiting.merchant, "owner"))
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/desk/refunds/{waiting.number}?lang=en")
    for shown in (page.locator(".total .money"), page.locator("table.goods tbody td:last-child").first):
        box = shown.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= PHONE["width"]
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/desk/shifts?lang=en")
    opening = page.get_by_role("heading", name="Open a shift")
    expect(opening).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(opening).to_be_visible()
    page.emulate_media(media="print")
    expect(opening).to_be_hidden()
    expect(page.get_by_role("heading", name="Shift close")).to_be_visible()
