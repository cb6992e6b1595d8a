"""A refund that a person pays back, in a browser: asked for as a transfer, approved, paid, seen by the customer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from merchants.models import Merchant
from refunds.models import Evidence, RefundRequest
from refunds.payouts.loop import drain
from refunds.states import Route
from refunds.telling import tracking
from tests.browser import in_looks
from tests.factories import make_sale, make_staff
from tests.journeys.session import sign_in
from tests.refunds import hand

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop() -> Merchant:
    return hand.make_shop()


def test_transfer_from_the_counter_to_the_customers_page(
    page: Page, live_server: object, shop: Merchant, tmp_path: Path
) -> None:
    sale = make_sale(shop)
    sign_in(page, live_server, make_staff(shop, "cashier"))
    page.goto(f"{live_server}/desk/new?sale={sale.pk}")
    page.get_by_label("金额（元）").fill("12.00")
    page.locator("#reason").select_option("quality")
    page.locator("#new-route").select_option("bank_transfer")
    page.get_by_text("银行账户（用于转账）").click()
    page.get_by_label("户名").fill("王小敏")
    page.get_by_label("开户行").fill("工商银行")
    page.get_by_label("账号", exact=True).fill("6222 0212 3456 7890 123")
    page.get_by_label("顾客同意退款金额和方式").check()
    expect(page.locator("#quote")).to_contain_text("由审核员决定")
    page.get_by_role("button", name="提交退款申请").click()
    expect(page.locator("h1")).to_contain_text("12.00")

    request = RefundRequest.objects.get()
    sign_in(page, live_server, make_staff(shop, "reviewer"))
    page.goto(f"{live_server}/desk/refunds/{request.number}?do=approve")
    page.locator("#dlg-approve").get_by_role("button", name="通过").click()
    expect(page.locator("#dlg-approve")).to_have_count(0)
    drain()

    sign_in(page, live_server, make_staff(shop, "finance"))
    page.goto(f"{live_server}/desk")
    page.get_by_role("navigation").get_by_role("link", name="人工打款").click()
    expect(page.locator("table")).to_contain_text("**** 0123")
    page.get_by_role("link", name="打款", exact=True).click()
    expect(page.locator("main")).not_to_contain_text("6222021234567890123")
    page.get_by_role("button", name="显示完整信息").click()
    expect(page.locator("main")).to_contain_text("6222021234567890123")
    slip = tmp_path / "slip.png"
    Image.new("RGB", (60, 40), "white").save(slip)
    page.get_by_label("转账流水号").fill("T20261122-0042")
    # Enter in the field, twice in a hurry, records nothing: the second page shows amount, payee and number first.
    page.get_by_label("转账流水号").press("Enter")
    expect(page.locator("main")).to_contain_text("T20261122-0042")
    expect(page.locator("main")).to_contain_text("12.00")
    expect(page.locator("main")).to_contain_text("**** 0123")
    page.keyboard.press("Enter")
    assert RefundRequest.objects.get().state == "manual_pending"
    page.get_by_role("button", name="返回修改").click()
    expect(page.get_by_label("转账流水号")).to_have_value("T20261122-0042")
    page.get_by_role("button", name="下一步：核对").first.click()
    page.get_by_label("单据照片").set_input_files(slip)
    # By keyboard alone from here.
    page.get_by_role("button", name="已打款").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("已打款，正在通知顾客")).to_be_visible()
    expect(page.locator("main")).to_contain_text("没有待人工打款的退款")
    assert RefundRequest.objects.get().state == "refunded"
    assert Evidence.objects.count() == 1

    page.context.clear_cookies()
    page.goto(f"{live_server}/r/{tracking.url_for(request.pk).partition('/r/')[2]}")
    expect(page.locator("main")).to_contain_text("T20261122-0042")
    expect(page.locator("main")).to_contain_text("尾号 0123")


@pytest.mark.parametrize("width", [390, in_looks(1440)])
def test_pages_are_accessible_and_fit(
    page: Page, live_server: object, shop: Merchant, axe: Callable[[Page], None], width: int
) -> None:
    waiting = [hand.waiting(route, sale=hand.sale_for(shop, route)) for route in (Route.BANK_TRANSFER, Route.CASH)]
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, live_server, make_staff(shop, "finance"))
    details = [f"/desk/by-hand/{request.number}" for request in waiting]
    new = f"/desk/new?sale={make_sale(shop).pk}"
    page.goto(f"{live_server}{details[1]}")
    page.get_by_label("签收单号").fill("E-17")
    page.get_by_role("button", name="下一步：核对").first.click()
    expect(page.locator("main")).to_contain_text("E-17")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for path in ("/desk/by-hand", *details, f"/desk/refunds/{waiting[0].number}", new):
        page.goto(f"{live_server}{path}")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
