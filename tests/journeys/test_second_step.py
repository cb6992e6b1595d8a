"""Nothing irreversible on one key, and no key that does nothing without saying why: in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from merchants.models import ApiKey, Merchant, Role, Staff
from refunds.models import RefundRequest
from tests.browser import in_looks
from tests.factories import make_request, make_sale, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Staff], None]
#: Above the reviewers' 1,000.00.
TOO_MUCH = 135_880


@pytest.fixture
def sign_in(page: Page, live_server: object) -> SignIn:
    def put(staff: Staff) -> None:
        client = Client()
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])

    return put


def _large(merchant: Merchant) -> RefundRequest:
    return make_request(make_sale(merchant, TOO_MUCH), TOO_MUCH)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(
    ("language", "why", "nothing"),
    [
        ("zh-hans", "该金额须由以下角色审核", "没有您可以审核的"),
        ("en", "decided by", "Nothing is left to claim that you may"),
    ],
)
def test_decision_keys_on_what_is_not_ones_own_say_why(
    page: Page, live_server: object, merchant: Merchant, sign_in: SignIn, language: str, why: str, nothing: str
) -> None:
    large = _large(merchant)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
    sign_in(make_staff(merchant, Role.REVIEWER))
    page.goto(f"{live_server}/desk")
    page.wait_for_load_state("domcontentloaded")
    # Nothing is preselected as if it could be decided; a key says that something has to be chosen.
    expect(page.locator("tr.q-row.current")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator("#toasts .toast")).to_have_count(1)
    page.keyboard.press("j")
    expect(page.locator("#pane h2").first).to_have_text(large.number)
    for key in ("a", "r", "i"):
        page.keyboard.press(key)
        expect(page.locator("#toasts[role=status] .toast", has_text=re.compile(why))).to_be_visible()
        # By its own button, where it has not gone by itself meanwhile.
        page.evaluate("document.querySelectorAll('#toasts .toast button').forEach((one) => one.click())")
    # The mouse gets the same answer from the buttons that stand there disabled.
    refused = page.locator("#pane [data-refused=approve]")
    expect(refused).to_have_attribute("aria-disabled", "true")
    refused.click(force=True)
    expect(page.locator("#toasts .toast", has_text=re.compile(why))).to_be_visible()
    expect(page.locator("#pane [data-refused=reject]")).to_have_attribute("aria-describedby", "why-not")
    expect(page.locator("dialog[open]")).to_have_count(0)
    # It cannot be picked either, not even with the whole page.
    page.keyboard.press("x")
    page.locator("[data-pick-all]").click()
    expect(page.locator("[data-pick-all]")).not_to_be_checked()
    expect(page.locator("#bulk")).to_be_hidden()
    # Nor does the next one hand it out.
    page.keyboard.press("n")
    expect(page.locator("#toasts .toast", has_text=re.compile(nothing))).to_be_visible()
    page.wait_for_load_state()
    assert RefundRequest.objects.get().claimed_by_id is None
    page.goto(f"{live_server}/desk/refunds/{large.number}")
    page.wait_for_load_state("domcontentloaded")
    page.keyboard.press("a")
    expect(page.locator("#toasts .toast", has_text=re.compile(why))).to_be_visible()
    assert RefundRequest.objects.get().state == "in_review"


@pytest.mark.parametrize("width", [in_looks(1440), 390])
def test_key_is_rotated_and_ended_only_with_its_name_typed(
    page: Page,
    live_server: object,
    merchant: Merchant,
    sign_in: SignIn,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
    width: int,
) -> None:
    expected_complaints.append("422")
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(make_staff(merchant, Role.MANAGER))
    page.goto(f"{live_server}/desk/api-keys")
    page.get_by_label("密钥名称").fill("收银台 1")
    page.get_by_label("refunds:read").check()
    page.get_by_role("button", name="生成密钥").click()
    expect(page.locator("[data-issued-key]")).to_be_visible()

    page.get_by_role("link", name=re.compile("^轮换")).click()
    axe(page)
    assert _fits(page)
    expect(page.get_by_label("24 小时")).to_be_checked()
    field = page.get_by_label(re.compile("请输入密钥名称"))
    field.fill("收银台")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("未作任何更改")
    assert ApiKey.objects.count() == 1
    page.get_by_label(re.compile("请输入密钥名称")).fill("收银台 1")
    page.get_by_role("button", name="轮换密钥").click()
    expect(page.locator("[data-issued-key]")).to_be_visible()
    expect(page.locator("table")).to_contain_text("有效至")
    axe(page)
    assert _fits(page)

    page.get_by_role("link", name=re.compile("^立即终止")).click()
    page.get_by_label(re.compile("请输入密钥名称")).fill("收银台 1")
    page.get_by_role("button", name="吊销密钥").click()
    expect(page.locator("table")).not_to_contain_text("有效至")
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


def test_wrong_passwords_are_told_and_the_name_stays(
    page: Page,
    live_server: object,
    merchant: Merchant,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
) -> None:
    expected_complaints.append("429")
    make_staff(merchant, Role.CASHIER, username="anna", password="a long password")
    page.goto(f"{live_server}/login")
    page.locator("#id_username").fill("anna")
    for _ in range(6):
        page.locator("#id_password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#id_username")).to_have_value("anna")
        page.wait_for_load_state()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("秒后再试"))
    axe(page)
    assert _fits(page)
