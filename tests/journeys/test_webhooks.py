"""A manager connects the shop's own system: address, secret, test event, what it missed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from integrations import delivering
from integrations.models import WebhookDelivery
from merchants.models import Role
from tests.browser import arrive, every_look
from tests.factories import make_merchant, make_staff
from tests.integrations.rig import listening, tell

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _fits(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@every_look
def test_manager_adds_an_address_and_sees_a_signed_test_event_arrive(
    page: Page, live_server: object, axe: Callable[[Page], None], settings: Settings, width: int, scheme: str
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    merchant, client = make_merchant(), Client()
    client.force_login(make_staff(merchant, Role.MANAGER), backend="django.contrib.auth.backends.ModelBackend")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": str(live_server)}]
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    with listening() as receiver:
        page.goto(f"{live_server}/desk/developers/webhooks")
        axe(page)
        _fits(page, f"webhooks-empty-{width}")
        page.locator("#hook-url").fill(receiver.url)
        page.locator("section:has(#h-add) button[type=submit]").click()
        secret = page.locator("[data-issued-secret]").inner_text()
        axe(page)
        _fits(page, f"webhooks-{width}")

        page.get_by_role("link", name=receiver.url).click()
        page.locator("form[action$='/test'] button").click()
        arrive(page)
        tell(merchant, data={"number": "RF-261127-0001"})
        assert delivering.work(clock=timezone.now) == 2
        for headers, body in receiver.calls:
            Webhook(secret).verify(body, headers)
        receiver.answer = lambda: 500
        tell(merchant)
        delivering.work(clock=timezone.now)
        WebhookDelivery.objects.filter(state="pending").update(state="failed", due_at=None)
        page.reload()
        log = page.locator("section:has(#h-log) tbody tr")
        expect(log).to_have_count(3)
        expect(log.first).to_contain_text("500")
        log.nth(1).locator("summary").click()
        expect(log.nth(1)).to_contain_text("RF-261127-0001")
        axe(page)
        _fits(page, f"webhook-{width}")

        receiver.answer = lambda: 200
        log.first.get_by_role("button", name=re.compile("重发|重新|Send again|再次")).click()
        arrive(page)
        delivering.work(clock=timezone.now)
        page.reload()
        expect(log.first).to_contain_text("200")
        page.locator("section:has(#h-remove) input[type=checkbox]").check()
        page.locator("section:has(#h-remove) button").click()
        expect(page).to_have_url(re.compile("/webhooks$"))
        expect(page.locator("section:has(#h-endpoints) tbody tr")).to_have_count(0)
