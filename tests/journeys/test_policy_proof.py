"""A draft is tried in a browser: what is wrong with it, what it lets happen, the past; on a phone and in the dark, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from analytics.trials import running, shadow
from merchants.principals import of_staff
from tests.analytics.trials.conftest import saved_draft
from tests.browser import every_look_narrow
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@every_look_narrow
def test_draft_when_tried_shows_what_it_would_have_done_and_repairs_what_is_wrong(
    page: Page, live_server: object, axe: Callable[[Page], None], width: int, scheme: str
) -> None:
    merchant = make_merchant()
    manager = make_staff(merchant, "manager")
    by = of_staff(manager)
    changed = make_request(make_sale(merchant, 50_000), 25_000)
    tiers = [{**RULES["tiers"][0], "roles": ["cashier"]}, RULES["tiers"][1]]
    draft = saved_draft(merchant, by, auto_approve_limit_fen=30_000, tiers=tiers)
    shadow.start(draft_id=draft.pk, days=14, by=by, at=timezone.now() - timedelta(minutes=5))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, live_server, manager)
    page.goto(f"{live_server}{reverse('desk:policy-draft', args=[draft.pk])}")
    page.locator(f"a[href$='/drafts/{draft.pk}/proof']").click()

    finding = page.locator("[data-finding=tier_without_decider]")
    expect(finding).to_be_visible()
    finding.locator("button").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    expect(finding).to_have_count(0)

    page.locator("#trial form[action$='/trials'] button[type=submit]").click()
    expect(page.locator("#trial progress")).to_be_visible()
    running.work()
    # Nobody loads the page anew: it asks by itself.
    expect(page.locator("#trial")).to_contain_text(changed.number)

    shadow.work(at=timezone.now() + timedelta(minutes=1))
    page.reload()
    assert _fits(page)
    axe(page)
    page.locator("#trial a[href*='mode=plain']").first.click()
    expect(page.locator("#trial")).to_contain_text(changed.number)
