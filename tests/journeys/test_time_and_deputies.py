"""Opening hours, a disaster and a deputy in a browser: in both languages, on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.calendar import SHANGHAI
from merchants.hours import read_hours
from merchants.models import CalendarDay, Delegation, Grace, Merchant, Staff, Store
from refunds.models import RefundRequest
from tests.browser import in_looks
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def _in_days(days: int) -> str:
    """As a field for a moment takes it."""
    return (timezone.now() + timedelta(days=days)).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    Store.objects.create(merchant=merchant, code="S002", name="二店")
    return merchant


@pytest.fixture(
    params=[
        (1440, "light", "en"),
        in_looks((390, "dark", "zh-hans")),
        in_looks((390, "light", "en")),
        in_looks((1440, "dark", "zh-hans")),
    ]
)
def owner(page: Page, live_server: object, merchant: Merchant, request: pytest.FixtureRequest) -> Staff:
    """Signed in, on a screen of some width, in some light and language."""
    width, scheme, language = request.param
    staff = make_staff(merchant, "owner")
    sign_in(page, live_server, staff)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server}/desk")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh-hans" else "en")
    return staff


def test_hours_a_day_and_a_disaster_are_said(
    page: Page,
    live_server: object,
    merchant: Merchant,
    owner: Staff,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
) -> None:
    waiting = make_request(make_sale(merchant, 50_000), 30_000)
    store = merchant.stores.get(code="S001")
    page.goto(f"{live_server}/desk/hours")
    card = page.locator(f"section[aria-labelledby=h-store-{store.pk}]")
    # The first store whose hours nobody has said stands open.
    expect(card.locator("details")).to_have_attribute("open", "")
    for number in range(6):
        card.locator(f"input[name=day-{number}]").fill("10:00-14:00 17:00-22:00")
    card.locator("textarea[name=days]").fill("2026-12-31 10:00-02:00")
    card.locator("input[name=shown]").fill("10–22")
    card.locator("input[name=day-6]").fill("ten to six")
    expected_complaints.append("422")
    card.locator("button[type=submit]").click()
    expect(card.locator("[role=alert]")).to_be_visible()
    expect(card.locator("input[name=day-0]")).to_have_value("10:00-14:00 17:00-22:00")
    axe(page)
    assert _fits(page)
    assert not Store.objects.exclude(hours={}).exists()
    card.locator("input[name=day-6]").fill("")
    card.locator("button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    store.refresh_from_db()
    hours = read_hours(store.hours)
    assert hours is not None
    assert (len(hours.week[0]), hours.week[6], len(hours.days)) == (2, (), 1)

    page.locator("#day-date").fill("2027-02-17")
    page.locator("#day-kind").select_option("holiday")
    page.locator("form[action$='/hours/days'] button[type=submit]").click()
    expect(page.locator("section[aria-labelledby=h-days]")).to_contain_text("2027-02-17")
    assert CalendarDay.objects.get().kind == "holiday"

    page.locator("input[name=all_stores]").check()
    page.locator("#grace-from").fill(_in_days(0))
    page.locator("#grace-to").fill(_in_days(3))
    page.locator("#grace-reason").fill("台风")
    page.locator("form[action$='/hours/grace'] button[type=submit]").click()
    disaster = page.locator("section[aria-labelledby=h-grace]")
    expect(disaster).to_contain_text("台风")
    assert RefundRequest.objects.get().due_at == waiting.due_at + timedelta(hours=72)
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")
    axe(page)
    assert _fits(page)
    disaster.locator("form[action*='/end'] button").click()
    expect(disaster.locator("form[action*='/end']")).to_have_count(0)
    assert Grace.objects.get().ended_by_id == owner.pk


def test_deputy_is_named_and_ended(
    page: Page,
    live_server: object,
    merchant: Merchant,
    owner: Staff,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
) -> None:
    manager, reviewer = make_staff(merchant, "manager"), make_staff(merchant, "reviewer")
    page.goto(f"{live_server}/desk/deputies")
    axe(page)
    page.locator("#deputy-absent").select_option(str(manager.pk))
    page.locator("#deputy-deputy").select_option(str(owner.pk))
    page.locator("#deputy-start").fill(_in_days(0))
    page.locator("#deputy-end").fill(_in_days(7))
    page.locator("#deputy-limit").fill("500")
    # Nobody makes themselves a deputy; what was typed stays.
    expected_complaints.append("422")
    page.locator("section[aria-labelledby=h-deputy] button[type=submit]").click()
    expect(page.locator("section[aria-labelledby=h-deputy] [role=alert]")).to_be_visible()
    expect(page.locator("#deputy-limit")).to_have_value("500")
    axe(page)
    assert _fits(page)
    assert not Delegation.objects.exists()
    page.locator("#deputy-deputy").select_option(str(reviewer.pk))
    page.locator("section[aria-labelledby=h-deputy] button[type=submit]").click()
    row = page.locator("section[aria-labelledby=h-deputies] tbody tr")
    expect(row).to_contain_text(reviewer.name)
    expect(row).to_contain_text("500.00")
    axe(page)
    assert _fits(page)
    row.locator("button").click()
    expect(row.locator("button")).to_have_count(0)
    axe(page)
    assert Delegation.objects.get().revoked_at is not None
