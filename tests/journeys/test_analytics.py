"""A manager reads the figures in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.calendar import SHANGHAI
from merchants.models import Role
from tests.analytics.rows import World, month_of_a_chain
from tests.browser import in_looks
from tests.factories import make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


@pytest.fixture
def world() -> World:
    return month_of_a_chain(now=timezone.now().astimezone(SHANGHAI))


@pytest.fixture
def manager(world: World, page: Page, live_server: object) -> Page:
    """The browser with a manager signed in."""
    sign_in(page, live_server, make_staff(world.merchant, Role.MANAGER))
    return page


@pytest.mark.parametrize("width", [1440, in_looks(390)])
def test_manager_goes_from_a_figure_to_its_refunds(
    manager: Page, live_server: object, axe: Callable[[Page], None], width: int
) -> None:
    manager.set_viewport_size({"width": width, "height": 900})
    manager.goto(f"{live_server}/desk/analytics")
    expect(manager.locator(".kpi")).to_have_count(5)
    expect(manager.locator(".insight b")).to_contain_text("城西万象店")
    axe(manager)
    assert manager.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"

    stated = manager.locator(".kpi .small").first.inner_text().replace(",", "")
    manager.locator(".kpi").first.click()
    expect(manager).to_have_url(re.compile("/desk/refunds"))
    count = "".join(filter(str.isdigit, stated))
    expect(manager.locator(".page-head .sub")).to_contain_text(count)
    axe(manager)


def test_manager_sees_why_refunds_rise_and_at_which_till(manager: Page, live_server: object) -> None:
    manager.goto(f"{live_server}/desk/analytics")
    cause = manager.locator("#h-drivers").locator("xpath=ancestor::section").locator("tbody tr").first
    expect(cause).to_contain_text("城西万象店 · 重复扣款")
    till = cause.get_by_role("link", name=re.compile("POS-11"))
    count = re.search(r"(\d+) 笔", till.inner_text())
    assert count

    till.click()

    expect(manager).to_have_url(re.compile("terminal=POS-11"))
    expect(manager.locator(".page-head .sub")).to_contain_text(count[1])
    # The till stands among the filters and can be let go of.
    manager.get_by_text("POS-11").first.click()
    manager.get_by_role("link", name="清除").first.click()
    expect(manager).not_to_have_url(re.compile("terminal="))


def test_other_days_are_chosen_by_a_form_that_keeps_the_filters(manager: Page, live_server: object) -> None:
    manager.goto(f"{live_server}/desk/analytics?store=S002&by=amount")
    manager.get_by_role("link", name=re.compile("Custom|自定义")).click()
    last_week = timezone.now().astimezone(SHANGHAI).date() - timedelta(days=7)
    manager.locator("input[name=from]").fill((last_week - timedelta(days=6)).isoformat())
    manager.locator("input[name=to]").fill(last_week.isoformat())
    manager.locator(".dates button[type=submit]").click()
    expect(manager.locator(".page-head .sub").last).to_contain_text(last_week.isoformat())
    expect(manager.locator("#h-stores")).to_be_visible()
    expect(manager).to_have_url(re.compile("store=S002"))
    expect(manager).to_have_url(re.compile("by=amount"))


def test_table_is_taken_away_as_a_file(manager: Page, live_server: object) -> None:
    manager.goto(f"{live_server}/desk/analytics?period=7")
    with manager.expect_download() as download:
        manager.get_by_role("link", name=re.compile("Export|导出")).click()
    assert download.value.suggested_filename.startswith("refunds-")
