"""What the journeys look with."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

_HEAD = '<!doctype html><html lang="en"><head><title>A page</title></head><body><main><h1>A page</h1>'


@pytest.mark.browser
def test_a_page_that_a_click_leads_to_is_looked_at_and_not_the_one_before(
    page: Page, axe: Callable[[Page], None]
) -> None:
    def next_page(route: Route) -> None:
        time.sleep(1)
        route.fulfill(body=f"{_HEAD}<img src='data:,'></main></body></html>", content_type="text/html")

    page.route(
        "**/first", lambda route: route.fulfill(body=f"{_HEAD}<a href='/next'>On</a></main>", content_type="text/html")
    )
    page.route("**/next", next_page)
    page.goto("http://localhost/first")
    axe(page)
    page.get_by_role("link", name="On").click(no_wait_after=True)
    with pytest.raises(AssertionError, match="image-alt"):
        axe(page)
