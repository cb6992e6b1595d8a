"""An owner sets the shop up in a browser: stores, tills, channel account, key, words, term; and reads who did it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.audit.models import AuditEvent
from merchants.models import ApiKey, ChannelAccount, Merchant, MessageWording, Store
from simulators.kit.testing import RunningSimulator
from terminals.models import Terminal
from tests.browser import arrive, in_looks
from tests.factories import make_account, make_staff, wechat_credentials
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SETTINGS = "/desk/settings"
#: Every page, to be opened narrow, in the dark and in English.
_PAGES = (
    _SETTINGS,
    *(f"{_SETTINGS}/{page}" for page in ("stores", "stores/S001", "terminals", "channel-accounts", "messages")),
    f"{_SETTINGS}/channel-accounts/new/unionpay",
    f"{_SETTINGS}/messages/refunded/email/en",
    f"{_SETTINGS}/personal-data",
    "/desk/api-keys",
    "/desk/audit",
)

Look = tuple[int, str, str]
_LOOKS: tuple[Look, Look] = ((1440, "light", "zh-hans"), (390, "dark", "en"))
#: Of these one in every run; `make looks` opens all of them in both.
_EVERY_RUN = {f"{_SETTINGS}/channel-accounts/new/unionpay": _LOOKS[1], "/desk/audit": _LOOKS[0]}


@pytest.fixture
def owner(page: Page, live_server: object, merchant: Merchant) -> Page:
    """The owner's browser."""
    sign_in(page, live_server, make_staff(merchant, "owner"))
    return page


def _send(page: Page, form: str, **fields: str) -> None:
    """Fill a form's fields by name and send it."""
    card = page.locator(f"#{form}")
    for name, value in fields.items():
        field = card.locator(f"[name='{name}']")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    card.locator("button[type=submit]").first.click()
    # The page before may still show what was said of the form before.
    arrive(page)
    expect(page.locator(".toast.ok")).to_be_visible()


def test_owner_sets_the_shop_up_without_a_shell(
    owner: Page, live_server: object, merchant: Merchant, wechat: RunningSimulator, settings: object
) -> None:
    settings.CHANNEL_URLS = {"wechat": wechat.account["base_url"]}  # type: ignore[attr-defined]
    owner.goto(f"{live_server}{_SETTINGS}")
    owner.locator("main a[href$='/settings/stores']").click()
    _send(owner, "open", code="S002", name="西湖店", phone="0571-8888 0002", address="延安路 1 号")
    owner.goto(f"{live_server}{_SETTINGS}/terminals")
    _send(owner, "register", code="POS-07", name="西门", store="S002")
    owner.locator("main a", has_text="POS-07").click()
    _send(owner, "change", next_service_date="2027-03-01")
    _send(owner, "refunds", reason="盘点")
    expect(owner.locator("main")).to_contain_text("盘点")
    owner.goto(f"{live_server}{_SETTINGS}/channel-accounts/new/wechat")
    _send(owner, "open", **wechat_credentials(wechat.account))
    owner.locator("main a", has_text=re.compile("微信支付")).first.click()
    _send(owner, "test")
    _send(owner, "profile", max_partials="20")
    owner.goto(f"{live_server}/desk/api-keys")
    owner.locator("#key-name").fill("收银台")
    owner.locator("#key-store").select_option("S002")
    owner.locator("[name=scopes]").first.check()
    owner.locator("form:has(#key-name) button[type=submit]").click()
    expect(owner.locator("[data-issued-key]")).to_be_visible()
    owner.goto(f"{live_server}{_SETTINGS}/messages/refunded/sms/zh-hans")
    _send(owner, "wording", text="【{merchant}】¥{amount} 已退回。")
    owner.goto(f"{live_server}{_SETTINGS}/personal-data")
    _send(owner, "term", days="1200")
    merchant.refresh_from_db()
    account = ChannelAccount.objects.get(merchant=merchant)
    assert (account.test_word, account.profile.max_partials, merchant.retention_days) == ("works", 20, 1200)
    assert Terminal.objects.get(code="POS-07").refunds_enabled is False
    assert (Store.objects.count(), ApiKey.objects.count(), MessageWording.objects.count()) == (2, 1, 1)
    owner.goto(f"{live_server}/desk/audit?act=beside")
    for said in ("新开了门店", "关闭了收银机的退货功能", "测试了渠道账户", "修改了消息文案"):
        expect(owner.locator("main table")).to_contain_text(said)
    assert not AuditEvent.objects.filter(data__icontains=account.credentials["api_v3_key"]).exists()


@pytest.mark.parametrize(
    ("path", "look"),
    [(path, look) if _EVERY_RUN.get(path) is look else in_looks(path, look) for path in _PAGES for look in _LOOKS],
)
def test_page_fits_a_phone_in_the_dark_and_breaks_no_rule(
    owner: Page, live_server: object, merchant: Merchant, axe: Callable[[Page], None], path: str, look: Look
) -> None:
    make_account(merchant)
    Terminal.objects.update(checks={"printer": False}, software_version="4.2.1")
    width, theme, language = look
    owner.set_viewport_size({"width": width, "height": 900})
    owner.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    owner.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
    owner.goto(f"{live_server}{path}")
    expect(owner.locator("h1")).to_be_visible()
    assert owner.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, path)
    axe(owner)


def test_navigation_shows_where_one_is_and_the_page_begins_at_its_top(owner: Page, live_server: object) -> None:
    owner.set_viewport_size({"width": 1440, "height": 600})
    owner.goto(f"{live_server}/desk/settings/messages")
    expect(owner.locator(".nav [aria-current=page]")).to_be_in_viewport(ratio=1)
    assert owner.evaluate("scrollY") == 0
