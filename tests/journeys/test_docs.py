"""The API's page works offline and under the content security policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_api_page_lists_the_calls(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/api/docs")
    expect(page.get_by_text("/api/v1/refund-requests", exact=True).first).to_be_visible()


def test_api_page_begins_with_the_guide_in_the_readers_language(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/api/docs")
    expect(page.get_by_role("heading", name="第一笔退款")).to_be_visible()
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
    expect(page.get_by_text("/api/v1/refund-requests", exact=True).first).to_be_visible()
