"""What a designer sees at once and no rule of accessibility says: edges, borders, empty room; and a signature on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from merchants.models import Merchant
from refunds.models import RefundRequest
from refunds.telling import tracking
from tests.browser import arrive
from tests.factories import make_sale, make_staff
from tests.journeys.session import sign_in
from tests.refunds.goods.conftest import in_review, shop, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["in_review", "shop", "waiting"]

PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1440, height=900)

_BORDERS = """
() => [...document.querySelectorAll(".btn.block")].filter((one) => one.checkVisibility()).map((one) => {
  const style = getComputedStyle(one);
  return ["Top", "Right", "Bottom", "Left"].map((side) => style["border" + side + "Width"] + style["border" + side + "Color"]);
})
"""
#: Where the words of a page's folds and labels begin, in px.
_BEGINNINGS = """
() => [...document.querySelectorAll("#new-refund summary.btn, #new-refund label[for=reason]")]
  .filter((one) => one.checkVisibility())
  .map((one) => Math.round(one.getBoundingClientRect().left + parseFloat(getComputedStyle(one).paddingLeft)))
"""


def test_signature_on_a_phone_is_drawn_in_sight_and_goes_along(page: Page, live_server: object, shop: Merchant) -> None:
    sale = make_sale(shop, 33_980)
    sign_in(page, live_server, make_staff(shop, "cashier"))
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server}/desk/new?sale={sale.pk}")
    arrive(page)
    page.locator("#reason").select_option("quality")
    expect(page.locator("#quote .amount")).to_contain_text("339.80")
    bar = page.locator(".quote-bar").bounding_box()
    assert bar is not None
    assert bar["height"] <= PHONE["height"] * 0.4, "the guide is folded: the form has the greater part of the screen"
    assert len(set(page.evaluate(_BEGINNINGS))) == 1, "folds begin where the fields do"
    page.get_by_text("顾客在此签名").click()
    expect(page.locator("details[open] .file-box")).to_have_count(0)
    pad = page.locator("canvas.sign")
    pad.evaluate("(one) => scrollBy(0, one.getBoundingClientRect().top - 120)")
    box = pad.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= bar["y"]
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=8)
    page.mouse.up()
    # A drawn signature is the agreement to what is asked for below it.
    expect(page.locator("input[name=consent]")).to_be_checked()
    page.locator("#submit-refund").click()
    page.wait_for_url("**/desk/refunds/RF-*")
    assert RefundRequest.objects.get().evidence.count() == 1


def test_page_as_high_as_the_screen_has_no_empty_room_below_it(
    page: Page, live_server: object, in_review: RefundRequest
) -> None:
    sign_in(page, live_server, make_staff(in_review.merchant, "reviewer"))
    # Low, so that every part of it has more than it shows.
    page.set_viewport_size(ViewportSize(width=1440, height=600))
    page.goto(f"{live_server}/desk")
    expect(page.locator(".pane-scroll")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    loose = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((one) => {
             const style = getComputedStyle(one);
             return /auto|scroll/.test(style.overflowY) && style.position === "static" && one.querySelector(".sr");
           }).map((one) => one.className)"""
    )
    assert loose == [], "what is hidden in them is placed by the page, and makes it longer"


def test_button_as_wide_as_its_place_has_a_border_all_round(
    page: Page, live_server: object, waiting: RefundRequest
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server}/r/{tracking.token_for(waiting.pk)}")
    arrive(page)
    borders = page.evaluate(_BORDERS)
    assert borders
    assert all(len(set(sides)) == 1 for sides in borders), borders
