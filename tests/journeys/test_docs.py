"""The API's page works offline and under the content security policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_api_page_lists_the_calls(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/api/docs")
    expect(page.get_by_text("/api/v1/refund-requests", exact=True).first).to_be_visible()
