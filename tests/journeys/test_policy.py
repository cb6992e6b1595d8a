"""The policy in a browser: changed by one, published by another, read by all; in the dark, on a phone, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from analytics.trials import running
from merchants import channel_rules, policies
from merchants.models import Merchant, PolicyDraft, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import of_staff
from refunds.models import RefundRequest
from samples.demo import guides, rules
from tests.browser import every_look, in_looks
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Staff], None]


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant(rules=rules.RETAIL)
    policies.publish(
        merchant=merchant,
        name="零售标准退款策略",
        rules=rules.RETAIL,
        guides=guides.RETAIL,
        reason="加上操作指引",
        by=of_staff(make_staff(merchant, "owner")),
        at=timezone.now() - timedelta(days=200),
    )
    return merchant


@pytest.fixture
def sign_in(page: Page, live_server: object) -> SignIn:
    """Puts a session into the browser, in place of the one before."""

    def put(staff: Staff) -> None:
        client = Client()
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        page.context.clear_cookies()
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])

    return put


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("language", ["zh-hans", in_looks("en")])
@every_look
def test_limit_raised_by_a_manager_and_published_by_a_colleague_approves_the_next_refund(
    page: Page,
    live_server: object,
    merchant: Merchant,
    sign_in: SignIn,
    axe: Callable[[Page], None],
    width: int,
    scheme: str,
    language: str,
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.set_extra_http_headers({"Accept-Language": "zh-CN" if language == "zh-hans" else "en"})

    def looked_at() -> None:
        assert (page.locator("html").get_attribute("lang") or "").lower() == language
        axe(page)
        assert _fits(page), f"{page.url} is wider than the screen"

    manager, owner = make_staff(merchant, "manager"), make_staff(merchant, "owner")
    last_month = timezone.now() - timedelta(days=30)
    before = make_request(make_sale(merchant, 33_980, paid_at=last_month), 12_000, at=last_month + timedelta(hours=1))
    sign_in(manager)
    page.goto(f"{live_server}/desk/policy")
    page.locator("form[action$='/policy/drafts'] button").click()
    page.locator("#f-p-auto_approve_limit_fen").fill("150")
    page.locator("#f-p-auto_approve_limit_fen").press("Enter")
    expect(page.locator(".diff del")).to_have_text("¥100.00")
    expect(page.locator(".diff ins")).to_have_text("¥150.00")
    looked_at()
    # What could be paid out in a day without a person, in force against draft; and what it would have done in the last 90 days.
    draft = page.url
    page.locator("a[href$='/proof']").click()
    expect(page.locator("section[aria-labelledby=h-exposure]")).to_contain_text("¥100.00")
    expect(page.locator("section[aria-labelledby=h-exposure]")).to_contain_text("¥150.00")
    page.locator("#trial form[action$='/trials'] button[type=submit]").click()
    expect(page.locator("#trial progress")).to_be_visible()
    running.work()
    expect(page.locator("#trial")).to_contain_text(before.number)
    looked_at()
    page.goto(draft)
    # Nobody publishes what they wrote: there is nothing to press for it.
    expect(page.locator("form[action$='/publish']")).to_have_count(0)
    page.locator("#act-reason").fill("排队太长，小额可以更快")
    page.locator("#ask-colleague").select_option(str(owner.pk))
    page.locator("form[action$='/ask'] button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    looked_at()

    sign_in(owner)
    page.goto(f"{live_server}/desk/policy")
    page.locator(".banner a[href*='/policy/drafts/']").click()
    expect(page.locator(".diff ins")).to_have_text("¥150.00")
    page.locator("form[action$='/publish'] input[name=confirmed]").check()
    page.locator("form[action$='/publish'] button[type=submit]").click()
    expect(page).to_have_url(re.compile("/desk/policy$"))
    expect(page.locator(".dl.words").first).to_contain_text("¥150.00")
    looked_at()

    sale = make_sale(merchant, 33_980)
    sign_in(make_staff(merchant, "cashier"))
    page.goto(f"{live_server}/desk/new?sale={sale.pk}")
    page.locator("#amount").fill("120.00")
    page.locator("#reason").select_option("quality")
    # What to do for such a reason stands beside the form.
    expect(page.locator("#quote .guide:visible")).to_be_visible()
    page.locator("#new-refund input[name=consent]").check()
    page.locator("#submit-refund").click()
    expect(page).to_have_url(re.compile("/desk/refunds/RF-"))
    request = RefundRequest.objects.exclude(pk=before.pk).get()
    assert (request.by_rule, request.policy_version.number) == (True, 3)
    expect(page.locator("main")).to_contain_text("零售标准退款策略 v3")
    looked_at()


def _draft(merchant: Merchant, by: Staff) -> PolicyDraft:
    draft = drafting.start(by=of_staff(by), at=timezone.now())
    changed = {
        **draft.rules,
        "auto_approve_limit_fen": 15_000,
        "exceptions": [{"stores": ["S001"], "reasons": ["quality"], "auto_approve_limit_fen": 20_000}],
    }
    written = Written(name=draft.name, rules=changed, guides=draft.guides)
    return drafting.write(draft_id=draft.pk, revision=1, written=written, by=of_staff(by), at=timezone.now())


@every_look
def test_every_page_of_the_policy_is_accessible_and_fits(
    page: Page,
    live_server: object,
    merchant: Merchant,
    sign_in: SignIn,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
    width: int,
    scheme: str,
) -> None:
    manager = make_staff(merchant, "manager")
    channel_rules.add(
        channel="wechat",
        effective_date=date(2026, 12, 1),
        text="同一订单的部分退款至少间隔一分钟",
        source="https://pay.weixin.qq.com/doc/v3/merchant/4012791883",
        by=of_staff(make_staff(merchant, "finance")),
        at=timezone.now(),
    )
    draft = f"{live_server}/desk/policy/drafts/{_draft(merchant, manager).pk}"
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(manager)
    for path in (f"{live_server}/desk/policy", draft, f"{live_server}/desk/policy/versions/2"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")
        axe(page)
        assert _fits(page), f"{path} is wider than the screen"
    # Refused, with the field marked and all that was typed.
    expected_complaints.append("422")
    page.goto(draft)
    page.locator("#f-p-auto_approve_limit_fen").fill("1e3")
    page.locator("#draft button[type=submit]").click()
    expect(page.locator("#f-p-auto_approve_limit_fen-error")).to_be_visible()
    expect(page.locator("#f-p-auto_approve_limit_fen")).to_have_value("1e3")
    axe(page)
    assert _fits(page)
