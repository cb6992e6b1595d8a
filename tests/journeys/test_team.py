"""A team comes together in a browser: an owner invites, a person comes in with two factors, and keeps their own account."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from merchants import policies
from merchants.models import Merchant, Role, Staff
from merchants.principals import SYSTEM
from refunds.models import Approval
from tests.browser import every_look, every_look_narrow
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff
from tests.second_factors import code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long password"
Axe = Callable[[Page], None]
Look = Callable[[Page, str], None]


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant("Z009")
    merchant.stores.create(code="S002", name="二号店")
    Merchant.objects.filter(pk=merchant.pk).update(requires_second_factor=True)
    return merchant


@pytest.fixture
def manager(merchant: Merchant) -> Staff:
    return make_staff(merchant, Role.MANAGER, username="mia", password=PASSWORD)


@pytest.fixture
def look(axe: Axe, width: int, scheme: str) -> Look:
    """In the journey's look no rule of accessibility is broken and nothing scrolls sideways."""

    def looked_at(page: Page, name: str) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": 1440, "height": 900})

    return looked_at


def _type_in(page: Page, base: str, username: str) -> None:
    page.goto(f"{base}/login")
    page.fill("#id_username", username)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def _set_up_app(page: Page) -> str:
    """An app of this person's, and past the recovery codes."""
    secret = page.locator("[data-secret]").inner_text()
    page.fill("#app-code", code_of(secret))
    page.get_by_role("button", name="使用此应用").click()
    expect(page.locator("[data-recovery-codes] li")).to_have_count(10)
    return secret


@every_look
def test_owner_invites_and_the_person_comes_in_with_an_app(
    page: Page,
    browser: Browser,
    live_server: object,
    merchant: Merchant,
    look: Look,
    browser_context_args: dict[str, str],
) -> None:
    base = str(live_server)
    make_staff(merchant, Role.OWNER, username="lan", password=PASSWORD)
    _type_in(page, base, "lan")
    look(page, "enrol")
    _set_up_app(page)
    look(page, "codes")
    page.get_by_role("link", name="我已保存好").click()

    page.get_by_role("navigation", name="主导航").get_by_role("link", name="团队").click()
    look(page, "team")
    page.fill("#team-login", "anna")
    page.select_option("#team-role", "reviewer")
    page.get_by_label("二号店").check()
    page.fill("#team-limit", "300")
    page.fill("#team-codes", "C001, C002")
    page.get_by_role("button", name="生成链接").click()
    link = page.locator("[data-link]").inner_text()
    look(page, "link")

    # On the new colleague's own machine.
    theirs = browser.new_context(**browser_context_args)  # type: ignore[arg-type]
    person = theirs.new_page()
    person.goto(base + link[link.index("/join/") :])
    look(person, "join")
    person.fill("#join-name", "安娜")
    person.fill("#new-password", PASSWORD)
    person.fill("#new-again", PASSWORD)
    person.get_by_role("button", name="保存").click()
    expect(person.locator("#toasts")).to_contain_text("z009.anna")
    _type_in(person, base, "z009.anna")
    secret = _set_up_app(person)
    person.get_by_role("link", name="我已保存好").click()
    expect(person).to_have_url(f"{base}/desk")
    person.goto(f"{base}/desk/account")
    look(person, "account")
    theirs.clear_cookies()
    _type_in(person, base, "z009.anna")
    look(person, "second")
    person.fill("#id_code", code_of(secret, periods=1))
    person.get_by_role("button", name="登录", exact=True).click()
    expect(person).to_have_url(f"{base}/desk")
    theirs.close()

    page.goto(f"{base}/desk/team")
    page.get_by_role("link", name="安娜").click()
    look(page, "member")
    page.get_by_role("button", name="申请重置：密码").click()
    expect(page.get_by_text("等待第二人确认")).to_be_visible()


@every_look_narrow
def test_passkey_is_made_and_lets_its_person_in(page: Page, live_server: object, manager: Staff, look: Look) -> None:
    base = str(live_server)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    _type_in(page, base, "mia")
    page.fill("#key-name", "店里的电脑")
    page.get_by_role("button", name="创建通行密钥").click()
    expect(page.locator("[data-recovery-codes] li")).to_have_count(10)
    page.get_by_role("link", name="我已保存好").click()
    page.goto(f"{base}/desk/account")
    expect(page.get_by_role("region", name="二次验证")).to_contain_text("店里的电脑")
    look(page, "account-passkey")
    page.goto(f"{base}/desk/account/second-factor")
    look(page, "add-factor")
    page.context.clear_cookies()

    _type_in(page, base, "mia")
    expect(page).to_have_url(f"{base}/login/second")
    look(page, "second-passkey")
    page.get_by_role("button", name="使用通行密钥").click()
    expect(page).to_have_url(f"{base}/desk")

    # Above the limit the passkey signs what stands beside it.
    rules = {**RULES, "four_eyes_above_fen": 20_000}
    policies.publish(merchant=manager.merchant, name="two", rules=rules, by=SYSTEM, at=timezone.now())
    large = make_request(make_sale(manager.merchant, 50_000), 30_000)
    page.goto(f"{base}/desk/refunds/{large.number}?do=approve")
    dialog = page.locator("#dlg-approve")
    dialog.locator(".dlg-foot [type=submit]").click()
    expect(dialog.locator("[data-signing] dl")).to_contain_text(large.number)
    expect(dialog.locator("[data-signing] dl")).to_contain_text("¥300.00")
    look(page, "signing")
    assert not Approval.objects.exists()
    dialog.get_by_role("button", name="用通行密钥签名").click()
    expect(page.locator("#toasts")).to_contain_text(large.number)
    assert Approval.objects.get().factor == "webauthn"
