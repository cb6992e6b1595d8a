"""The API's page works offline and under the content security policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import in_looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", [in_looks("zh-hans"), "en"])
def test_api_page_is_read_without_scripts_in_either_language(
    live_server: LiveServer, browser: Browser, language: str
) -> None:
    context = browser.new_context(locale="zh-CN", java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{live_server.url}/api/docs")
    if language == "en":
        page.get_by_role("button", name="English").click()
    title = {"zh-hans": "第一笔退款", "en": "The first refund"}[language]
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="refund-requests", exact=True).click()
    call = page.get_by_role("heading", name="POST /api/v1/refund-requests", exact=True)
    expect(call).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") < 64_000
    folded = page.get_by_text("submit_refund_request", exact=True)
    expect(folded).to_be_hidden()
    call.click()
    expect(folded).to_be_visible()
    # A link to what is folded opens it.
    page.goto(f"{live_server.url}/api/docs#refundrequestout")
    expect(page.locator("#refundrequestout")).to_be_in_viewport()
    context.close()


# Of 60,000 pixels: to look at them takes longer than most journeys, so every run does it once.
@pytest.mark.parametrize("width", [1440, in_looks(390)])
def test_api_page_has_nothing_to_complain_of(
    live_server: LiveServer, page: Page, axe: Callable[[Page], None], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{live_server.url}/api/docs")
    axe(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_problem_can_be_looked_up(live_server: LiveServer, page: Page, axe: Callable[[Page], None]) -> None:
    page.goto(f"{live_server.url}/api/problems#version_conflict")
    expect(page.locator("#version_conflict")).to_be_in_viewport()
    expect(page.locator("#version_conflict")).to_contain_text("已被他人抢先处理")
    axe(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="全部接口").click()
    expect(page.get_by_role("heading", name="POST /api/v1/refund-requests", exact=True)).to_be_attached()
